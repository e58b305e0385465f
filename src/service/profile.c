#include "service/profile.h"

#include "base/clock.h"
#include "service/audit.h"
#include "service/fields.h"
#include "service/session.h"

#define RULE(m, n, fn) FIELD_RULE(struct profile, m, n, fn)

static const struct field_rule rules[] = {
	RULE(first_name, 1, field_name),
	RULE(last_name, 2, field_name),
	RULE(image_url, 3, field_url),
	RULE(bio, 4, field_lines),
	RULE(country, 5, field_country),
	RULE(state, 6, field_line),
	RULE(city, 7, field_line),
	RULE(address, 8, field_lines),
	RULE(gender, 9, field_line),
	RULE(date_of_birth, 10, field_birth),
	RULE(locale, 11, field_locale),
	RULE(contact_email, 12, field_email),
	RULE(contact_phone, 13, field_phone),
};
static const struct field_set profile_fields = { rules, ARRAY_LEN(rules) };

struct str profile_encode(struct arena *secrets, const struct profile *profile)
{
	return fields_encode(secrets, &profile_fields, profile);
}

bool profile_decode(struct str plain, struct profile *ret)
{
	return fields_decode(&profile_fields, plain, ret);
}

enum err profile_check(struct request *rq, struct profile *profile, struct str country)
{
	return fields_check(rq, &profile_fields, profile, country);
}

struct edit {
	struct request *rq;
	struct account *account; /* as it will be; in rq->secrets */
	int64_t as_read_us;      /* version the change was made to */
	struct audit_change changes[ARRAY_LEN(rules)];
	size_t n_changes;
	struct audit_row audit;
	bool written;
};

static enum err write_tx(struct tx *tx, void *arg)
{
	struct edit *edit = arg;
	struct request *rq = edit->rq;
	const struct user_row *user = &edit->account->row;
	enum err e = user_set_profile(
	    tx, user->id, user->profile, edit->as_read_us, user->updated_at_us, &edit->written);

	if (e != OK || !edit->written)
		return e;
	e = outbox_append_event(
	    rq->service->outbox, tx, STR("user.updated"), user->id, rq->now_us, NULL, 0);
	return e == OK ? audit_append(tx, rq->keys, &edit->audit) : e;
}

static enum err write(struct edit *edit)
{
	struct request *rq = edit->rq;
	struct user_row *user = &edit->account->row;
	struct audit_entry entry = {
		.event = STR("user.updated"),
		.subject = edit->account,
		.session = &rq->actor.session_id,
		.changes = edit->changes,
		.n_changes = edit->n_changes,
	};

	/* Two changes in one microsecond are two versions all the same. */
	user->updated_at_us = rq->now_us > edit->as_read_us ? rq->now_us : edit->as_read_us + 1;
	user->profile = account_seal_profile(rq, &edit->account->key, &edit->account->profile);
	audit_draft(rq, &entry, &edit->audit);
	return store_tx(rq->service->store, rq, write_tx, edit);
}

/* @account as read a moment ago; edit.written false: it has changed since. */
static enum err try(struct edit *edit, const struct account *account, struct profile *patch)
{
	enum err e;

	if (account->row.state != USER_ACTIVE)
		return fault(edit->rq, ERR_TOKEN_REVOKED, "not active any more");
	if (!request_accepts(edit->rq, account->row.updated_at_us))
		return fault(edit->rq, ERR_PRECONDITION_FAILED, "changed since it was read");
	*edit->account = *account;
	edit->as_read_us = account->row.updated_at_us;
	edit->written = true;
	edit->n_changes =
	    fields_merge(&profile_fields, patch, &edit->account->profile, edit->changes);
	e = edit->n_changes > 0 ? write(edit) : OK;
	if (e == OK && edit->written && edit->n_changes > 0)
		outbox_ring(edit->rq->service->outbox);
	return e;
}

enum err profile_update(struct request *rq, const struct profile *patch, struct user_view *ret)
{
	const struct account *account = rq->account;
	struct edit edit = { .rq = rq, .account = ARENA_NEW(rq->secrets, struct account) };
	struct profile wanted = *patch;
	struct str country = str_empty(wanted.country) ? account->profile.country : wanted.country;
	struct account *again = NULL;
	enum err e;

	if (str_empty(country))
		country = rq->service->config.default_country;
	e = profile_check(rq, &wanted, country);
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = try(&edit, account, &wanted);
		if (e == OK && edit.written) {
			rq->version = edit.account->row.updated_at_us;
			account_view(edit.account, ret);
			return OK;
		}
		if (e == OK)
			e = account_read(rq, account->row.id, &again);
		if (e == OK)
			account = again;
	}
	return e == OK ? session_unsettled(rq) : e;
}

#include "service/profile.h"

#include "base/clock.h"
#include "service/audit.h"
#include "service/session.h"

/* Nobody alive was born before; a typing mistake was. */
#define EARLIEST_BIRTH "1900-01-01T00:00:00Z"
#define DATE_LEN 10 /* 2001-12-31 */
#define LANGUAGE_MAX 8
#define HTTPS STR("https://")

/* --- checks --- */

/* Control characters have no place in what goes into mails and on screens. */
static bool is_printable(struct str s, bool lines)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == 0x7f || (c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))))
			return false;
	}
	return true;
}

static enum text check_name(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return is_printable(*s, false) ? TEXT_NONE : TEXT_NAME_INVALID;
}

static enum text check_line(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return is_printable(*s, false) ? TEXT_NONE : TEXT_FIELD_CONTROL;
}

static enum text check_lines(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return is_printable(*s, true) ? TEXT_NONE : TEXT_FIELD_CONTROL;
}

/* A reference, never fetched; but it is shown, so it is nothing but https to some host. */
static enum text check_url(struct request *rq, struct str *s, struct str country)
{
	struct str host = str_from(*s, HTTPS.len);

	(void)rq;
	(void)country;
	if (!str_starts(*s, HTTPS) || str_empty(host) || strchr("/?#:@", host.ptr[0]))
		return TEXT_URL_INVALID;
	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->ptr[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			return TEXT_URL_INVALID;
	}
	return memchr(host.ptr, '@', host.len) ? TEXT_URL_INVALID : TEXT_NONE;
}

static enum text check_country(struct request *rq, struct str *s, struct str country)
{
	(void)rq;
	(void)country;
	return identifier_country_known(*s) ? TEXT_NONE : TEXT_COUNTRY_INVALID;
}

static enum text check_birth(struct request *rq, struct str *s, struct str country)
{
	struct str noon = str_printf(rq->arena, "%.*sT12:00:00Z", STR_ARG(*s));
	int64_t earliest_us, at_us;

	(void)country;
	if (s->len != DATE_LEN || !time_parse(noon.ptr, noon.len, &at_us) ||
	    !time_parse(EARLIEST_BIRTH, sizeof(EARLIEST_BIRTH) - 1, &earliest_us))
		return TEXT_DATE_INVALID;
	return at_us >= earliest_us && at_us <= rq->now_us ? TEXT_NONE : TEXT_DATE_INVALID;
}

static bool is_subtag(struct str s, bool letters_only)
{
	if (s.len < 1 || s.len > LANGUAGE_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool letter = (s.ptr[i] | 0x20) >= 'a' && (s.ptr[i] | 0x20) <= 'z';

		if (!letter && (letters_only || s.ptr[i] < '0' || s.ptr[i] > '9'))
			return false;
	}
	return true;
}

/* Well-formed as RFC 5646 2.2.9 means it, as far as choosing a template needs. */
static enum text check_locale(struct request *rq, struct str *s, struct str country)
{
	struct str rest = *s, tag;
	bool first = true;

	(void)rq;
	(void)country;
	if (str_ends(*s, STR("-")))
		return TEXT_LOCALE_INVALID;
	while (str_next_token(&rest, '-', &tag)) {
		if (!is_subtag(tag, first) || (first && tag.len < 2))
			return TEXT_LOCALE_INVALID;
		first = false;
	}
	return TEXT_NONE;
}

static enum text check_email(struct request *rq, struct str *s, struct str country)
{
	struct identifier id;
	enum text problem = identifier_parse_email(rq->arena, *s, &id);

	(void)country;
	if (problem == TEXT_NONE)
		*s = id.display;
	return problem;
}

static enum text check_phone(struct request *rq, struct str *s, struct str country)
{
	struct identifier id;
	enum text problem = identifier_parse_phone(rq->arena, *s, country, &id);

	if (problem == TEXT_NONE)
		*s = id.display;
	return problem;
}

#define FIELD(m, fn)                                          \
	{                                                     \
		STR_INIT(#m), offsetof(struct profile, m), fn \
	}

static const struct {
	struct str name;
	size_t offset;
	/** check() - TEXT_NONE, or what is wrong; may put @s into its one spelling. */
	enum text (*check)(struct request *rq, struct str *s, struct str country);
} fields[] = {
	FIELD(first_name, check_name),
	FIELD(last_name, check_name),
	FIELD(image_url, check_url),
	FIELD(bio, check_lines),
	FIELD(country, check_country),
	FIELD(state, check_line),
	FIELD(city, check_line),
	FIELD(address, check_lines),
	FIELD(gender, check_line),
	FIELD(date_of_birth, check_birth),
	FIELD(locale, check_locale),
	FIELD(contact_email, check_email),
	FIELD(contact_phone, check_phone),
};

static struct str *slot(struct profile *profile, size_t i)
{
	return (struct str *)(void *)((char *)profile + fields[i].offset);
}

enum err profile_check(struct request *rq, struct profile *profile, struct str country)
{
	enum err e = OK;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct str *s = slot(profile, i);
		enum text problem = str_empty(*s) ? TEXT_NONE : fields[i].check(rq, s, country);

		if (problem != TEXT_NONE)
			e = request_refuse_field(rq, fields[i].name, problem, NULL, 0);
	}
	return e;
}

/* --- update --- */

struct edit {
	struct request *rq;
	struct account *account; /* as it will be; in rq->secrets */
	int64_t as_read_us;      /* version the change was made to */
	struct audit_change changes[ARRAY_LEN(fields)];
	size_t n_changes;
	struct audit_row audit;
	bool written;
};

/* RFC 7396 on a flat object. */
static void merge(struct edit *edit, struct profile *patch)
{
	edit->n_changes = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct str *now = slot(&edit->account->profile, i), wanted = *slot(patch, i);

		if (!wanted.ptr || str_eq(*now, wanted))
			continue;
		edit->changes[edit->n_changes++] = (struct audit_change){
			.field = fields[i].name,
			.before = *now,
			.after = wanted,
			.hidden = true,
		};
		*now = wanted;
	}
}

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
	merge(edit, patch);
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
	struct account *again;
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

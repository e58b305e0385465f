#include "service/typed_profile.h"

#include "service/audit.h"
#include "service/session.h"
#include "store/profile_store.h"

#define CLIENT(m, n, fn) FIELD_RULE(struct client_profile, m, n, fn)
#define VENDOR(m, n, fn) FIELD_RULE(struct vendor_profile, m, n, fn)

static const struct field_rule client_rules[] = {
	CLIENT(shipping_name, 1, field_name),
	CLIENT(shipping_phone, 2, field_phone),
	CLIENT(shipping_address, 3, field_lines),
	CLIENT(shipping_city, 4, field_line),
	CLIENT(shipping_state, 5, field_line),
	CLIENT(shipping_postcode, 6, field_line),
	CLIENT(shipping_country, 7, field_country),
	CLIENT(clothing_size, 8, field_line),
	CLIENT(shoe_size, 9, field_line),
	CLIENT(measurements, 10, field_lines),
	CLIENT(style_preferences, 11, field_lines),
};

/* The slug has a column of its own, which is unique. */
static const struct field_rule vendor_rules[] = {
	VENDOR(slug, 0, field_slug),
	VENDOR(store_name, 1, field_name),
	VENDOR(description, 2, field_lines),
	VENDOR(logo_url, 3, field_url),
	VENDOR(website_url, 4, field_url),
	VENDOR(business_name, 5, field_name),
	VENDOR(business_address, 6, field_lines),
	VENDOR(business_country, 7, field_country),
	VENDOR(support_email, 8, field_email),
	VENDOR(support_phone, 9, field_phone),
	VENDOR(payout_reference, 10, field_line),
};

struct trade {
	enum profile_kind kind;
	struct field_set fields;
	struct str seal, event;
	size_t size;
};

static const struct trade client = {
	.kind = PROFILE_CLIENT,
	.fields = { client_rules, ARRAY_LEN(client_rules) },
	.seal = STR_INIT("clients.profile"),
	.event = STR_INIT("client.updated"),
	.size = sizeof(struct client_profile),
};
static const struct trade vendor = {
	.kind = PROFILE_VENDOR,
	.fields = { vendor_rules, ARRAY_LEN(vendor_rules) },
	.seal = STR_INIT("vendors.profile"),
	.event = STR_INIT("vendor.updated"),
	.size = sizeof(struct vendor_profile),
};

/* One call's row, and what it says; @value is trade->size bytes in rq->secrets. */
struct typed {
	struct request *rq;
	const struct trade *trade;
	struct profile_row row;
	bool found;
	void *value;

	int64_t as_read_us;
	struct audit_row audit;
	bool written, slug_taken;
};

static enum err get_tx(struct tx *tx, void *arg)
{
	struct typed *t = arg;

	return profile_get(tx, t->trade->kind, t->rq->actor.user_id, &t->row, &t->found);
}

static enum err read(struct typed *t)
{
	struct request *rq = t->rq;
	struct str plain;
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, get_tx, t);

	if (e != OK)
		return e;
	if (!t->found)
		return fault(rq, ERR_NOT_FOUND, "they have no such profile");
	t->value = arena_alloc(rq->secrets, t->trade->size);
	if (!str_empty(t->row.profile) &&
	    (unseal(rq->secrets, &rq->account->key, t->trade->seal, t->row.profile, &plain) != OK ||
		!fields_decode(&t->trade->fields, plain, t->value)))
		return fault(rq, ERR_INTERNAL, "a typed profile does not open");
	if (t->trade == &vendor)
		((struct vendor_profile *)t->value)->slug = t->row.slug;
	return OK;
}

/* One that was never changed has the version of its making. */
static int64_t version_of(const struct profile_row *row)
{
	return row->updated_at_us > 0 ? row->updated_at_us : row->created_at_us;
}

static enum err write_tx(struct tx *tx, void *arg)
{
	struct typed *t = arg;
	struct request *rq = t->rq;
	enum err e = profile_set(tx, &t->row, t->as_read_us, &t->written);

	t->slug_taken = false;
	if (e == OK && !t->written && !str_empty(t->row.slug))
		e = profile_slug_taken(tx, t->row.slug, rq->actor.user_id, &t->slug_taken);
	if (e != OK || !t->written)
		return e;
	e = outbox_append_event(
	    rq->service->outbox, tx, STR("user.updated"), rq->actor.user_id, rq->now_us, NULL, 0);
	return e == OK ? audit_append(tx, rq->keys, &t->audit) : e;
}

static enum err write(struct typed *t, const struct audit_change *changes, size_t n)
{
	struct request *rq = t->rq;
	struct profile_row *row = &t->row;
	struct audit_entry entry = {
		.event = t->trade->event,
		.subject = rq->account,
		.session = &rq->actor.session_id,
		.changes = changes,
		.n_changes = n,
	};
	int64_t version_us = version_of(row);
	enum err e;

	t->as_read_us = row->updated_at_us;
	row->updated_at_us = rq->now_us > version_us ? rq->now_us : version_us + 1;
	row->profile = seal(rq->arena, &rq->account->key, t->trade->seal,
	    fields_encode(rq->secrets, &t->trade->fields, t->value));
	if (t->trade == &vendor)
		row->slug = ((struct vendor_profile *)t->value)->slug;
	audit_draft(rq, &entry, &t->audit);
	e = store_tx(rq->service->store, rq, write_tx, t);
	if (e == OK && t->slug_taken)
		return request_refuse_field(rq, STR("slug"), TEXT_SLUG_TAKEN, NULL, 0);
	if (e == OK && t->written)
		outbox_ring(rq->service->outbox);
	return e;
}

static enum err try(struct typed *t, const void *patch)
{
	struct audit_change *changes =
	    ARENA_ARRAY(t->rq->arena, t->trade->fields.n, struct audit_change);
	enum err e = read(t);
	size_t n;

	if (e != OK)
		return e;
	if (!request_accepts(t->rq, version_of(&t->row)))
		return fault(t->rq, ERR_PRECONDITION_FAILED, "changed since it was read");
	n = fields_merge(&t->trade->fields, patch, t->value, changes);
	t->written = n == 0;
	return n > 0 ? write(t, changes, n) : OK;
}

static enum err update(struct typed *t, void *patch, struct str country)
{
	struct request *rq = t->rq;
	enum err e;

	if (str_empty(country))
		country = rq->account->profile.country;
	if (str_empty(country))
		country = rq->service->config.default_country;
	e = fields_check(rq, &t->trade->fields, patch, country);
	for (int tries = 0; e == OK && tries < SESSION_TRIES; tries++) {
		e = try(t, patch);
		if (e == OK && t->written)
			return OK;
	}
	return e == OK ? session_unsettled(rq) : e;
}

static void client_answer(const struct typed *t, struct client_view *ret)
{
	*ret = (struct client_view){
		.profile = *(const struct client_profile *)t->value,
		.created_at_us = t->row.created_at_us,
		.updated_at_us = t->row.updated_at_us,
	};
	t->rq->version = version_of(&t->row);
}

static void vendor_answer(const struct typed *t, struct vendor_view *ret)
{
	*ret = (struct vendor_view){
		.profile = *(const struct vendor_profile *)t->value,
		.verification_state = t->row.verification_state,
		.created_at_us = t->row.created_at_us,
		.updated_at_us = t->row.updated_at_us,
	};
	t->rq->version = version_of(&t->row);
}

enum err client_profile_read(struct request *rq, struct client_view *ret)
{
	struct typed t = { .rq = rq, .trade = &client };
	enum err e = read(&t);

	if (e == OK)
		client_answer(&t, ret);
	return e;
}

enum err client_profile_update(
    struct request *rq, const struct client_profile *patch, struct client_view *ret)
{
	struct typed t = { .rq = rq, .trade = &client };
	struct client_profile wanted = *patch;
	enum err e = update(&t, &wanted, wanted.shipping_country);

	if (e == OK)
		client_answer(&t, ret);
	return e;
}

enum err vendor_profile_read(struct request *rq, struct vendor_view *ret)
{
	struct typed t = { .rq = rq, .trade = &vendor };
	enum err e = read(&t);

	if (e == OK)
		vendor_answer(&t, ret);
	return e;
}

enum err vendor_profile_update(
    struct request *rq, const struct vendor_profile *patch, struct vendor_view *ret)
{
	struct typed t = { .rq = rq, .trade = &vendor };
	struct vendor_profile wanted = *patch;
	enum err e = update(&t, &wanted, wanted.business_country);

	if (e == OK)
		vendor_answer(&t, ret);
	return e;
}

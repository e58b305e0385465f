#include "main/key_check.h"

#include "store/user_store.h"

/* The first key's row also says its id: that key must stay in the ring as long as it seals rows. */
#define FIRST STR("key_check")

struct check {
	struct request *rq;
	uint8_t ids[16];
	size_t n;
	bool remember;
	struct str problem;
};

static struct str fingerprint(struct check *c, uint8_t id)
{
	struct str label = STR("key check");
	struct mac mac;

	if (!keyring_mac(c->rq->keys, KEY_SYSTEM, id, &label, 1, &mac))
		return STR_NULL;
	return str_printf(c->rq->arena, "%u:%.*s", id,
	    STR_ARG(hex_encode(c->rq->arena, str_bytes(mac.b, sizeof(mac.b)))));
}

static enum err check_first(struct tx *tx, struct check *c)
{
	struct str there;
	bool found = true;
	int64_t id;
	enum err e;

	if (c->remember)
		e = meta_put_new(tx, FIRST, fingerprint(c, c->ids[0]), &there);
	else
		e = meta_get(tx, FIRST, &there, &found);
	if (e != OK || !found)
		return e;
	if (!str_to_i64(str_upto(there, (size_t)str_find(there, ':')), &id) || id < 0 || id > 255)
		return ERR_INTERNAL;
	for (size_t i = 0; i < c->n; i++)
		if (c->ids[i] == id && str_eq(there, fingerprint(c, c->ids[i])))
			return OK;
	c->problem = str_printf(c->rq->arena,
	    "The database was sealed under a master key %d that is not in CLOAKROOM_MASTER_KEY.",
	    (int)id);
	return ERR_CONFLICT;
}

static enum err check_each(struct tx *tx, struct check *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct str key = str_printf(c->rq->arena, "key_check.%u", c->ids[i]);
		struct str mine = fingerprint(c, c->ids[i]), there;
		bool found = true;
		enum err e;

		if (c->remember)
			e = meta_put_new(tx, key, mine, &there);
		else
			e = meta_get(tx, key, &there, &found);
		if (e != OK)
			return e;
		if (found && !str_eq(there, mine)) {
			c->problem = str_printf(c->rq->arena,
			    "The database knows another key %u than the one in CLOAKROOM_MASTER_KEY.",
			    c->ids[i]);
			return ERR_CONFLICT;
		}
	}
	return OK;
}

static enum err check_tx(struct tx *tx, void *arg)
{
	struct check *c = arg;
	enum err e = check_first(tx, c);

	return e == OK ? check_each(tx, c) : e;
}

enum err key_check(struct request *rq, bool remember, struct str *ret_problem)
{
	struct check c = { .rq = rq, .remember = remember };
	enum err e;

	c.n = keyring_ids(rq->keys, c.ids);
	if (remember)
		e = store_tx(rq->service->store, rq, check_tx, &c);
	else
		e = store_read(rq->service->store, rq, STORE_PRIMARY, check_tx, &c);
	if (e == ERR_CONFLICT)
		*ret_problem = c.problem;
	else if (e != OK)
		*ret_problem = STR("The database cannot be read.");
	return e;
}

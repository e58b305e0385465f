/*
 * Limits and challenges that several servers share. Redis counts; what is durable is also in the
 * store, and brought back from there when Redis has lost it. The table of this process counts its
 * own admissions beside it: alone for limits that are nowhere else, and with its share of each
 * limit while Redis is away.
 */
#include "base/clock.h"
#include "crypto/seal.h"
#include "kv/kv_priv.h"

#define SUB_WINDOWS 24
/* Bound into the seal of a challenge's value. */
#define FIELD STR("kv.value")

/* One call's admissions on their way through Redis. */
struct admission {
	struct kv *kv;
	struct request *rq;
	struct claims *claims;
	struct str marks[KV_ASKS_MAX];  /* as Redis named them; empty: not admitted there */
	int64_t seeded_us[KV_ASKS_MAX]; /* Redis's clock; 0: not at all */
	int64_t wait_us;                /* the longest */
};

static struct str number(struct arena *arena, int64_t n)
{
	return str_printf(arena, "%lld", (long long)n);
}

/* What stands in {} decides the slot: all of one subject's is in one place. */
static struct str redis_key(struct arena *arena, struct str kind, struct str subject)
{
	struct str hex = hex_encode(arena, subject);

	return str_printf(arena, "cloakroom:%.*s:{%.*s}", STR_ARG(kind), STR_ARG(hex));
}

static struct str limit_redis_key(struct arena *arena, const struct limit_key *key)
{
	return redis_key(arena, STR("limit"), limit_key_str(key));
}

static int64_t slice_of(const struct kv_limit *limit)
{
	return limit->max > KV_EXACT_MAX ? limit->window_us / SUB_WINDOWS + 1 : 0;
}

static struct redis_call admit_call(struct arena *arena, const struct limit_claim *c)
{
	struct str *args = ARENA_ARRAY(arena, 4, struct str);

	args[0] = number(arena, c->limit->max);
	args[1] = number(arena, c->limit->window_us);
	args[2] = number(arena, slice_of(c->limit));
	args[3] = number(arena, c->at_us);
	return (struct redis_call){
		.script = &script_limit_admit,
		.key = limit_redis_key(arena, &c->key),
		.args = args,
		.n_args = 4,
	};
}

static void longer(struct admission *a, int64_t wait_us)
{
	if (wait_us > a->wait_us)
		a->wait_us = wait_us;
}

/* Returns: OK (some may have to wait), or ERR_UNAVAILABLE: that is no reply of our script. */
static enum err read_admit(struct admission *a, size_t i, const struct redis_value *reply)
{
	if (reply->type != REDIS_LIST || reply->n < 2 || reply->items[0].type != REDIS_INTEGER)
		return ERR_UNAVAILABLE;
	if (reply->items[0].integer == 0) {
		longer(a, reply->items[1].integer > 0 ? reply->items[1].integer : 1);
		return OK;
	}
	if (reply->n < 4)
		return ERR_UNAVAILABLE;
	a->marks[i] = reply->items[1].string;
	a->seeded_us[i] = reply->items[2].integer;
	/* What this server admitted meanwhile is not in Redis, whatever was seeded before. */
	if (__atomic_exchange_n(&a->kv->doubtful, 0, __ATOMIC_ACQ_REL))
		__atomic_store_n(
		    &a->kv->trusted_since_us, reply->items[3].integer, __ATOMIC_RELEASE);
	return OK;
}

MAY_YIELD static enum err ask_redis(struct admission *a)
{
	struct redis_call calls[KV_ASKS_MAX] = { 0 };
	size_t n = a->claims->n;
	enum err r;

	for (size_t i = 0; i < n; i++)
		calls[i] = admit_call(a->rq->arena, &a->claims->v[i]);
	r = redis_calls(a->kv->redis, a->rq, calls, n);
	for (size_t i = 0; r == OK && i < n; i++)
		r = read_admit(a, i, &calls[i].reply);
	if (r != OK)
		__atomic_store_n(&a->kv->doubtful, 1, __ATOMIC_RELEASE);
	return r;
}

/* What cannot be taken back stays counted: too strict is better than too lax. */
MAY_YIELD static void refund(struct admission *a)
{
	struct redis_call calls[KV_ASKS_MAX] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < a->claims->n; i++) {
		if (str_empty(a->marks[i]))
			continue;
		calls[n++] = (struct redis_call){
			.script = &script_limit_refund,
			.key = limit_redis_key(a->rq->arena, &a->claims->v[i].key),
			.args = &a->marks[i],
			.n_args = 1,
		};
	}
	if (n > 0 && redis_calls(a->kv->redis, a->rq, calls, n) != OK)
		return;
}

/* --- what the store remembers --- */

static int64_t trusted_since_us(const struct kv *kv)
{
	return __atomic_load_n(&kv->trusted_since_us, __ATOMIC_ACQUIRE);
}

static struct redis_call seed_call(
    const struct admission *a, const struct limit_claim *c, const struct known *known)
{
	struct arena *arena = a->rq->arena;
	struct str *args = ARENA_ARRAY(arena, 4 + 3 * KNOWN_MARKS_MAX, struct str);
	size_t n = 0;

	args[n++] = number(arena, c->limit->max);
	args[n++] = number(arena, c->limit->window_us);
	args[n++] = number(arena, slice_of(c->limit) == 0);
	args[n++] = number(arena, trusted_since_us(a->kv));
	for (size_t i = 0; i < known->n; i++) {
		/* Named as limit_admit names those of one moment. */
		if (i > 0 && known->v[i].at_us == known->v[i - 1].at_us)
			args[n] = str_printf(arena, "%.*s+", STR_ARG(args[n - 3]));
		else
			args[n] = number(arena, known->v[i].at_us);
		n++;
		args[n++] = number(arena, known->v[i].counts_us);
		args[n++] = number(arena, known->v[i].amount);
	}
	return (struct redis_call){
		.script = &script_limit_seed,
		.key = limit_redis_key(arena, &c->key),
		.args = args,
		.n_args = n,
	};
}

/* The claims that are durable and, with @unseeded, new to Redis. */
static size_t durable_ones(
    const struct admission *a, bool unseeded, size_t which[KV_ASKS_MAX], struct known **ret)
{
	int64_t since_us = trusted_since_us(a->kv);
	size_t n = 0;

	for (size_t i = 0; i < a->claims->n; i++) {
		bool seeded = a->seeded_us[i] > 0 && a->seeded_us[i] >= since_us;

		if (a->claims->v[i].limit->durable && !(unseeded && seeded))
			which[n++] = i;
	}
	*ret = n > 0 ? ARENA_ARRAY(a->rq->arena, n, struct known) : NULL;
	for (size_t i = 0; i < n; i++) {
		const struct limit_claim *c = &a->claims->v[which[i]];

		(*ret)[i].key = c->key;
		(*ret)[i].window_us = c->limit->window_us;
		(*ret)[i].n = 0;
	}
	return n;
}

/* Redis has nothing of these yet, has lost it, or was away: the store may know more. */
MAY_YIELD static enum err seed(struct admission *a)
{
	struct redis_call calls[KV_ASKS_MAX] = { 0 };
	size_t which[KV_ASKS_MAX], n;
	struct known *known;
	enum err r;

	if (!a->kv->store)
		return OK;
	n = durable_ones(a, true, which, &known);
	if (n == 0)
		return OK;
	r = known_read(a->kv, a->rq, known, n);
	if (r != OK)
		return r;
	for (size_t i = 0; i < n; i++)
		calls[i] = seed_call(a, &a->claims->v[which[i]], &known[i]);
	r = redis_calls(a->kv->redis, a->rq, calls, n);
	for (size_t i = 0; r == OK && i < n; i++) {
		if (calls[i].reply.type != REDIS_INTEGER)
			return ERR_UNAVAILABLE;
		longer(a, calls[i].reply.integer);
	}
	return r;
}

/* --- while Redis is away --- */

/* Nobody can ask the others: each admits its share, and no more than the store leaves over. */
MAY_YIELD static enum err admit_share(struct admission *a)
{
	struct kv_limit shares[KV_ASKS_MAX];
	struct claims *claims = a->claims;
	size_t which[KV_ASKS_MAX], n;
	struct known *known;
	enum err r;

	n = durable_ones(a, false, which, &known);
	r = known_read(a->kv, a->rq, known, n);
	if (r != OK)
		return claims_failed(a->rq, "Redis is away and the limits cannot be read");
	a->wait_us = 0;
	for (size_t i = 0; i < n; i++)
		longer(a, known_wait(&known[i], claims->v[which[i]].limit->max, now_wall_us()));
	if (a->wait_us > 0)
		return claims_refused(a->rq, claims, a->wait_us);
	for (size_t i = 0; i < claims->n; i++) {
		shares[i] = *claims->v[i].limit;
		shares[i].max /= a->kv->nodes;
		if (shares[i].max == 0)
			shares[i].max = 1;
		claims->v[i].limit = &shares[i];
		claims->v[i].count_only = false;
	}
	return local_admit(a->kv, a->rq, claims);
}

MAY_YIELD static enum err admit_there(struct admission *a)
{
	enum err r = ask_redis(a);

	if (r == OK && a->wait_us == 0)
		r = seed(a);
	if (r == OK && a->wait_us > 0) {
		refund(a);
		return ERR_THROTTLED;
	}
	return r;
}

MAY_YIELD enum err shared_admit(struct kv *kv, struct request *rq, struct claims *claims)
{
	struct admission a = { .kv = kv, .rq = rq, .claims = claims };
	enum err r;

	for (size_t i = 0; i < claims->n; i++)
		claims->v[i].count_only = kv->store && claims->v[i].limit->durable;
	r = limit_table_claim(kv->limits, claims->v, claims->n, &a.wait_us);
	if (r == ERR_THROTTLED)
		return claims_refused(rq, claims, a.wait_us);
	if (r != OK)
		return claims_failed(rq, "the table of limits is full");
	r = admit_there(&a);
	if (r != OK) {
		limit_table_settle(kv->limits, claims->v, claims->n, false);
		if (r == ERR_THROTTLED)
			return claims_refused(rq, claims, a.wait_us);
		return r == ERR_SHUTDOWN ? r : admit_share(&a);
	}
	r = claims_store(kv, rq, claims);
	limit_table_settle(kv->limits, claims->v, claims->n, r == OK);
	if (r == OK)
		return OK;
	refund(&a);
	return claims_failed(rq, "an admission could not be stored");
}

/* Redis last: what it brings back from the store meanwhile is then forgotten there already. */
MAY_YIELD enum err shared_forgive(struct kv *kv, struct request *rq, const struct claims *claims)
{
	struct redis_call calls[KV_ASKS_MAX] = { 0 };
	enum err r = local_forgive(kv, rq, claims);

	if (r != OK)
		return r;
	for (size_t i = 0; i < claims->n; i++) {
		calls[i] = (struct redis_call){
			.command = "DEL",
			.key = limit_redis_key(rq->arena, &claims->v[i].key),
		};
	}
	return redis_calls(kv->redis, rq, calls, claims->n);
}

/* --- challenges --- */

/* Neither what is asked for nor the answer is Redis's business. */
static struct str value_redis_key(const struct request *rq, const struct named_value *v)
{
	const struct str parts[] = { v->space, v->key };
	uint8_t ids[16];
	size_t n = keyring_ids(rq->keys, ids);
	struct mac mac = { 0 };

	if (!keyring_mac(rq->keys, KEY_LIMIT, ids[n - 1], parts, ARRAY_LEN(parts), &mac))
		return STR_NULL;
	return redis_key(rq->arena, STR("value"), str_bytes(mac.b, 16));
}

static enum err away(struct request *rq, enum err r)
{
	if (r == ERR_SHUTDOWN)
		return r;
	rq->retry_after_us = US_PER_S;
	return fault(rq, ERR_UNAVAILABLE, "Redis is away, and challenges with it");
}

MAY_YIELD enum err shared_put(
    struct kv *kv, struct request *rq, const struct named_value *v, bool *ret_put)
{
	int64_t ttl_ms = v->ttl_us > US_PER_MS ? v->ttl_us / US_PER_MS : 1;
	const struct str args[] = {
		seal_system(rq->arena, rq->keys, KEY_SYSTEM, FIELD, v->value),
		STR("NX"),
		STR("PX"),
		number(rq->arena, ttl_ms),
	};
	struct redis_call call = {
		.command = "SET",
		.key = value_redis_key(rq, v),
		.args = args,
		.n_args = ARRAY_LEN(args),
	};
	enum err r = redis_calls(kv->redis, rq, &call, 1);

	if (r != OK || call.reply.type == REDIS_ERROR)
		return away(rq, r);
	*ret_put = call.reply.type == REDIS_STRING;
	return OK;
}

MAY_YIELD enum err shared_take(struct kv *kv, struct request *rq, const struct named_value *v,
    struct str *ret, bool *ret_found)
{
	struct redis_call call = { .command = "GETDEL", .key = value_redis_key(rq, v) };
	enum err r = redis_calls(kv->redis, rq, &call, 1);

	if (r != OK || call.reply.type == REDIS_ERROR)
		return away(rq, r);
	*ret_found =
	    call.reply.type == REDIS_STRING &&
	    unseal_system(rq->secrets, rq->keys, KEY_SYSTEM, FIELD, call.reply.string, ret) == OK;
	return OK;
}

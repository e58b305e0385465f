#include "kv/redis.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "kv/redis_priv.h"

#define DEFAULT_TIMEOUT_US (50 * US_PER_MS)
#define DEFAULT_CONNECTIONS 16
/* A cluster that is being rearranged sends us on once or twice. */
#define ROUNDS_MAX 5
/* One slow answer is no reason to give a server up. */
#define TIMEOUTS_FOR_REST 3
#define FIRST_REST_US (100 * US_PER_MS)
#define LAST_REST_US (2 * US_PER_S)

struct redis {
	struct net *net;
	int64_t timeout_us;
	struct arena *secrets; /* owns what the URL says */
	struct redis_pool *pool;

	pthread_mutex_t lock; /* guards adding a node */
	struct redis_node nodes[REDIS_NODES_MAX];
	unsigned n_nodes;           /* atomic */
	uint8_t slots[REDIS_SLOTS]; /* atomic: which node has it; 0 until somebody says otherwise */

	uint64_t calls, failures, connections; /* atomic */
};

enum err redis_new(const struct redis_config *config, struct arena *arena, struct redis **ret,
    struct str *ret_problem)
{
	struct redis *r = calloc(1, sizeof(*r));

	(void)arena;
	if (!r)
		die("out of memory");
	pthread_mutex_init(&r->lock, NULL);
	r->secrets = arena_new(ARENA_WIPING, 512);
	r->net = config->net;
	r->timeout_us = config->timeout_us > 0 ? config->timeout_us : DEFAULT_TIMEOUT_US;
	r->pool = redis_pool_new(config->connections ? config->connections : DEFAULT_CONNECTIONS);
	r->n_nodes = 1;
	if (redis_url_parse(r->secrets, config->url, &r->nodes[0].place, ret_problem)) {
		*ret = r;
		return OK;
	}
	redis_free(&r);
	return ERR_INTERNAL;
}

void redis_free(struct redis **r)
{
	if (!*r)
		return;
	redis_pool_free(&(*r)->pool);
	arena_free(&(*r)->secrets);
	pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

/* --- servers: which has a key, and is it there? --- */

static void count(uint64_t *gauge)
{
	__atomic_add_fetch(gauge, 1, __ATOMIC_RELAXED);
}

static unsigned node_of(const struct redis *r, struct str key)
{
	if (__atomic_load_n(&r->n_nodes, __ATOMIC_ACQUIRE) == 1)
		return 0;
	return __atomic_load_n(&r->slots[redis_slot(key)], __ATOMIC_ACQUIRE);
}

/* "10.0.0.1:6379"; without a host it is the one we asked. */
static unsigned node_at(struct redis *r, struct str address)
{
	ssize_t colon = str_find_last(address, ':');
	struct redis_place place = r->nodes[0].place;
	struct str host = colon > 0 ? str_upto(address, (size_t)colon) : STR_NULL;
	unsigned i = 0, n;
	int64_t port;

	if (colon < 0 || !str_to_i64(str_from(address, (size_t)colon + 1), &port) || port < 1 ||
	    port > UINT16_MAX || host.len >= sizeof(place.host))
		return 0;
	if (host.len > 0) {
		memset(place.host, 0, sizeof(place.host));
		memcpy(place.host, host.ptr, host.len);
	}
	place.port = (uint16_t)port;
	pthread_mutex_lock(&r->lock);
	n = r->n_nodes;
	while (i < n && (r->nodes[i].place.port != place.port ||
			    strcmp(r->nodes[i].place.host, place.host) != 0))
		i++;
	if (i == n && n < REDIS_NODES_MAX) {
		r->nodes[i].place = place;
		__atomic_store_n(&r->n_nodes, n + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&r->lock);
	return i < REDIS_NODES_MAX ? i : 0;
}

/* After a rest one caller finds out for all. */
static bool may_be_asked(struct redis *r, struct redis_node *node)
{
	int64_t now_us = now_mono_us();
	int64_t until_us = __atomic_load_n(&node->rest_until_us, __ATOMIC_ACQUIRE);

	if (until_us == 0)
		return true;
	return now_us >= until_us &&
	       __atomic_compare_exchange_n(&node->rest_until_us, &until_us,
		   now_us + 2 * r->timeout_us, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void node_works(struct redis_node *node)
{
	if (__atomic_load_n(&node->failures, __ATOMIC_ACQUIRE) == 0)
		return;
	__atomic_store_n(&node->failures, 0, __ATOMIC_RELEASE);
	if (__atomic_exchange_n(&node->rest_until_us, 0, __ATOMIC_ACQ_REL) != 0)
		log_info("redis answers again");
}

/* What pointed there asks the first server again, which knows who took over. */
static void forget_slots(struct redis *r, unsigned node)
{
	for (size_t i = 0; node > 0 && i < REDIS_SLOTS; i++) {
		if (__atomic_load_n(&r->slots[i], __ATOMIC_RELAXED) == node)
			__atomic_store_n(&r->slots[i], 0, __ATOMIC_RELAXED);
	}
}

static void node_failed(struct redis *r, unsigned index, enum err why)
{
	struct redis_node *node = &r->nodes[index];
	unsigned failures = __atomic_add_fetch(&node->failures, 1, __ATOMIC_ACQ_REL);
	int64_t rest_us = FIRST_REST_US;

	count(&r->failures);
	forget_slots(r, index);
	if (why == ERR_DEADLINE && failures < TIMEOUTS_FOR_REST)
		return;
	/* Idle ones lead to what is gone, or to a server that was replaced. */
	redis_pool_forget(r->pool, index);
	for (unsigned i = TIMEOUTS_FOR_REST; i < failures && rest_us < LAST_REST_US; i++)
		rest_us *= 2;
	if (rest_us > LAST_REST_US)
		rest_us = LAST_REST_US;
	rest_us -= (int64_t)random_below((uint32_t)(rest_us / 2));
	if (__atomic_exchange_n(&node->rest_until_us, now_mono_us() + rest_us, __ATOMIC_ACQ_REL) ==
	    0)
		log_warning("redis does not answer; doing without it meanwhile");
}

/* --- one trip to one server --- */

struct trip {
	struct redis *r;
	struct request *rq;
	struct redis_call *calls;
	size_t n;
	int64_t deadline_us;
};

static bool goes_to(const struct redis_call *call, unsigned node)
{
	return !call->settled && call->node == node;
}

static void write_call(struct buf *out, const struct redis_call *call)
{
	struct str parts[REDIS_ARGS_MAX + 4];
	const struct str asking = STR("ASKING");
	size_t n = 0;

	if (call->asking)
		redis_write_command(out, &asking, 1);
	if (call->command) {
		parts[n++] = str_of(call->command);
	} else {
		parts[n++] = call->whole ? STR("EVAL") : STR("EVALSHA");
		parts[n++] = str_of(call->whole ? call->script->text : call->script->sha1);
		parts[n++] = STR("1");
	}
	parts[n++] = call->key;
	for (size_t i = 0; i < call->n_args; i++)
		parts[n++] = call->args[i];
	redis_write_command(out, parts, n);
}

MAY_YIELD static enum err read_reply(
    struct trip *t, struct redis_conn *conn, struct redis_call *call)
{
	enum err r = OK;

	if (call->asking)
		r = redis_conn_reply(conn, t->rq->secrets, t->deadline_us, &call->reply);
	if (r == OK)
		r = redis_conn_reply(conn, t->rq->secrets, t->deadline_us, &call->reply);
	return r;
}

MAY_YIELD static enum err converse(struct trip *t, struct redis_conn *conn)
{
	struct buf out;
	enum err r;

	buf_init(&out, t->rq->secrets, 512);
	for (size_t i = 0; i < t->n; i++) {
		if (goes_to(&t->calls[i], conn->node))
			write_call(&out, &t->calls[i]);
	}
	r = stream_write(conn->stream, buf_str(&out), t->deadline_us);
	for (size_t i = 0; r == OK && i < t->n; i++) {
		if (goes_to(&t->calls[i], conn->node))
			r = read_reply(t, conn, &t->calls[i]);
	}
	return r;
}

/* A connection that failed half-way would give the next caller this one's replies. */
MAY_YIELD static enum err visit(struct trip *t, unsigned node)
{
	struct redis *r = t->r;
	struct redis_conn *conn = NULL;
	struct str problem;
	enum err e;

	if (!may_be_asked(r, &r->nodes[node]))
		return ERR_UNAVAILABLE;
	e = redis_pool_enter(r->pool, node, t->deadline_us, &conn);
	if (e == OK) {
		if (!conn) {
			e = redis_conn_open(
			    r->net, &r->nodes[node].place, t->deadline_us, &conn, &problem);
			count(&r->connections);
		}
		if (e == OK) {
			conn->node = node;
			e = converse(t, conn);
		}
		if (e != OK)
			redis_conn_close(&conn);
		redis_pool_leave(r->pool, conn);
	}
	if (e != OK && e != ERR_SHUTDOWN)
		node_failed(r, node, e);
	return e;
}

/* --- what came back --- */

static bool is_kind(const struct redis_call *call, struct str kind)
{
	return call->reply.type == REDIS_ERROR && str_starts(call->reply.string, kind);
}

/* "MOVED 3999 10.0.0.1:6381" */
static unsigned node_in(struct redis *r, const struct redis_call *call)
{
	ssize_t space = str_find_last(call->reply.string, ' ');

	return node_at(r, str_from(call->reply.string, (size_t)(space + 1)));
}

static enum err settle(struct redis *r, struct redis_call *call)
{
	static const struct str away[] = {
		STR_INIT("LOADING"),
		STR_INIT("READONLY"),
		STR_INIT("CLUSTERDOWN"),
		STR_INIT("MASTERDOWN"),
		STR_INIT("OOM"),
		STR_INIT("BUSY"),
		STR_INIT("MISCONF"),
		STR_INIT("NOREPLICAS"),
		STR_INIT("NOAUTH"),
		STR_INIT("NOPERM"),
	};

	for (size_t i = 0; i < ARRAY_LEN(away); i++) {
		if (is_kind(call, away[i])) {
			node_failed(r, call->node, ERR_UNAVAILABLE);
			return ERR_UNAVAILABLE;
		}
	}
	call->asking = false;
	if (is_kind(call, STR("MOVED "))) {
		call->node = node_in(r, call);
		__atomic_store_n(
		    &r->slots[redis_slot(call->key)], (uint8_t)call->node, __ATOMIC_RELEASE);
	} else if (is_kind(call, STR("ASK "))) {
		call->node = node_in(r, call);
		call->asking = true;
	} else if (is_kind(call, STR("NOSCRIPT"))) {
		call->whole = true;
	} else {
		call->settled = true;
	}
	return OK;
}

/* Visits every server that has something to do, then looks at what each said. */
MAY_YIELD static enum err go_round(struct trip *t)
{
	bool visited[REDIS_CALLS_MAX] = { false };
	enum err r = OK;

	for (size_t i = 0; r == OK && i < t->n; i++) {
		unsigned node = t->calls[i].node;

		if (t->calls[i].settled || visited[i])
			continue;
		r = visit(t, node);
		for (size_t j = i; j < t->n; j++)
			visited[j] = visited[j] || goes_to(&t->calls[j], node);
	}
	for (size_t i = 0; r == OK && i < t->n; i++) {
		unsigned node = t->calls[i].node;

		if (t->calls[i].settled)
			continue;
		r = settle(t->r, &t->calls[i]);
		if (r == OK)
			node_works(&t->r->nodes[node]);
	}
	return r;
}

static bool all_settled(const struct trip *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!t->calls[i].settled)
			return false;
	}
	return true;
}

MAY_YIELD enum err redis_calls(
    struct redis *r, struct request *rq, struct redis_call *calls, size_t n)
{
	struct trip t = { .r = r, .rq = rq, .calls = calls, .n = n };
	enum err e = OK;

	t.deadline_us = now_mono_us() + r->timeout_us;
	if (rq->deadline_us < t.deadline_us)
		t.deadline_us = rq->deadline_us;
	for (size_t i = 0; i < n; i++) {
		calls[i].settled = calls[i].asking = calls[i].whole = false;
		calls[i].node = node_of(r, calls[i].key);
	}
	count(&r->calls);
	for (int round = 0; e == OK && round < ROUNDS_MAX; round++) {
		if (all_settled(&t))
			return OK;
		e = go_round(&t);
	}
	if (e == OK && !all_settled(&t))
		e = ERR_UNAVAILABLE;
	return e;
}

struct redis_gauges redis_gauges(const struct redis *r)
{
	return (struct redis_gauges){
		.calls = __atomic_load_n(&r->calls, __ATOMIC_RELAXED),
		.failures = __atomic_load_n(&r->failures, __ATOMIC_RELAXED),
		.connections = __atomic_load_n(&r->connections, __ATOMIC_RELAXED),
		.away = __atomic_load_n(&r->nodes[0].rest_until_us, __ATOMIC_RELAXED) != 0,
	};
}

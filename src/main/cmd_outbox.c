#include "main/command.h"
#include "main/config_value.h"
#include "store/outbox_store.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

struct listing {
	struct str state;
	int64_t after, limit;
	struct outbox_row *rows;
	size_t n;
};

static enum err list_tx(struct tx *tx, void *arg)
{
	struct listing *l = arg;

	return outbox_list(tx, l->state, l->after, l->limit, &l->rows, &l->n);
}

int cmd_outbox_list(struct call *call)
{
	struct str after = call_option(call, "--after"), limit = call_option(call, "--limit");
	struct listing l = { .state = call_option(call, "--state"), .limit = LIMIT_DEFAULT };
	enum err e;

	if ((after.ptr && !str_to_i64(after, &l.after)) ||
	    (limit.ptr && (!str_to_i64(limit, &l.limit) || l.limit < 1 || l.limit > LIMIT_MAX))) {
		complain(call, "--after and --limit take numbers.");
		return EXIT_USAGE;
	}
	e = store_read(call->core->service.store, call->rq, STORE_STALE_OK, list_tx, &l);
	if (e != OK)
		return complain_fault(call, e);
	for (size_t i = 0; i < l.n; i++) {
		const struct outbox_row *r = &l.rows[i];

		say(call, "%-8lld %-9.*s %-20.*s %-24.*s %3lld  %.*s", (long long)r->id,
		    STR_ARG(r->state), STR_ARG(r->sink), STR_ARG(r->kind), (long long)r->attempts,
		    STR_ARG(r->last_error));
	}
	return 0;
}

struct replay {
	struct outbox_again again;
	int64_t now_us, n;
};

static enum err replay_tx(struct tx *tx, void *arg)
{
	struct replay *r = arg;

	return outbox_replay(tx, &r->again, r->now_us, &r->n);
}

static bool read_again(struct call *call, struct outbox_again *ret)
{
	struct str since = call_option(call, "--since");
	int64_t ago_us = 0;

	ret->sink = call_option(call, "--sink");
	if (call->n_args > 0 && (!str_to_i64(call->args[0], &ret->id) || ret->id < 1)) {
		complain(call, "NUMBER is the first column of cloakroom outbox list.");
		return false;
	}
	if (since.ptr && (str_empty(ret->sink) || !value_duration(since, &ago_us) || ago_us == 0)) {
		complain(call, "--since takes how long ago, like 24h, and needs --sink.");
		return false;
	}
	if (since.ptr)
		ret->since_us = call->rq->now_us > ago_us ? call->rq->now_us - ago_us : 1;
	return true;
}

int cmd_outbox_replay(struct call *call)
{
	struct replay r = { .now_us = call->rq->now_us };
	enum err e;

	if (!read_again(call, &r.again))
		return EXIT_USAGE;
	e = store_tx(call->core->service.store, call->rq, replay_tx, &r);
	if (e != OK)
		return complain_fault(call, e);
	outbox_ring(call->core->service.outbox);
	say(call, "%lld to be tried again.", (long long)r.n);
	return r.again.id && r.n == 0 ? EXIT_FAILED : 0;
}

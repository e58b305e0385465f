/* Sealing rows some time after their commit, for databases where many commit at once. */
#include "store/audit_store.h"

struct look {
	int64_t newest;   /* the highest id given out */
	int64_t from, to; /* transactions: all below @from have ended, none from @to on has begun */
};

static enum err newest_fn(struct tx *tx, void *arg)
{
	struct look *look = arg;
	struct row row;
	enum err r = tx_row(tx, STMT_AUDIT_NEWEST, NULL, 0, &row);

	if (r == OK)
		look->newest = row_int(&row, 0);
	return r;
}

static enum err running_fn(struct tx *tx, void *arg)
{
	struct look *look = arg;
	struct row row;
	enum err r = tx_row(tx, STMT_AUDIT_RUNNING, NULL, 0, &row);

	if (r == OK) {
		look->from = row_int(&row, 0);
		look->to = row_int(&row, 1);
	}
	return r;
}

/*
 * look() - the ids first, then the transactions: whoever had got one of the ids had begun. Two
 * reads, each as of its own moment; in one they would share a snapshot older than both.
 */
MAY_YIELD static enum err look(struct store *store, struct request *rq, struct look *ret)
{
	const unsigned flags = STORE_PRIMARY | STORE_SINGLE;
	enum err r = store_read(store, rq, flags, newest_fn, ret);

	return r == OK ? store_read(store, rq, flags, running_fn, ret) : r;
}

struct sealing {
	struct request *rq;
	int64_t last_id;
};

static enum err seal_fn(struct tx *tx, void *arg)
{
	const struct sealing *s = arg;

	return audit_seal_upto(tx, s->rq->keys, s->rq->now_us, s->last_id);
}

enum err audit_sealer_step(struct audit_sealer *sealer, struct store *store, struct request *rq)
{
	struct sealing sealing = { .rq = rq };
	struct look now;
	enum err r = look(store, rq, &now);

	if (r != OK)
		return r;
	if (now.from >= now.to) {
		sealing.last_id = now.newest; /* nobody is under way */
		sealer->running = 0;
	} else {
		if (sealer->running > 0 && now.from >= sealer->running)
			sealing.last_id = sealer->last_id;
		if (sealer->running == 0 || now.from >= sealer->running)
			*sealer = (struct audit_sealer){ .last_id = now.newest, .running = now.to };
	}
	if (sealing.last_id == 0)
		return OK;
	r = store_tx_plain(store, rq, seal_fn, &sealing);
	return r == ERR_CONFLICT ? OK : r; /* another node was quicker */
}

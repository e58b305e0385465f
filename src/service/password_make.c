/* A new password for somebody who has one: judged, compared with the last ones, and hashed. */
#include "service/password.h"
#include "store/password_store.h"

struct making {
	struct request *rq;
	const struct password_wish *wish;
	struct str *old; /* encoded: the present one and those before it */
	size_t n_old;
	struct str encoded;
};

/* struct comparison - one task: is it this old one? */
struct comparison {
	struct making *making;
	struct str old;
	bool match;
};

static enum err read_old_tx(struct tx *tx, void *arg)
{
	struct making *m = arg;

	return password_old_list(tx, m->wish->account->row.id,
	    (int64_t)m->rq->service->config.password_history, &m->old, &m->n_old);
}

static enum err hash_branch(void *arg)
{
	struct making *m = arg;

	return password_hash(m->rq, m->wish->password, &m->encoded);
}

static enum err compare_branch(void *arg)
{
	struct comparison *c = arg;
	const struct making *m = c->making;

	return password_verify(m->rq, m->wish->password, c->old, &c->match);
}

/* Side by side, for each is a whole hash: on idle cores the answer takes little more than one. */
static enum err hash_and_compare(struct making *m, bool *ret_used)
{
	size_t n = m->n_old + 1;
	struct comparison *comparisons = ARENA_ARRAY(m->rq->arena, n, struct comparison);
	struct rt_task *tasks = ARENA_ARRAY(m->rq->arena, n + 1, struct rt_task);
	struct str present = m->wish->account->row.password;
	size_t n_tasks = 0;
	enum err e;

	tasks[n_tasks++] = (struct rt_task){ .fn = hash_branch, .arg = m };
	for (size_t i = 0; i < n; i++) {
		comparisons[i] = (struct comparison){ m, i > 0 ? m->old[i - 1] : present, false };
		if (pwhash_usable(comparisons[i].old))
			tasks[n_tasks++] = (struct rt_task){
				.fn = compare_branch,
				.arg = &comparisons[i],
			};
	}
	e = rt_gather(tasks, n_tasks);
	*ret_used = false;
	for (size_t i = 0; i < n; i++)
		*ret_used |= comparisons[i].match;
	return e;
}

enum err password_make(
    struct request *rq, const struct password_wish *wish, struct str *ret_encoded)
{
	struct making m = { .rq = rq, .wish = wish };
	bool used = false;
	enum err e = password_check_strength(rq, wish);

	if (e == OK)
		e = store_read(rq->service->store, rq, STORE_PRIMARY, read_old_tx, &m);
	if (e == OK)
		e = hash_and_compare(&m, &used);
	if (e != OK)
		return e;
	if (used) {
		request_refuse_field(rq, wish->field, TEXT_PASSWORD_USED_BEFORE, NULL, 0);
		return fault(rq, ERR_PASSWORD_REJECTED, "one of the last");
	}
	*ret_encoded = m.encoded;
	return OK;
}

enum err password_retire(struct request *rq, struct tx *tx, const struct user_row *before)
{
	int64_t keep = (int64_t)rq->service->config.password_history;
	enum err e = OK;

	if (keep > 0 && pwhash_usable(before->password))
		e = password_old_add(tx, before->id, before->password, rq->now_us);
	return e == OK ? password_old_trim(tx, before->id, keep) : e;
}

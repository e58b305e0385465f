#include "service/audit_query.h"

#include "store/user_search.h"

/* Rows read for one page; each is half a kilobyte. */
#define LOOK_AT 1000

struct finding {
	const struct audit_filter *filter;
	const struct page *page;
	int64_t after; /* audit_read() */
	size_t limit;

	struct audit_found found;
	struct user_row *subjects;
	size_t n_subjects;
};

/* Whoever the rows are about, each once: their keys open what the rows seal. */
static enum err read_subjects(struct tx *tx, struct finding *f)
{
	const struct audit_row *rows = f->found.rows;
	struct uuid *ids = ARENA_ARRAY(tx_arena(tx), f->found.n + 1, struct uuid);
	size_t n = 0;

	for (size_t i = 0; i < f->found.n; i++) {
		bool known = !rows[i].has_subject;

		for (size_t k = 0; k < n && !known; k++)
			known = uuid_equal(ids[k], rows[i].subject_id);
		if (!known)
			ids[n++] = rows[i].subject_id;
	}
	return user_by_ids(tx, ids, n, &f->subjects, &f->n_subjects);
}

static enum err find_tx(struct tx *tx, void *arg)
{
	struct finding *f = arg;
	enum err e = audit_query(tx, f->filter, f->page, LOOK_AT, &f->found);

	return e == OK ? read_subjects(tx, f) : e;
}

static enum err read_tx(struct tx *tx, void *arg)
{
	struct finding *f = arg;
	enum err e = audit_list(tx, NULL, f->after, (int64_t)f->limit, &f->found.rows, &f->found.n);

	return e == OK ? read_subjects(tx, f) : e;
}

/* NULL when they were erased: their key is gone, and with it what it sealed. */
static enum err subject_of(struct request *rq, const struct finding *f, struct account **opened,
    const struct audit_row *row, const struct account **ret)
{
	enum err e = OK;

	*ret = NULL;
	for (size_t i = 0; i < f->n_subjects; i++) {
		if (!row->has_subject || !uuid_equal(f->subjects[i].id, row->subject_id))
			continue;
		if (!opened[i] && !str_empty(f->subjects[i].data_key))
			e = account_open_key(rq, &f->subjects[i], &opened[i]);
		*ret = opened[i];
		return e;
	}
	return OK;
}

static void set_view(const struct audit_row *row, struct audit_view *ret)
{
	*ret = (struct audit_view){
		.id = row->id,
		.at_us = row->at_us,
		.count = row->count,
		.event = row->event,
		.outcome = row->outcome,
		.object_type = row->object_type,
		.object_id = row->object_id,
		.operation = row->operation,
		.engine = row->engine,
		.request_id = row->request_id,
		.geo = row->geo,
		.reason = row->reason,
	};
	if (row->has_actor)
		ret->actor_id = row->actor_id;
	if (row->has_subject)
		ret->subject_id = row->subject_id;
	if (row->has_session)
		ret->session_id = row->session_id;
}

static enum err view_all(struct request *rq, const struct finding *f, struct audit_view_list *ret)
{
	struct account **opened = ARENA_ARRAY(rq->arena, f->n_subjects + 1, struct account *);
	enum err e = OK;

	*ret = (struct audit_view_list){
		.items = ARENA_ARRAY(rq->arena, f->found.n + 1, struct audit_view),
		.next = f->found.next,
	};
	for (size_t i = 0; e == OK && i < f->found.n; i++) {
		const struct audit_row *row = &f->found.rows[i];
		struct audit_view *view = &ret->items[ret->n++];
		const struct account *subject;
		struct audit_personal personal = { .changes = STR_NULL };

		set_view(row, view);
		e = subject_of(rq, f, opened, row, &subject);
		if (e == OK && (subject || !row->has_subject))
			e = audit_unseal(rq, subject, row, &personal);
		view->address = personal.address;
		view->user_agent = personal.user_agent;
		view->changes = personal.changes;
	}
	return e;
}

enum err audit_find(struct request *rq, const struct audit_filter *filter, const struct page *page,
    struct audit_view_list *ret)
{
	struct finding f = { .filter = filter, .page = page };
	enum err e = store_read(rq->service->store, rq, STORE_STALE_OK, find_tx, &f);

	return e == OK ? view_all(rq, &f, ret) : e;
}

enum err audit_read(struct request *rq, int64_t after, size_t limit, struct audit_view_list *ret)
{
	struct finding f = { .after = after, .limit = limit };
	enum err e = store_read(rq->service->store, rq, STORE_PRIMARY, read_tx, &f);

	return e == OK ? view_all(rq, &f, ret) : e;
}

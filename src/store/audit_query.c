#include "store/audit_query.h"

#include "base/clock.h"
#include "store/columns.h"

/* Rows are written a moment after the time they carry, aggregated ones minutes after. */
#define SLACK_US (10 * US_PER_MIN)

struct asking {
	const struct audit_filter *filter;
	struct audit_found *found;
	size_t want, left;
	int64_t last;
	bool more;
};

static bool is_asked(const struct uuid *asked, bool has, const struct uuid *id)
{
	return uuid_is_nil(*asked) || (has && uuid_equal(*asked, *id));
}

static bool passes(const struct audit_filter *f, const struct audit_row *row)
{
	if (!is_asked(&f->actor, row->has_actor, &row->actor_id) ||
	    !is_asked(&f->subject, row->has_subject, &row->subject_id))
		return false;
	if (!str_empty(f->object_type) &&
	    (!str_eq(f->object_type, row->object_type) || !str_eq(f->object_id, row->object_id)))
		return false;
	return (str_empty(f->event) || str_eq(f->event, row->event)) && row->at_us >= f->since_us;
}

static bool ask_one(void *arg, const struct row *row)
{
	struct asking *a = arg;
	struct audit_row audit = { .id = 0 };

	if (a->found->n == a->want || a->left == 0) {
		a->more = true;
		return false;
	}
	audit_decode(&(struct cursor){ row->cols }, &audit);
	a->left--;
	a->last = audit.id;
	if (passes(a->filter, &audit))
		a->found->rows[a->found->n++] = audit;
	return true;
}

/* The statement whose index leaves least to look at, and what it asks beside the ids. */
static enum statement choose(const struct audit_filter *f, struct val *params, size_t *n)
{
	if (!uuid_is_nil(f->subject)) {
		params[(*n)++] = val_uuid(&f->subject);
		return STMT_AUDIT_QUERY_SUBJECT;
	}
	if (!str_empty(f->object_type)) {
		params[(*n)++] = val_text(f->object_type);
		params[(*n)++] = val_text(f->object_id);
		return STMT_AUDIT_QUERY_OBJECT;
	}
	if (!uuid_is_nil(f->actor)) {
		params[(*n)++] = val_uuid(&f->actor);
		return STMT_AUDIT_QUERY_ACTOR;
	}
	/* Not in the index of events, and most of the rows anyway. */
	if (!str_empty(f->event) && !str_eq(f->event, STR("session.refreshed"))) {
		params[(*n)++] = val_text(f->event);
		return STMT_AUDIT_QUERY_EVENT;
	}
	return STMT_AUDIT_QUERY_ALL;
}

/* Ids grow with time, nearly: the first row that may be as young as @since_us. */
static enum err first_id(struct tx *tx, int64_t since_us, int64_t *ret)
{
	const struct val since = val_int(since_us - SLACK_US);
	struct row row;
	enum err r = OK;

	*ret = 0;
	if (since_us == 0)
		return OK;
	r = tx_row(tx, STMT_AUDIT_SINCE, &since, 1, &row);
	if (r == OK)
		*ret = row.found ? row_int(&row, 0) : INT64_MAX;
	return r;
}

enum err audit_query(struct tx *tx, const struct audit_filter *filter, const struct page *page,
    size_t look_at, struct audit_found *ret)
{
	struct asking a = {
		.filter = filter,
		.found = ret,
		.want = page_limit(page),
		.left = look_at,
	};
	struct val params[5] = { val_int(page->after.n > 0 ? page->after.n : INT64_MAX), val_int(0),
		val_int((int64_t)look_at + 1) };
	size_t n = 3;
	enum statement id = choose(filter, params, &n);
	enum err r = first_id(tx, filter->since_us, &params[1].i);

	*ret = (struct audit_found){ .rows = ARENA_ARRAY(tx_arena(tx), a.want, struct audit_row) };
	if (r == OK)
		r = tx_each(tx, id, params, n, ask_one, &a);
	if (r == OK && a.more)
		ret->next.n = a.last;
	return r;
}

enum err audit_report_once(struct tx *tx, struct uuid id, int64_t now_us, bool *ret_new)
{
	const struct val params[] = { val_uuid(&id), val_int(now_us) };

	return tx_changed(tx, STMT_AUDIT_REPORT, params, ARRAY_LEN(params), ret_new);
}

enum err audit_report_sweep(struct tx *tx, int64_t before_us, int64_t limit, int64_t *ret_n)
{
	const struct val params[] = { val_int(before_us), val_int(limit) };

	return tx_count(tx, STMT_AUDIT_REPORT_SWEEP, params, ARRAY_LEN(params), ret_n);
}

/*
 * Reading the whole audit trail back: every row under its MAC, every row under exactly one seal,
 * every seal under its MAC and chained to the one before. Rows and seals are read in pages, so
 * memory does not grow with the trail.
 */
#include "base/clock.h"
#include "store/audit_mac.h"
#include "store/columns.h"
#include "store/db.h"

#define SEAL_PAGE 64
#define PROGRESS_ROWS 4096
#define UNSEALED_US (5 * US_PER_MIN) /* longer no row waits for a seal that comes after it */

struct verify {
	const struct keyring *keys;
	void (*progress)(void *arg, int64_t done, int64_t all);
	void *arg;
	struct arena *result; /* the caller's: for the sentence */
	struct arena *scratch;
	struct audit_verdict *verdict;
	int64_t all, now_us;
	bool seals_late;

	struct audit_seal seals[SEAL_PAGE];
	size_t n, i; /* seals read, and the one whose rows are being read */
	struct audit_pairs pairs;
	int64_t last_id; /* rows up to here are settled */
};

/* broken_row(), broken_seal() - note the first fault; false, to stop reading. */
static bool broken_row(struct verify *v, int64_t id, const char *what)
{
	v->verdict->intact = false;
	v->verdict->broken_row = id;
	v->verdict->problem = str_printf(v->result, "Audit row %lld %s.", (long long)id, what);
	return false;
}

static bool broken_seal(struct verify *v, int64_t n, const char *what)
{
	v->verdict->intact = false;
	v->verdict->broken_seal = n;
	v->verdict->problem = str_printf(v->result, "Audit seal %lld %s.", (long long)n, what);
	return false;
}

/* check_seal() - is @s itself sound, and the successor of the one before? */
static bool check_seal(struct verify *v, const struct audit_seal *s)
{
	const struct audit_seal *head = &v->verdict->head;
	struct mac mac;

	if (s->n != head->n + 1)
		return broken_seal(v, head->n + 1, "is missing");
	if (!audit_seal_mac(v->keys, s, &mac))
		return broken_seal(v, s->n, "was made with a key that is not configured");
	if (!bytes_equal(mac.b, s->mac.b, sizeof(mac.b)))
		return broken_seal(v, s->n, "has been changed");
	if (!bytes_equal(s->prev.b, head->mac.b, sizeof(mac.b)) || s->first_id <= head->last_id ||
	    s->last_id < s->first_id || s->count < 1 || s->count > AUDIT_SEAL_MAX)
		return broken_seal(v, s->n, "does not follow the one before");
	v->verdict->head = *s;
	v->verdict->seals++;
	return true;
}

/* finish_seal() - all rows of the current seal have been read: were they the ones sealed? */
static bool finish_seal(struct verify *v)
{
	const struct audit_seal *s = &v->seals[v->i];
	struct mac root;

	if ((int64_t)v->pairs.n < s->count)
		return broken_seal(v, s->n, "covers a row that has been removed");
	if (!audit_pairs_root(&v->pairs, v->keys, s->key_id, &root))
		return broken_seal(v, s->n, "was made with a key that is not configured");
	if (!bytes_equal(root.b, s->root.b, sizeof(root.b)))
		return broken_seal(v, s->n, "covers rows that have been moved or exchanged");
	v->last_id = s->last_id;
	v->pairs.n = 0;
	v->i++;
	return true;
}

static bool check_row(struct verify *v, const struct audit_row *row)
{
	const struct audit_seal *s;
	struct mac mac;

	while (v->i < v->n && row->id > v->seals[v->i].last_id)
		if (!finish_seal(v))
			return false;
	s = &v->seals[v->i];
	if (!audit_row_mac(v->keys, row, &mac))
		return broken_row(v, row->id, "was made with a key that is not configured");
	if (!bytes_equal(mac.b, row->mac.b, sizeof(mac.b)))
		return broken_row(v, row->id, "has been changed");
	if (row->id < s->first_id || (int64_t)v->pairs.n == s->count)
		return broken_row(v, row->id, "is under no seal: it was inserted later");
	audit_pairs_add(&v->pairs, row->id, &mac);
	if (++v->verdict->rows % PROGRESS_ROWS == 0 && v->progress)
		v->progress(v->arg, v->verdict->rows, v->all);
	return true;
}

static bool row_one(void *arg, const struct row *row)
{
	struct verify *v = arg;
	struct audit_row audit;
	bool go_on;

	audit_decode(&(struct cursor){ row->cols }, &audit);
	go_on = check_row(v, &audit);
	arena_reset(v->scratch);
	return go_on;
}

static bool seal_one(void *arg, const struct row *row)
{
	struct verify *v = arg;

	seal_decode(&(struct cursor){ row->cols }, &v->seals[v->n]);
	return check_seal(v, &v->seals[v->n++]);
}

/* verify_page() - the next seals and the rows they cover; v->n is 0 when there are no more. */
static enum err verify_page(struct tx *tx, struct verify *v)
{
	const struct val after[] = { val_int(v->verdict->head.n), val_int(SEAL_PAGE) };
	struct val range[] = { val_int(v->last_id), val_int(0) };
	enum err r;

	v->n = v->i = 0;
	r = tx_each(tx, STMT_SEAL_LIST, after, ARRAY_LEN(after), seal_one, v);
	if (r != OK || !v->verdict->intact || v->n == 0)
		return r;
	range[1] = val_int(v->verdict->head.last_id);
	r = tx_each(tx, STMT_AUDIT_RANGE, range, ARRAY_LEN(range), row_one, v);
	while (r == OK && v->verdict->intact && v->i < v->n)
		if (!finish_seal(v))
			break;
	return r;
}

/* tail_one() - where seals come after the commit, the newest rows wait for theirs. */
static bool tail_one(void *arg, const struct row *row)
{
	struct verify *v = arg;
	struct audit_row audit;
	struct mac mac;

	audit_decode(&(struct cursor){ row->cols }, &audit);
	if (!v->seals_late || audit.at_us < v->now_us - UNSEALED_US)
		return broken_row(v, audit.id, "is under no seal");
	if (!audit_row_mac(v->keys, &audit, &mac))
		return broken_row(v, audit.id, "was made with a key that is not configured");
	if (!bytes_equal(mac.b, audit.mac.b, sizeof(mac.b)))
		return broken_row(v, audit.id, "has been changed");
	v->verdict->rows++;
	v->verdict->unsealed++;
	arena_reset(v->scratch);
	return true;
}

/* verify_tail() - a row after the last seal was never sealed by us, or not yet. */
static enum err verify_tail(struct tx *tx, struct verify *v)
{
	const struct val range[] = { val_int(v->last_id), val_int(INT64_MAX) };

	return tx_each(tx, STMT_AUDIT_RANGE, range, ARRAY_LEN(range), tail_one, v);
}

static enum err verify_all(struct tx *tx, struct verify *v)
{
	enum err r = tx_int(tx, STMT_AUDIT_COUNT, NULL, 0, &v->all);

	v->pairs.bytes = arena_alloc(v->result, (size_t)AUDIT_SEAL_MAX * AUDIT_PAIR_SIZE);
	do {
		if (r == OK)
			r = verify_page(tx, v);
		arena_reset(v->scratch);
	} while (r == OK && v->verdict->intact && v->n > 0);
	if (r == OK && v->verdict->intact)
		r = verify_tail(tx, v);
	if (r == OK && v->progress)
		v->progress(v->arg, v->verdict->rows, v->all);
	return r;
}

enum err audit_verify_rows(struct tx *tx, const struct keyring *keys,
    void (*progress)(void *arg, int64_t done, int64_t all), void *arg, struct audit_verdict *ret)
{
	struct arena *own = tx_arena(tx);
	struct verify *v = ARENA_NEW(own, struct verify);
	enum err r;

	*ret = (struct audit_verdict){ .intact = true };
	*v = (struct verify){
		.keys = keys,
		.progress = progress,
		.arg = arg,
		.result = own,
		.scratch = arena_new(ARENA_PLAIN, 0),
		.verdict = ret,
		.now_us = now_wall_us(),
		.seals_late = tx->ops->seals_late,
		.last_id = INT64_MIN, /* the store gives ids from 1; a forger gives what he likes */
	};
	tx_use_arena(tx, v->scratch);
	r = verify_all(tx, v);
	tx_use_arena(tx, own);
	arena_free(&v->scratch);
	return r;
}

#include "store/migrate.h"

#include "store/db.h"

int64_t migrate_latest(void)
{
	size_t n;
	const struct migration *known = db_sqlite.migrations(&n);

	return known[n - 1].version;
}

bool migrate_at_start(struct str url)
{
	struct str where, problem;
	const struct db_ops *ops = db_for_url(url, &where, &problem);

	return ops && ops->migrates_at_start;
}

enum schema_state schema_judge(const struct migration *known, size_t n_known,
    const struct migration_mark *marks, size_t n_marks, struct arena *arena,
    struct str *ret_problem)
{
	int64_t latest = known[n_known - 1].version;
	int64_t has = n_marks > 0 ? marks[n_marks - 1].version : 0;
	int64_t oldest = n_marks > 0 ? marks[n_marks - 1].oldest : 0;

	if (has > latest && (oldest == 0 || oldest > latest)) {
		*ret_problem = str_printf(arena,
		    "The database is at schema %lld; this program "
		    "knows up to %lld. Run the newer program.",
		    (long long)has, (long long)latest);
		return SCHEMA_WRONG;
	}
	for (size_t i = 0; i < n_marks && marks[i].version <= latest; i++) {
		if (i < n_known && marks[i].version == known[i].version &&
		    str_eq(marks[i].sha256, known[i].sha256))
			continue;
		*ret_problem = str_printf(arena,
		    "Migration %lld of the database is not the one this "
		    "program has: its SHA-256 differs.",
		    (long long)marks[i].version);
		return SCHEMA_WRONG;
	}
	if (n_marks >= n_known)
		return SCHEMA_CURRENT;
	*ret_problem = str_printf(arena,
	    "The database is at schema %lld; this program needs %lld. "
	    "Run `cloakroom migrate`.",
	    (long long)has, (long long)latest);
	return SCHEMA_OLDER;
}

/* struct migration_run - one call of migrate(). */
struct migration_run {
	const struct db_ops *ops;
	const struct migration *known;
	size_t n_known;
	struct schema *schema; /* NULL: there is no database yet, and only the plan is wanted */
	bool plan_only;
	struct arena *arena;
	void (*said)(void *arg, struct str sentence);
	void *arg;
	struct migrate_result *result;
};

static void tell(const struct migration_run *run, const struct migration *m)
{
	if (run->said)
		run->said(run->arg, str_printf(run->arena, "%s migration %lld (%.*s).",
					run->plan_only ? "Would apply" : "Applied",
					(long long)m->version, STR_ARG(m->name)));
}

static enum err migrate_run(struct migration_run *run)
{
	struct migrate_result *result = run->result;
	struct migration_mark *marks = NULL;
	size_t n = 0;
	enum err r = OK;

	if (run->schema)
		r = run->ops->schema_marks(run->schema, run->arena, &marks, &n, &result->problem);
	if (r != OK)
		return r;
	if (schema_judge(run->known, run->n_known, marks, n, run->arena, &result->problem) ==
	    SCHEMA_WRONG)
		return ERR_INTERNAL;
	result->problem = STR_NULL;
	result->from = result->to = n > 0 ? marks[n - 1].version : 0;
	for (size_t i = n; i < run->n_known; i++) {
		const struct migration *m = &run->known[i];

		if (!run->plan_only)
			r = run->ops->schema_apply(run->schema, m, run->arena, &result->problem);
		if (r != OK)
			return r;
		result->to = m->version;
		tell(run, m);
	}
	return OK;
}

enum err migrate(struct str url, bool plan_only, struct arena *arena,
    void (*said)(void *arg, struct str sentence), void *arg, struct migrate_result *ret)
{
	struct migration_run run = {
		.plan_only = plan_only, .arena = arena, .said = said, .arg = arg, .result = ret
	};
	struct str where;
	enum err r;

	*ret = (struct migrate_result){ .from = 0 };
	run.ops = db_for_url(url, &where, &ret->problem);
	if (!run.ops)
		return ERR_INTERNAL;
	run.known = run.ops->migrations(&run.n_known);
	r = run.ops->schema_open(where, !plan_only, arena, &run.schema, &ret->problem);
	if (r != OK)
		return r;
	r = migrate_run(&run);
	if (run.schema)
		run.ops->schema_close(run.schema);
	return r;
}

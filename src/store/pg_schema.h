/* Which migrations a PostgreSQL database has had, and giving it more. */
#ifndef STORE_PG_SCHEMA_H
#define STORE_PG_SCHEMA_H

#include "store/pg_conn.h"

struct lane;

/** pg_schema_check() - connect once: is the schema one this program can use? */
MAY_YIELD MUST_CHECK enum err pg_schema_check(
    struct str url, struct lane *blocking, struct arena *arena, struct str *ret_problem);

/* For db_pg.c's table: see db.h. */
const struct migration *pg_migrations(size_t *ret_n);
enum err pg_schema_open(
    struct str url, bool make, struct arena *arena, struct schema **ret, struct str *ret_problem);
enum err pg_schema_marks(struct schema *schema, struct arena *arena, struct migration_mark **ret,
    size_t *ret_n, struct str *ret_problem);
enum err pg_schema_apply(
    struct schema *schema, const struct migration *m, struct arena *arena, struct str *ret_problem);
void pg_schema_close(struct schema *schema);

/* Embedded at build time (tools/embed_sql.py). */
extern const struct migration postgresql_embedded[];
extern const size_t postgresql_embedded_count;

#endif

/* The database file: is it ours and sound, and which migrations has it had? */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include "store/sqlite_conn.h"

/** sqlite_file_open() - check the file and its schema, and connect to it as @config says. */
MUST_CHECK enum err sqlite_file_open(const struct store_config *config, struct str where,
    struct arena *arena, struct sqlite_conn *ret, struct str *ret_problem);
/** sqlite_file_sync() - a finished file and its name, down to the disk. */
bool sqlite_file_sync(const char *path);

/* For db_sqlite.c's table: see db.h. */
const struct migration *sqlite_migrations(size_t *ret_n);
enum err sqlite_schema_open(
    struct str where, bool make, struct arena *arena, struct schema **ret, struct str *ret_problem);
enum err sqlite_schema_marks(struct schema *schema, struct arena *arena,
    struct migration_mark **ret, size_t *ret_n, struct str *ret_problem);
enum err sqlite_schema_apply(
    struct schema *schema, const struct migration *m, struct arena *arena, struct str *ret_problem);
void sqlite_schema_close(struct schema *schema);

/* Embedded at build time (tools/embed_sql.py). */
extern const struct migration sqlite_embedded[];
extern const size_t sqlite_embedded_count;

#endif

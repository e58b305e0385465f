#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define APPLICATION_ID 0x434c4b52 /* "CLKR", in the file's header */
#define HEADER "SQLite format 3"  /* and a NUL */

struct schema {
	struct sqlite_conn conn;
	const char *path; /* in the arena of schema_open() */
};

/* say() - set the operator's sentence, and refuse. */
static enum err say(struct str *ret_problem, struct str sentence)
{
	*ret_problem = sentence;
	return ERR_INTERNAL;
}

/* --- the file itself --- */

/* broken() - what SQLite says about @path, as a sentence. */
static enum err broken(struct arena *arena, const char *path, int rc, struct str *ret_problem)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		*ret_problem = str_printf(arena,
		    "The database %s is busy: another program has "
		    "locked it.",
		    path);
		return ERR_UNAVAILABLE;
	case SQLITE_CORRUPT:
		return say(ret_problem, str_printf(arena,
					    "The database %s is damaged (%s). "
					    "Restore a backup.",
					    path, sqlite3_errstr(rc)));
	case SQLITE_NOTADB:
		return say(ret_problem, str_printf(arena, "%s is not an SQLite database.", path));
	default:
		return say(ret_problem, str_printf(arena, "The database %s cannot be used: %s.",
					    path, sqlite3_errstr(rc)));
	}
}

/* look() - refuse what is no database file of ours; *@ret_there is false when there is none. */
static enum err look(
    struct arena *arena, const char *path, bool *ret_there, struct str *ret_problem)
{
	char header[sizeof(HEADER)] = "";
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*ret_there = fd >= 0 || errno != ENOENT;
	if (!*ret_there)
		return OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return say(ret_problem, str_printf(arena,
					    "The database %s cannot be opened "
					    "(errno %d: %s).",
					    path, errno, strerrordesc_np(errno)));
	n = read(fd, header, sizeof(header));
	close(fd);
	if (!S_ISREG(st.st_mode))
		return say(ret_problem, str_printf(arena, "%s is not a file.", path));
	/* As root we could write it, and would leave files that the owner's server cannot. */
	if (st.st_uid != geteuid())
		return say(ret_problem, str_printf(arena,
					    "The database %s belongs to user %u, but "
					    "this program runs as user %u. Run it as the owner.",
					    path, st.st_uid, geteuid()));
	if (n != 0 && (n != sizeof(header) || memcmp(header, HEADER, sizeof(header)) != 0))
		return say(ret_problem, str_printf(arena, "%s is not an SQLite database.", path));
	return OK;
}

/* make() - the file, and the directory it is in, for nobody but us. */
static enum err make(struct arena *arena, struct str where, struct str *ret_problem)
{
	ssize_t slash = str_find_last(where, '/');
	const char *path = str_cstr(arena, where);
	int fd;

	if (slash > 0 && mkdir(str_cstr(arena, str_upto(where, (size_t)slash)), 0700) != 0 &&
	    errno != EEXIST)
		return say(ret_problem, str_printf(arena,
					    "The directory of %s cannot be made "
					    "(errno %d: %s).",
					    path, errno, strerrordesc_np(errno)));
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return say(ret_problem, str_printf(arena,
					    "The database %s cannot be made "
					    "(errno %d: %s).",
					    path, errno, strerrordesc_np(errno)));
	if (fd >= 0)
		close(fd);
	return OK;
}

bool sqlite_file_sync(const char *path)
{
	struct str name = str_of(path);
	ssize_t slash = str_find_last(name, '/');
	char *dir = slash > 0 ? strndup(path, (size_t)slash) : strdup(slash == 0 ? "/" : ".");
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int dir_fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool ok = fd >= 0 && dir_fd >= 0 && fsync(fd) == 0 && fsync(dir_fd) == 0;

	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
	free(dir);
	return ok;
}

/* --- what it has had --- */

const struct migration *sqlite_migrations(size_t *ret_n)
{
	*ret_n = sqlite_embedded_count;
	return sqlite_embedded;
}

/* is_ours() - an empty database, or one with our mark. Returns SQLite's code. */
static int is_ours(struct sqlite_conn *conn, bool *ret_empty, bool *ret_ours)
{
	int64_t id = 0, objects = 0;
	int rc = sqlite_conn_int(conn, "PRAGMA application_id", &id);

	if (rc == SQLITE_OK)
		rc = sqlite_conn_int(conn, "SELECT count(*) FROM sqlite_schema", &objects);
	*ret_empty = objects == 0;
	*ret_ours = id == APPLICATION_ID || (id == 0 && objects == 0);
	return rc;
}

/* read_marks() - the rows of schema_migration. Returns SQLite's code. */
static int read_marks(
    struct sqlite_conn *conn, struct arena *arena, struct migration_mark **ret, size_t *ret_n)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = 0;
	int rc = sqlite_conn_int(conn, "SELECT count(*) FROM schema_migration", &n);

	*ret = ARENA_ARRAY(arena, (size_t)n, struct migration_mark);
	*ret_n = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(conn->db,
		    "SELECT version, sha256 FROM schema_migration "
		    "ORDER BY version",
		    -1, &stmt, NULL);
	while (rc == SQLITE_OK && *ret_n < (size_t)n) {
		const char *text;

		if (sqlite3_step(stmt) != SQLITE_ROW)
			break;
		text = (const char *)sqlite3_column_text(stmt, 1);
		(*ret)[(*ret_n)++] = (struct migration_mark){
			.version = sqlite3_column_int64(stmt, 0),
			.sha256 = str_dup(arena, str_of(text)),
		};
	}
	sqlite3_finalize(stmt);
	return rc;
}

static enum err marks(struct sqlite_conn *conn, const char *path, struct arena *arena,
    struct migration_mark **ret, size_t *ret_n, struct str *ret_problem)
{
	bool empty = true, ours = false;
	int rc = is_ours(conn, &empty, &ours);

	*ret = NULL;
	*ret_n = 0;
	if (rc == SQLITE_OK && !ours)
		return say(
		    ret_problem, str_printf(arena, "%s is another program's database.", path));
	if (rc == SQLITE_OK && !empty)
		rc = read_marks(conn, arena, ret, ret_n);
	return rc == SQLITE_OK ? OK : broken(arena, path, rc, ret_problem);
}

/* --- opening it for the store --- */

/* quick_check() - read every page. SQLITE_CORRUPT when something is wrong. */
static int quick_check(struct sqlite_conn *conn)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(conn->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);

	if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);

		rc = said && str_eq(str_of(said), STR("ok")) ? SQLITE_OK : SQLITE_CORRUPT;
	} else if (rc == SQLITE_OK) {
		rc = SQLITE_CORRUPT;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* check() - of an open connection: is the schema ours, current and whole? */
static enum err check(const struct store_config *config, struct sqlite_conn *conn, const char *path,
    struct arena *arena, struct str *ret_problem)
{
	struct migration_mark *had;
	size_t n;
	enum err r = marks(conn, path, arena, &had, &n, ret_problem);
	int rc;

	if (r != OK)
		return r;
	switch (schema_judge(sqlite_embedded, sqlite_embedded_count, had, n, arena, ret_problem)) {
	case SCHEMA_CURRENT:
		break;
	case SCHEMA_OLDER:
	case SCHEMA_WRONG:
		return ERR_INTERNAL;
	}
	rc = config->check ? quick_check(conn) : SQLITE_OK;
	if (rc == SQLITE_OK)
		rc = sqlite_conn_prepare_all(conn);
	return rc == SQLITE_OK ? OK : broken(arena, path, rc, ret_problem);
}

enum err sqlite_file_open(const struct store_config *config, struct str where, struct arena *arena,
    struct sqlite_conn *ret, struct str *ret_problem)
{
	const char *path = str_cstr(arena, where);
	bool there;
	enum err r = look(arena, path, &there, ret_problem);
	int rc;

	if (r != OK)
		return r;
	if (!there)
		return say(ret_problem, str_printf(arena,
					    "There is no database at %s. Run "
					    "`cloakroom migrate` to make it.",
					    path));
	if (!config->read_only && access(path, W_OK) != 0)
		return say(
		    ret_problem, str_printf(arena, "The database %s may not be written.", path));
	rc = sqlite_conn_open(ret, path, config->read_only ? SQLITE_MODE_READ : SQLITE_MODE_WRITE);
	if (rc != SQLITE_OK)
		return broken(arena, path, rc, ret_problem);
	r = check(config, ret, path, arena, ret_problem);
	if (r == OK && !config->read_only &&
	    (rc = sqlite_conn_exec(ret, "PRAGMA journal_mode=WAL")) != SQLITE_OK)
		r = broken(arena, path, rc, ret_problem);
	if (r != OK)
		sqlite_conn_close(ret);
	return r == OK ? OK : ERR_INTERNAL;
}

/* --- changing the schema --- */

enum err sqlite_schema_open(struct str where, bool may_make, struct arena *arena,
    struct schema **ret, struct str *ret_problem)
{
	const char *path = str_cstr(arena, where);
	struct schema *schema;
	bool there;
	enum err r = look(arena, path, &there, ret_problem);
	int rc;

	*ret = NULL;
	if (r == OK && !there && may_make)
		r = make(arena, where, ret_problem);
	if (r != OK || (!there && !may_make))
		return r;
	schema = calloc(1, sizeof(*schema));
	if (!schema)
		abort();
	schema->path = path;
	rc = sqlite_conn_open(&schema->conn, path, may_make ? SQLITE_MODE_WRITE : SQLITE_MODE_READ);
	/* Tables are rebuilt with the keys off, and the keys checked before COMMIT. */
	if (rc == SQLITE_OK && may_make)
		rc = sqlite_conn_exec(&schema->conn, "PRAGMA foreign_keys=OFF");
	if (rc == SQLITE_OK) {
		*ret = schema;
		return OK;
	}
	sqlite_schema_close(schema);
	return broken(arena, path, rc, ret_problem);
}

enum err sqlite_schema_marks(struct schema *schema, struct arena *arena,
    struct migration_mark **ret, size_t *ret_n, struct str *ret_problem)
{
	return marks(&schema->conn, schema->path, arena, ret, ret_n, ret_problem);
}

/* put_mark() - remember @m. Returns SQLite's code. */
static int put_mark(struct sqlite_conn *conn, const struct migration *m)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(conn->db,
	    "INSERT INTO schema_migration "
	    "(version, name, sha256, applied_at) VALUES (?1, ?2, ?3, ?4)",
	    -1, &stmt, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, m->version);
		sqlite3_bind_text(stmt, 2, m->name.ptr, (int)m->name.len, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 3, m->sha256.ptr, (int)m->sha256.len, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 4, now_wall_us());
		rc = sqlite3_step(stmt) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(conn->db);
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* apply() - inside a transaction. Returns SQLite's code. */
static int apply(struct sqlite_conn *conn, const struct migration *m)
{
	int64_t done = 0, dangling = 0;
	int rc = sqlite_conn_exec(conn,
	    "CREATE TABLE IF NOT EXISTS schema_migration ("
	    "version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, "
	    "applied_at INTEGER NOT NULL) STRICT");

	if (rc == SQLITE_OK)
		rc = sqlite_conn_int(
		    conn, "SELECT coalesce(max(version), 0) FROM schema_migration", &done);
	/* Somebody else was here while we waited for the lock. */
	if (rc != SQLITE_OK || done >= m->version)
		return rc;
	if (m->version == 1)
		rc = sqlite_conn_exec(conn, "PRAGMA application_id=1129073490");
	if (rc == SQLITE_OK)
		rc = sqlite_conn_exec(conn, m->sql.ptr);
	if (rc == SQLITE_OK)
		rc = sqlite_conn_int(
		    conn, "SELECT count(*) FROM pragma_foreign_key_check", &dangling);
	if (rc == SQLITE_OK && dangling > 0)
		rc = SQLITE_CONSTRAINT_FOREIGNKEY;
	return rc == SQLITE_OK ? put_mark(conn, m) : rc;
}

_Static_assert(APPLICATION_ID == 1129073490, "the pragma takes no expression");

enum err sqlite_schema_apply(
    struct schema *schema, const struct migration *m, struct arena *arena, struct str *ret_problem)
{
	struct sqlite_conn *conn = &schema->conn;
	int rc = sqlite_conn_exec(conn, "PRAGMA journal_mode=WAL");

	if (rc == SQLITE_OK)
		rc = sqlite_conn_control(conn, CONTROL_BEGIN_IMMEDIATE);
	if (rc == SQLITE_OK)
		rc = apply(conn, m);
	if (rc == SQLITE_OK)
		rc = sqlite_conn_control(conn, CONTROL_COMMIT);
	if (rc == SQLITE_OK)
		return OK;
	*ret_problem = str_printf(arena, "Migration %lld (%.*s) of %s failed: %s.",
	    (long long)m->version, STR_ARG(m->name), schema->path, sqlite3_errmsg(conn->db));
	if (!sqlite3_get_autocommit(conn->db))
		sqlite_conn_control(conn, CONTROL_ROLLBACK);
	return sqlite_err(rc, NULL);
}

void sqlite_schema_close(struct schema *schema)
{
	sqlite_conn_close(&schema->conn);
	free(schema);
}

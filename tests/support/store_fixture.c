#include "tests/support/store_fixture.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/child.h"

#define KEY "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "store fixture: %s\n", what);
	abort();
}

static void make_keys(struct store_fixture *f)
{
	const struct keyring_config config = {
		.master = secret_of(STR(KEY)),
		.token_secret = secret_of(STR(KEY)),
	};
	const char *problem = "";

	must(keyring_new(&config, &f->keys, &problem) == OK, problem);
}

const char *store_fixture_home(void)
{
	/* Nothing here is to outlive a power cut, and syncing to memory is quick. */
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* --- PostgreSQL --- */

static struct child server; /* pid 0: SQLite */
static PGconn *admin;

static bool is_postgresql(void)
{
	return server.pid != 0;
}

static void do_sql(const char *sql)
{
	PGresult *result = PQexec(admin, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		must(false, PQerrorMessage(admin));
	PQclear(result);
}

static struct str url_of(struct arena *arena, const char *database)
{
	return str_printf(arena, "postgresql://postgres@127.0.0.1:%u/%s", server.port, database);
}

static void migrate_url(struct arena *arena, struct str url)
{
	struct migrate_result result;

	if (migrate(url, false, arena, NULL, NULL, &result) != OK)
		must(false, str_cstr(arena, result.problem));
}

/* One database, whose schema is made once and whose rows go with each fixture. */
bool store_fixture_postgresql(void)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);

	if (access("/usr/lib/postgresql", X_OK) != 0)
		return false;
	child_start(&server, "postgresql.py", (const char *const[]){ NULL });
	migrate_url(arena, url_of(arena, "postgres"));
	admin = PQconnectdb(url_of(arena, "postgres").ptr);
	must(PQstatus(admin) == CONNECTION_OK, PQerrorMessage(admin));
	arena_free(&arena);
	return true;
}

void store_fixture_postgresql_stop(void)
{
	PQfinish(admin);
	child_stop(&server);
	server = (struct child){ .pid = 0 };
}

static void empty_database(struct store_fixture *f)
{
	do_sql("DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ')"
	       " || ' RESTART IDENTITY' FROM pg_class WHERE relnamespace = 'public'::regnamespace"
	       " AND relkind IN ('r', 'p') AND relname <> 'schema_migration'); END $$");
	f->config.url = url_of(f->arena, "postgres");
	f->config.pool_size = 8;
}

/* --- SQLite --- */

static void make_file(struct store_fixture *f)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "%s/cloakroom-store-XXXXXX", store_fixture_home());
	must(mkdtemp(dir) != NULL, "mkdtemp");
	f->dir = str_dup(f->arena, str_of(dir));
	f->path = str_printf(f->arena, "%s/cloakroom.db", dir);
	f->config.url = str_printf(f->arena, "sqlite:%.*s", STR_ARG(f->path));
	migrate_url(f->arena, f->config.url);
}

static void remove_file(struct store_fixture *f)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		unlink(str_printf(f->arena, "%.*s%s", STR_ARG(f->path), ends[i]).ptr);
	rmdir(f->dir.ptr);
}

void store_fixture_init(struct store_fixture *f)
{
	*f = (struct store_fixture){ .arena = arena_new(ARENA_PLAIN, 0) };
	if (is_postgresql())
		empty_database(f);
	else
		make_file(f);
	make_keys(f);
}

void store_fixture_open(struct store_fixture *f)
{
	struct str problem = STR_NULL;

	if (store_open(&f->config, f->arena, &f->store, &problem) != OK)
		must(false, str_cstr(f->arena, problem));
}

void store_fixture_done(struct store_fixture *f)
{
	store_close(&f->store);
	if (!is_postgresql())
		remove_file(f);
	keyring_unref(&f->keys);
	arena_free(&f->arena);
}

/* keep() - what a transaction returned lives in its request's arena: as long as the fixture's. */
static void keep(void *arg)
{
	struct request *rq = arg;

	request_done(rq);
	free(rq);
}

static struct request *request_kept(struct store_fixture *f)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct request *rq = calloc(1, sizeof(*rq));

	must(rq != NULL, "memory");
	request_init(rq, NULL, NEVER_US);
	rq->keys = f->keys;
	pthread_mutex_lock(&lock);
	arena_defer(f->arena, keep, rq);
	pthread_mutex_unlock(&lock);
	return rq;
}

enum err fixture_tx(struct store_fixture *f, store_fn *fn, void *arg)
{
	return store_tx(f->store, request_kept(f), fn, arg);
}

enum err fixture_read(struct store_fixture *f, store_fn *fn, void *arg)
{
	return store_read(f->store, request_kept(f), STORE_PRIMARY, fn, arg);
}

void fixture_seal(struct store_fixture *f)
{
	if (store_seals_late(f->store))
		must(audit_sealer_step(&f->sealer, f->store, request_kept(f)) == OK, "sealing");
}

struct uuid fixture_id(char kind, unsigned n)
{
	struct uuid id = { .b = { [0] = 1, [1] = (uint8_t)kind, [6] = 0x70, [8] = 0x80 } };

	for (int i = 0; i < 4; i++)
		id.b[12 + i] = (uint8_t)(n >> (24 - 8 * i));
	return id;
}

struct str fixture_bytes(unsigned n)
{
	static char all[4096][32];
	char *bytes = all[n % 4096];

	/* Written alike by every thread that asks. */
	for (int i = 0; i < 4; i++)
		__atomic_store_n(&bytes[i], (char)(n >> (8 * i)), __ATOMIC_RELAXED);
	return str_bytes(bytes, sizeof(all[0]));
}

struct user_row fixture_user(unsigned n)
{
	return (struct user_row){
		.id = fixture_id('u', n),
		.kind = n % 2 ? IDENTIFIER_PHONE : IDENTIFIER_EMAIL,
		.identifier = STR("sealed identifier"),
		.identifier_index = fixture_bytes(n),
		.index_version = 1,
		.data_key = STR("wrapped"),
		.profile = STR("sealed profile"),
		.password = STR("pbkdf2_sha256$1$salt$hash"),
		.password_at_us = FIXTURE_NOW_US,
		.role = ROLE_CLIENT,
		.auth_provider = STR("email"),
		.state = USER_ACTIVE,
		.state_at_us = FIXTURE_NOW_US,
		.epoch = 1,
		.created_at_us = FIXTURE_NOW_US,
		.updated_at_us = FIXTURE_NOW_US,
	};
}

struct session_row fixture_session(unsigned n, unsigned user)
{
	return (struct session_row){
		.id = fixture_id('s', n),
		.user_id = fixture_id('u', user),
		.client = STR("web"),
		.amr = STR("pwd"),
		.engine = STR("async"),
		.device_id = fixture_bytes(n),
		.user_agent = STR("sealed agent"),
		.address = STR("sealed address"),
		.created_at_us = FIXTURE_NOW_US,
		.auth_time_us = FIXTURE_NOW_US,
		.idle_expires_at_us = FIXTURE_NOW_US + US_PER_DAY,
		.expires_at_us = FIXTURE_NOW_US + 30 * US_PER_DAY,
		.cur_hash = fixture_bytes(0),
		.hash_key = 1,
		.generation = 1,
		.rotated_at_us = FIXTURE_NOW_US,
		.successor = STR("sealed token"),
	};
}

struct flow_row fixture_flow(unsigned n, unsigned user)
{
	return (struct flow_row){
		.id = fixture_id('f', n),
		.purpose = STR("verify"),
		.has_user = true,
		.user_id = fixture_id('u', user),
		.subject_index = fixture_bytes(user),
		.index_version = 1,
		.channel = STR("email"),
		.destination = STR("sealed destination"),
		.code_hash = fixture_bytes(n),
		.code_key = 1,
		.max_attempts = 5,
		.sends = 1,
		.created_at_us = FIXTURE_NOW_US + n,
		.code_expires_at_us = FIXTURE_NOW_US + 5 * US_PER_MIN,
		.resend_at_us = FIXTURE_NOW_US + US_PER_MIN,
		.expires_at_us = FIXTURE_NOW_US + US_PER_HOUR,
	};
}

struct audit_row fixture_audit(unsigned n)
{
	return (struct audit_row){
		.at_us = FIXTURE_NOW_US + n,
		.event = STR("user.logged_in"),
		.outcome = STR("ok"),
		.count = 1,
		.has_actor = true,
		.actor_id = fixture_id('u', n % 7),
		.has_subject = n % 3 != 0,
		.subject_id = fixture_id('u', n % 5),
		.has_session = n % 2 == 0,
		.session_id = fixture_id('s', n),
		.operation = STR("login"),
		.engine = STR("async"),
		.request_id = STR("0123456789abcdef"),
		.address = STR("sealed address"),
		.device = n % 4 ? fixture_bytes(n) : STR_NULL,
		.reason = n % 11 ? STR_NULL : STR("because"),
	};
}

struct outbox_row fixture_outbox(unsigned n, unsigned user)
{
	return (struct outbox_row){
		.event_id = fixture_id('e', n),
		.sink = STR("email"),
		.kind = STR("verification_code"),
		.has_user = user != 0,
		.user_id = fixture_id('u', user),
		.payload = STR("sealed payload"),
		.created_at_us = FIXTURE_NOW_US,
		.next_at_us = FIXTURE_NOW_US + n,
	};
}

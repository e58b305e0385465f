/*
 * The refresh transaction without HTTP or crypto around it: N coroutines on one loop, each
 * rotating sessions of its own (read session and user, rotate, append an audit row), every batch
 * sealed and durable. What ./script/bench holds the server's refreshes against.
 */
#include <getopt.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/loop.h"
#include "store/audit_store.h"
#include "store/migrate.h"
#include "store/session_store.h"

#define MASTER_KEY "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SEED_BATCH 50 /* a savepoint with very many pages is slow to leave */

struct bench {
	struct store *store;
	struct keyring *keys;
	unsigned sessions, clients;
	int64_t end_us;
	uint32_t *generations; /* of each session's current token */
	struct rt_loop *loop;
	struct rt_sem ended;
	uint64_t rotations; /* loop's thread only */
	int64_t *latencies;
	size_t n_latencies, max_latencies;
};

struct client {
	struct rt_mail mail;
	struct bench *bench;
	unsigned index;
	void (*work)(struct client *c);
};

static _Noreturn void give_up(const char *what, struct str why)
{
	fprintf(stderr, "store_bench: %s: %.*s\n", what, STR_ARG(why));
	exit(1);
}

static struct uuid id_of(char kind, uint32_t n)
{
	/* Spread over the tree, as sessions met at random are. */
	uint64_t h = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	struct uuid id;

	memcpy(id.b, &h, 8);
	memset(id.b + 8, kind, 8);
	return id;
}

static struct str hash_of(char out[static 32], uint32_t session, uint32_t generation)
{
	memset(out, 7, 32);
	memcpy(out, &session, sizeof(session));
	memcpy(out + 4, &generation, sizeof(generation));
	return str_bytes(out, 32);
}

struct rotate {
	const struct bench *bench;
	uint32_t session;
	int64_t now_us;
};

static enum err rotate(struct tx *tx, void *arg)
{
	static const char successor[360], address[44], agent[150];
	struct rotate *r = arg;
	uint32_t generation = r->bench->generations[r->session];
	struct session_user found;
	char from[32], to[32];
	struct session_rotation rotation = {
		.id = id_of('s', r->session),
		.from_hash = hash_of(from, r->session, generation),
		.to_hash = hash_of(to, r->session, generation + 1),
		.hash_key = 1,
		.successor = str_bytes(successor, sizeof(successor)),
		.now_us = r->now_us,
		.idle_expires_at_us = r->now_us + US_PER_DAY,
	};
	struct audit_row row = {
		.at_us = r->now_us,
		.event = STR("session.refreshed"),
		.outcome = STR("ok"),
		.has_actor = true,
		.has_subject = true,
		.has_session = true,
		.session_id = rotation.id,
		.operation = STR("token_refresh"),
		.engine = STR("async"),
		.request_id = STR("0190b2f0c0de4a7e9f00112233445566"),
		.address = str_bytes(address, sizeof(address)),
		.user_agent = str_bytes(agent, sizeof(agent)),
	};
	enum err e = session_with_user(tx, rotation.id, &found);

	if (e == OK && !found.found)
		return ERR_NOT_FOUND;
	row.actor_id = row.subject_id = found.user.id;
	if (e == OK)
		e = session_rotate_row(tx, &rotation);
	return e == OK ? audit_append(tx, r->bench->keys, &row) : e;
}

static void rotate_own(struct client *c)
{
	struct bench *b = c->bench;
	uint32_t own = b->sessions / b->clients;

	while (now_mono_us() < b->end_us) {
		struct rotate r = { .bench = b };
		int64_t began = now_mono_us();
		struct request rq;

		r.session = c->index * own + random_below(own);
		request_init(&rq, NULL, began + 10 * US_PER_S);
		r.now_us = rq.now_us;
		if (store_tx(b->store, &rq, rotate, &r) != OK)
			give_up("rotation failed", rq.fault.detail);
		request_done(&rq);
		b->generations[r.session]++;
		b->rotations++;
		if (b->n_latencies < b->max_latencies)
			b->latencies[b->n_latencies++] = now_mono_us() - began;
	}
}

static void client_run(void *arg)
{
	struct client *c = arg;

	c->work(c);
	rt_sem_post(&c->bench->ended);
}

static void client_start(struct rt_mail *mail)
{
	struct client *c = CONTAINER_OF(mail, struct client, mail);

	if (rt_loop_coroutine(c->bench->loop, client_run, c) != OK)
		give_up("no coroutine", STR_NULL);
}

struct seed {
	const struct bench *bench;
	uint32_t from;
};

static enum err seed_some(struct tx *tx, void *arg)
{
	static const char sealed[150];
	const struct seed *seed = arg;
	enum err e = OK;

	for (uint32_t i = seed->from;
	     i < seed->from + SEED_BATCH && i < seed->bench->sessions && e == OK; i++) {
		char index[32];
		struct user_row user = {
			.id = id_of('u', i),
			.identifier = str_bytes(sealed, 60),
			.identifier_index = hash_of(index, i, 0),
			.index_version = 1,
			.data_key = str_bytes(sealed, 62),
			.profile = str_bytes(sealed, sizeof(sealed)),
			.password = STR("pbkdf2_sha256$1200000$0123456789abcdef012345$"
					"aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g="),
			.auth_provider = STR("email"),
			.is_verified = true,
			.epoch = 1,
		};
		struct session_row session = {
			.id = id_of('s', i),
			.user_id = user.id,
			.client = STR("web"),
			.amr = STR("pwd"),
			.engine = STR("async"),
			.device_id = str_bytes(sealed, 32),
			.user_agent = str_bytes(sealed, sizeof(sealed)),
			.address = str_bytes(sealed, 44),
			.idle_expires_at_us = INT64_MAX,
			.expires_at_us = INT64_MAX - i,
			.cur_hash = hash_of(index, i, 0),
			.hash_key = 1,
		};
		bool taken;

		e = user_insert(tx, &user, &taken);
		if (e == OK)
			e = session_insert(tx, &session);
	}
	return e;
}

static void seed_own(struct client *c)
{
	struct bench *b = c->bench;

	for (uint32_t i = c->index * SEED_BATCH; i < b->sessions; i += b->clients * SEED_BATCH) {
		struct seed seed = { b, i };
		struct request rq;

		request_init(&rq, NULL, NEVER_US);
		if (store_tx(b->store, &rq, seed_some, &seed) != OK)
			give_up("seeding", rq.fault.detail);
		request_done(&rq);
	}
}

/* on_all_clients() - let each do @work, and wait for them. */
static void on_all_clients(struct bench *b, void (*work)(struct client *c))
{
	struct client *clients = calloc(b->clients, sizeof(*clients));

	for (unsigned i = 0; i < b->clients; i++) {
		clients[i] = (struct client){ { .fn = client_start }, b, i, work };
		rt_loop_post(b->loop, &clients[i].mail);
	}
	for (unsigned i = 0; i < b->clients; i++)
		if (rt_sem_wait(&b->ended, NEVER_US) != OK)
			give_up("waiting", STR_NULL);
	free(clients);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * US_PER_S + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void run(struct bench *b, double seconds)
{
	struct store_gauges before = store_gauges(b->store), after;
	int64_t cpu = cpu_us(), began = now_mono_us();
	double took;

	b->end_us = began + (int64_t)(seconds * (double)US_PER_S);
	on_all_clients(b, rotate_own);
	took = (double)(now_mono_us() - began) / (double)US_PER_S;
	cpu = cpu_us() - cpu;
	after = store_gauges(b->store);
	qsort(b->latencies, b->n_latencies, sizeof(*b->latencies), by_value);
	printf("rotations_per_s %.0f\nrotations %llu\nbatches %llu\nrotations_per_batch %.1f\n"
	       "cpu_us_per_rotation %.1f\np50_us %lld\np99_us %lld\nwal_pages %lld\n",
	    (double)b->rotations / took, (unsigned long long)b->rotations,
	    (unsigned long long)(after.batches - before.batches),
	    (double)b->rotations / (double)(after.batches - before.batches),
	    (double)cpu / (double)b->rotations, (long long)b->latencies[b->n_latencies / 2],
	    (long long)b->latencies[b->n_latencies * 99 / 100], (long long)after.wal_pages);
}

static enum err seal(struct tx *tx, void *arg)
{
	return audit_seal_batch(tx, arg, now_wall_us());
}

static void open_store(struct bench *b, struct arena *arena, const char *dir)
{
	const struct keyring_config keys = { secret_of(STR(MASTER_KEY)), secret_of(STR(MASTER_KEY)),
		false };
	struct store_config config = { .before_commit = seal };
	const char *key_problem = "";
	struct migrate_result migrated;
	struct str problem;

	if (keyring_new(&keys, &b->keys, &key_problem) != OK)
		give_up("keys", str_of(key_problem));
	config.before_commit_arg = b->keys;
	config.url = str_printf(arena, "sqlite:%s/bench.db", dir);
	if (migrate(config.url, false, arena, NULL, NULL, &migrated) != OK)
		give_up("migrate", migrated.problem);
	if (store_open(&config, arena, &b->store, &problem) != OK)
		give_up("open", problem);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "sessions", required_argument, NULL, 's' },
		{ "clients", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "dir", required_argument, NULL, 'd' },
		{ 0 },
	};
	struct bench b = { .sessions = 100000, .clients = 64, .max_latencies = 1 << 20 };
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	char dir[] = "/tmp/store-bench-XXXXXX";
	const char *in = NULL;
	double seconds = 5;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			b.sessions = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			b.clients = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 't')
			seconds = strtod(optarg, NULL);
		else if (c == 'd')
			in = optarg;
		else
			give_up("usage", STR("--sessions N --clients N --seconds S --dir EMPTY"));
	}
	if (b.clients == 0 || b.sessions < b.clients)
		give_up("usage", STR("at least one client, and a session for each"));
	if (!in && !(in = mkdtemp(dir)))
		give_up("mkdtemp", STR_NULL);
	b.generations = calloc(b.sessions, sizeof(*b.generations));
	b.latencies = calloc(b.max_latencies, sizeof(*b.latencies));
	open_store(&b, arena, in);
	b.loop = rt_loop_new(&(struct rt_loop_config){ .engine = ENGINE_ASYNC, .name = "bench" });
	rt_sem_init(&b.ended, 0);
	if (!b.loop || rt_loop_start(b.loop) != OK)
		give_up("loop", STR_NULL);
	on_all_clients(&b, seed_own);
	run(&b, seconds);
	rt_loop_stop(b.loop);
	rt_loop_free(&b.loop);
	store_close(&b.store);
	keyring_unref(&b.keys);
	unlink(str_printf(arena, "%s/bench.db", in).ptr);
	rmdir(in);
	arena_free(&arena);
	free(b.generations);
	free(b.latencies);
	return 0;
}

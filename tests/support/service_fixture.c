#include "tests/support/service_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "outbox/outbox_priv.h"
#include "service/account.h"
#include "service/audit.h"

/* Two 32-byte master keys by id, and the same list of secrets for the tokens. */
#define KEY_ONE "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_TWO "2:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
#define ITERATIONS 10

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "service fixture: %s\n", what);
	abort();
}

/* --- the clock --- */

static int64_t ahead_us; /* atomic */
static const struct world *simulated;

static int64_t ahead(void)
{
	return __atomic_load_n(&ahead_us, __ATOMIC_ACQUIRE);
}

static int64_t real_wall_us(void)
{
	return world_real.wall_us() + ahead();
}

static int64_t real_mono_us(void)
{
	return world_real.mono_us();
}

static void real_random(void *p, size_t n)
{
	world_real.random(p, n);
}

static int64_t sim_wall_us(void)
{
	return simulated->wall_us() + ahead();
}

static int64_t sim_mono_us(void)
{
	return simulated->mono_us();
}

static void sim_random(void *p, size_t n)
{
	simulated->random(p, n);
}

static const struct world shifted_real = { real_wall_us, real_mono_us, real_random };
static const struct world shifted_sim = { sim_wall_us, sim_mono_us, sim_random };

void service_fixture_clock(void)
{
	if (rt_engine() != ENGINE_SIMULATION || world == &shifted_sim)
		return;
	simulated = world;
	world = &shifted_sim;
}

void service_fixture_advance(int64_t us)
{
	__atomic_add_fetch(&ahead_us, us, __ATOMIC_ACQ_REL);
}

/* --- the parts --- */

static struct service_config shipped_config(void)
{
	const struct rate none = { .max = 0 };
	struct service_config c = {
		.dev = true,
		.environment = STR("production"),
		.default_country = STR("NG"),
		.token = { .user_id_claim = STR("user_id") },
		.access_ttl_us = 5 * US_PER_MIN,
		.refresh_ttl_us = US_PER_DAY,
		.session_ttl_us = 30 * US_PER_DAY,
		.grace_us = 10 * US_PER_S,
		.password_min = 8,
		.password_max = 1024,
		.reset_url = STR("https://shop.example/reset/{uidb64}/{token}"),
		.reset_ttl_us = 30 * US_PER_MIN,
		.django_reset_timeout_us = 3 * US_PER_DAY,
		.product = STR("Cloakroom"),
		.otp_digits = 6,
		.otp_max_attempts = 5,
		.otp_ttl_us = 5 * US_PER_MIN,
		.otp_cooldown_us = US_PER_MIN,
		.otp_flow_ttl_us = US_PER_HOUR,
		.otp_sends = { 5, US_PER_HOUR },
		.reauth_age_us = 5 * US_PER_MIN,
		.closed_grace_us = 30 * US_PER_DAY,
		.otp_attempts = { 10, US_PER_HOUR },
		.throttle_enabled = true,
		.throttle_burst = { 10, US_PER_MIN },
		.throttle_address_burst = { 300, US_PER_MIN },
		.throttle_sustained = { 1000, US_PER_DAY },
		.throttle_anonymous = { 60, US_PER_MIN },
		.login_failures = { 10, 15 * US_PER_MIN },
		.login_failures_total = { 100, 365 * US_PER_DAY },
	};

	for (size_t i = 0; i < ROLE_COUNT; i++)
		c.throttle_adaptive[i] = none;
	c.throttle_adaptive[ROLE_CLIENT] = (struct rate){ 120, US_PER_MIN };
	return c;
}

static struct keyring *keyring_with(const char *ids)
{
	const struct keyring_config config = {
		.master = secret_of(str_of(ids)),
		.token_secret = secret_of(STR(KEY_ONE)),
	};
	struct keyring *keys = NULL;
	const char *problem = "";

	must(keyring_new(&config, &keys, &problem) == OK, problem);
	return keys;
}

/* One lane for all fixtures of the process: threads are slow to start. */
static struct lane *hash_lane(void)
{
	static const struct lane_config config = {
		.name = "hash",
		.workers = 2,
		.max_queued_us = US_PER_S,
	};
	static struct lane *lane;

	if (!lane)
		lane = lane_new(&config);
	must(lane != NULL, "hash lane");
	return lane;
}

void service_fixture_hasher(struct service_fixture *f, uint32_t iterations)
{
	const struct pwhash_config config = {
		.hasher = STR("pbkdf2_sha256"),
		.iterations = iterations,
	};

	const char *problem = "";

	pwhash_free(&f->service.pwhash);
	f->service.pwhash = pwhash_new(&config, f->service.hash_lane, &problem);
	must(f->service.pwhash != NULL, problem);
}

void service_fixture_keys(struct service_fixture *f, const char *ids)
{
	struct buf list;

	buf_init(&list, f->base.arena, 128);
	for (const char *id = ids; *id; id++) {
		if (list.len > 0)
			buf_add_char(&list, ',');
		buf_add(&list, *id == '1' ? STR(KEY_ONE) : STR(KEY_TWO));
	}
	service_set_keys(&f->service, keyring_with(str_cstr(f->base.arena, buf_str(&list))));
}

static struct keyring *keys_of(void *service)
{
	return service_keys(service);
}

static void open_outbox(struct service_fixture *f)
{
	const struct outbox_config config = {
		.mail_from = STR("Cloakroom <no-reply@example.com>"),
		.product = STR("Cloakroom"),
		.dev_inbox = true,
	};
	const struct outbox_deps deps = {
		.store = f->service.store,
		.keys_of = keys_of,
		.keys_arg = &f->service,
	};
	struct str problem = STR_NULL;

	if (outbox_new(&config, &deps, f->base.arena, &f->service.outbox, &problem) != OK)
		must(false, str_cstr(f->base.arena, problem));
}

static void open_kv(struct service_fixture *f)
{
	struct str problem = STR_NULL;

	if (kv_open(&(struct kv_config){ 0 }, f->service.store, fixture_request(f, "start"),
		&f->service.kv, &problem) != OK)
		must(false, str_cstr(f->base.arena, problem));
}

static enum err seal_batch(struct tx *tx, void *arg)
{
	struct service_fixture *f = arg;

	if (__atomic_load_n(&f->trail_broken, __ATOMIC_ACQUIRE))
		return ERR_UNAVAILABLE;
	return service_seal_batch(tx, &f->service);
}

void service_fixture_init(struct service_fixture *f)
{
	__atomic_store_n(&ahead_us, 0, __ATOMIC_RELEASE);
	world = &shifted_real;
	*f = (struct service_fixture){ .service.config = shipped_config() };
	pthread_mutex_init(&f->lock, NULL);
	service_init(&f->service, keyring_with(KEY_ONE));
	store_fixture_init(&f->base);
	f->base.config.before_commit = seal_batch;
	f->base.config.before_commit_arg = f;
	store_fixture_open(&f->base);
	f->service.store = f->base.store;
	f->service.hash_lane = f->service.blocking_lane = hash_lane();
	service_fixture_hasher(f, ITERATIONS);
	open_outbox(f);
	open_kv(f);
}

static enum err verify_fn(struct tx *tx, void *arg)
{
	const struct service_fixture *f = arg;
	struct audit_verdict verdict = { 0 };

	must(audit_verify_rows(tx, f->service.keys, NULL, NULL, &verdict) == OK, "audit verify");
	if (!verdict.intact)
		must(false, str_cstr(f->base.arena, verdict.problem));
	return OK;
}

struct kept_request {
	struct kept_request *next;
	struct request rq;
};

void service_fixture_done(struct service_fixture *f)
{
	if (store_seals_late(f->service.store))
		must(audit_sealer_step(
			 &f->base.sealer, f->service.store, fixture_request(f, "seal")) == OK,
		    "sealing");
	fixture_store_tx(f, verify_fn, f);
	outbox_free(&f->service.outbox);
	kv_close(&f->service.kv);
	pwhash_free(&f->service.pwhash);
	while (f->requests) {
		struct kept_request *kept = f->requests;

		f->requests = kept->next;
		request_done(&kept->rq);
		free(kept);
	}
	service_done(&f->service);
	pthread_mutex_destroy(&f->lock);
	store_fixture_done(&f->base);
	world = &world_real;
}

/* --- requests --- */

struct request *fixture_request(struct service_fixture *f, const char *operation)
{
	struct kept_request *kept = calloc(1, sizeof(*kept));
	struct request *rq = &kept->rq;

	must(kept != NULL, "memory");
	request_init(rq, &f->service, now_mono_us() + 60 * US_PER_S);
	service_lend_keys(rq);
	rq->operation = str_of(operation);
	rq->id = STR("0123456789abcdef");
	rq->user_agent = f->user_agent ? str_of(f->user_agent) : STR("contract/1.0");
	rq->locale = STR("en");
	must(client_address_parse(STR("203.0.113.7"), &rq->client), "address");
	pthread_mutex_lock(&f->lock);
	kept->next = f->requests;
	f->requests = kept;
	pthread_mutex_unlock(&f->lock);
	return rq;
}

void fixture_store_tx(struct service_fixture *f, store_fn *fn, void *arg)
{
	must(store_tx(f->service.store, fixture_request(f, "test"), fn, arg) == OK, "transaction");
}

/* --- what it left behind --- */

struct reading {
	struct service_fixture *f;
	struct buf out;
	struct str identifier;
	struct user_row *user;
	bool found;
	struct uuid id;
	size_t n;
};

static void add_pair(struct buf *out, struct str a, struct str b)
{
	buf_printf(out, "%s%.*s %.*s", out->len ? ", " : "", STR_ARG(a), STR_ARG(b));
}

static bool row_complete(const struct keyring *keys, const struct audit_row *row)
{
	struct mac mac;

	return audit_row_mac(keys, row, &mac) && bytes_equal(mac.b, row->mac.b, sizeof(mac.b)) &&
	       !str_empty(row->operation) && !str_empty(row->engine) &&
	       !str_empty(row->request_id) && !str_empty(row->address) &&
	       (row->has_subject || row->subject_index.len >= 16 ||
		   str_eq(row->event, STR("request.refused")));
}

static enum err trail_fn(struct tx *tx, void *arg)
{
	struct reading *r = arg;
	struct audit_row *rows = NULL;
	size_t n = 0;

	must(audit_list(tx, NULL, r->f->trail_seen, 10000, &rows, &n) == OK, "audit list");
	for (size_t i = 0; i < n; i++) {
		must(row_complete(r->f->service.keys, &rows[i]), "an audit row is incomplete");
		add_pair(&r->out, rows[i].event, rows[i].outcome);
		r->f->trail_seen = rows[i].id;
	}
	return OK;
}

static enum err posts_fn(struct tx *tx, void *arg)
{
	struct reading *r = arg;
	struct outbox_row *rows = NULL;
	size_t n = 0;

	must(outbox_list(tx, STR_NULL, r->f->posts_seen, 10000, &rows, &n) == OK, "outbox list");
	for (size_t i = 0; i < n; i++) {
		add_pair(&r->out, rows[i].sink, rows[i].kind);
		r->f->posts_seen = rows[i].id;
	}
	return OK;
}

static const char *read_list(struct service_fixture *f, store_fn *fn)
{
	struct reading r = { .f = f };

	buf_init(&r.out, f->base.arena, 256);
	fixture_store_tx(f, fn, &r);
	return str_cstr(f->base.arena, buf_str(&r.out));
}

const char *fixture_trail(struct service_fixture *f)
{
	return read_list(f, trail_fn);
}

const char *fixture_posts(struct service_fixture *f)
{
	return read_list(f, posts_fn);
}

struct newest {
	struct outbox_row row;
	struct user_row user;
	bool found;
};

static enum err newest_fn(struct tx *tx, void *arg)
{
	struct newest *newest = arg;
	struct outbox_row *rows = NULL;
	size_t n = 0;

	must(outbox_list(tx, STR_NULL, 0, 10000, &rows, &n) == OK && n > 0, "outbox list");
	newest->row = rows[n - 1];
	return user_by_id(tx, newest->row.user_id, &newest->user, &newest->found);
}

struct message fixture_newest_post(struct service_fixture *f)
{
	struct newest newest = { .found = false };
	struct message message = { 0 };

	fixture_store_tx(f, newest_fn, &newest);
	must(newest.found, "the newest message is nobody's");
	newest.row.data_key = newest.user.data_key;
	must(payload_unseal(fixture_request(f, "test"), &newest.row, &message) == OK, "payload");
	return message;
}

static enum err person_fn(struct tx *tx, void *arg)
{
	struct reading *r = arg;
	struct request *rq = fixture_request(r->f, "test");
	struct identifier id = { 0 };
	struct str indexes[16];
	size_t n;

	must(identifier_parse(rq->arena, r->identifier, STR("NG"), &id) == TEXT_NONE, "identifier");
	n = identifier_indexes(rq, &id, indexes);
	return user_by_index(tx, id.kind, indexes, n, r->user, &r->found);
}

bool fixture_person(struct service_fixture *f, struct str identifier, struct user_row *ret)
{
	struct reading r = { .f = f, .identifier = identifier, .user = ret };

	fixture_store_tx(f, person_fn, &r);
	return r.found;
}

static enum err sessions_fn(struct tx *tx, void *arg)
{
	struct reading *r = arg;
	struct session_row *rows;

	return session_list_live(tx, r->id, now_wall_us(), &rows, &r->n);
}

size_t fixture_live_sessions(struct service_fixture *f, struct uuid user)
{
	struct reading r = { .f = f, .id = user };

	fixture_store_tx(f, sessions_fn, &r);
	return r.n;
}

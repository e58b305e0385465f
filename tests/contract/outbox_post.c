#include "tests/contract/outbox_post.h"

static int64_t added_us;

static int64_t shifted_us(void)
{
	return world_real.wall_us() + __atomic_load_n(&added_us, __ATOMIC_ACQUIRE);
}

struct child mail_server, gateway;

static struct keyring *keys_of(void *arg)
{
	struct post *p = arg;

	return keyring_ref(p->f.keys);
}

static enum err add_user(struct tx *tx, void *arg)
{
	struct post *p = arg;
	bool taken;

	for (unsigned n = 1; n <= USERS; n++) {
		struct user_row user = fixture_user(n);

		data_key_generate(&p->keys[n]);
		user.data_key = data_key_wrap(tx_arena(tx), p->f.keys, user.id, &p->keys[n]);
		CHECK(user_insert(tx, &user, &taken) == OK && !taken);
	}
	return OK;
}

struct outbox_config config_of(const struct post *p)
{
	return (struct outbox_config){
		.smtp_url = str_printf(p->f.arena, "smtp://127.0.0.1:%u", mail_server.port),
		.mail_from = STR("The Shop \xe2\x82\xac <no-reply@shop.example>"),
		.sms = { {
		    .url = str_printf(p->f.arena,
			"http://AC1:t%%3Aoken@127.0.0.1:%u/2010-04-01/Accounts/AC1/Messages.json",
			gateway.port),
		    .from = STR("+15550000"),
		} },
		.product = STR("Fashionistar"),
		.dev_inbox = true,
		.first_retry_us = 4 * US_PER_S,
		.last_retry_us = 60 * US_PER_S,
		.max_attempts = 3,
	};
}

void open_post(struct post *p)
{
	*p = (struct post){ 0 };
	store_fixture_init(&p->f);
	store_fixture_open(&p->f);
	CHECK(fixture_tx(&p->f, add_user, p) == OK);
	p->lane =
	    lane_new(&(struct lane_config){ .name = "blocking", .workers = 2, .max_waiting = 100 });
	p->net = net_new(&(struct net_config){ .blocking = p->lane, .allow_private = true });
	CHECK(rt_background_start() == OK);
}

void start_relay(struct post *p, const struct outbox_config *config)
{
	const struct outbox_deps deps = {
		.store = p->f.store,
		.net = p->net,
		.keys_of = keys_of,
		.keys_arg = p,
	};
	struct str problem = STR_NULL;

	if (outbox_new(config, &deps, p->f.arena, &p->o, &problem) != OK)
		fail_msg("%.*s", STR_ARG(problem));
	CHECK(outbox_start(p->o) == OK);
}

struct post *open_usual(void)
{
	static struct post p;
	struct outbox_config config;

	open_post(&p);
	config = config_of(&p);
	start_relay(&p, &config);
	return &p;
}

void close_post(struct post *p)
{
	rt_background_stop();
	outbox_free(&p->o);
	net_free(&p->net);
	lane_free(&p->lane);
	store_fixture_done(&p->f);
}

enum err post_insert(struct tx *tx, void *arg)
{
	return outbox_insert(tx, arg);
}

struct rows {
	struct outbox_row *v;
	size_t n;
};

static enum err list_rows(struct tx *tx, void *arg)
{
	struct rows *rows = arg;

	return outbox_list(tx, STR_NULL, 0, 1000, &rows->v, &rows->n);
}

struct outbox_row row_of(struct post *p, struct uuid event)
{
	struct rows rows;

	CHECK(fixture_read(&p->f, list_rows, &rows) == OK);
	for (size_t i = 0; i < rows.n; i++) {
		if (uuid_equal(rows.v[i].event_id, event))
			return rows.v[i];
	}
	fail_msg("the row is gone");
	return (struct outbox_row){ 0 };
}

void let_pass(struct post *p, int64_t us)
{
	__atomic_add_fetch(&added_us, us, __ATOMIC_ACQ_REL);
	outbox_ring(p->o);
}

void assert_state(struct post *p, struct uuid event, const char *state, int64_t attempts)
{
	struct outbox_row row = row_of(p, event);

	if (!str_eq(row.state, str_of(state)) || row.attempts != attempts)
		fail_msg("have %.*s after %d attempts (%.*s), want %s after %d", STR_ARG(row.state),
		    (int)row.attempts, STR_ARG(row.last_error), state, (int)attempts);
}

bool has(struct str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

int post_start(void **state)
{
	static struct world shifted;
	const char *const none[] = { NULL };

	(void)state;
	shifted = world_real;
	shifted.wall_us = shifted_us;
	world = &shifted;
	child_start(&mail_server, "smtp_server.py", none);
	child_start(&gateway, "http_server.py", none);
	return 0;
}

int post_stop(void **state)
{
	(void)state;
	child_stop(&mail_server);
	child_stop(&gateway);
	return 0;
}

/* Events on their way to receivers: who gets them, in which order, signed how, and on bad days. */
#include "base/codec.h"
#include "crypto/hmac.h"
#include "tests/contract/outbox_post.h"

/* The bytes 1 to 24, and 25 to 48. */
#define SECRET "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
#define NEXT_SECRET "whsec_GRobHB0eHyAhIiMkJSYnKCkqKywtLi8w"

/* Receivers at the HTTP server: @urls names paths of it, as "shop=/hook/…". */
static struct outbox_config config_with(
    const struct post *p, const char *urls, const char *secrets, const char *events)
{
	struct outbox_config config = config_of(p);
	struct str rest = str_of(urls), entry;
	struct buf list;

	buf_init(&list, p->f.arena, 256);
	while (str_next_token(&rest, ',', &entry)) {
		size_t equals = (size_t)str_find(entry, '=');

		buf_printf(&list, "%s%.*s=http://127.0.0.1:%u%.*s", list.len > 0 ? "," : "",
		    STR_ARG(str_upto(entry, equals)), gateway.port,
		    STR_ARG(str_from(entry, equals + 1)));
	}
	config.webhook_urls = buf_str(&list);
	config.webhook_secrets = secret_of(str_of(secrets));
	config.webhook_events = str_of(events);
	return config;
}

static void open_with(struct post *p, const char *urls, const char *secrets, const char *events)
{
	struct outbox_config config;

	open_post(p);
	config = config_with(p, urls, secrets, events);
	start_relay(p, &config);
}

struct appending {
	struct post *p;
	const char *type;
	unsigned user;
	struct str number;
};

static enum err append(struct tx *tx, void *arg)
{
	const struct appending *a = arg;
	const struct event_field field = { .name = STR("number"), .value = a->number };
	const struct uuid nobody = { { 0 } };

	return outbox_append_event(a->p->o, tx, str_of(a->type),
	    a->user ? fixture_id('u', a->user) : nobody, now_wall_us(), &field, 1);
}

static void emit(struct post *p, const char *type, unsigned user, const char *number)
{
	struct appending a = {
		.p = p,
		.type = type,
		.user = user,
		.number = str_of(number),
	};

	CHECK(fixture_tx(&p->f, append, &a) == OK);
	outbox_ring(p->o);
}

/* What a receiver got. */
struct hook {
	struct str id, at, signature, body, type, user, number;
	int64_t status;
};

static struct hook next_hook(void)
{
	const struct json *event = child_event(&gateway, "hook"), *body = NULL;
	const struct json *headers = json_get(event, "headers");
	const struct json *data;
	struct hook h = {
		.id = child_text(headers, "webhook-id"),
		.at = child_text(headers, "webhook-timestamp"),
		.signature = child_text(headers, "webhook-signature"),
		.body = child_text(event, "body"),
		.status = json_integer(json_get(event, "status")),
	};

	assert_str(child_text(headers, "content-type"), "application/json");
	assert_int_equal(json_parse(gateway.arena, h.body, &body), OK);
	data = json_get(body, "data");
	h.type = child_text(body, "type");
	h.user = child_text(data, "user_id");
	h.number = child_text(data, "number");
	assert_int_equal(json_integer(json_get(body, "version")), 1);
	assert_bytes(child_text(body, "id"), h.id);
	return h;
}

static struct str signature_of(const struct hook *h, const char *secret)
{
	uint8_t mac[SHA256_SIZE];
	struct hmac_key key;
	struct str bytes, text;

	CHECK(base64_decode(gateway.arena, str_from(str_of(secret), 6), &bytes));
	hmac_key_init(&key, secret_of(bytes));
	text = str_printf(
	    gateway.arena, "%.*s.%.*s.%.*s", STR_ARG(h->id), STR_ARG(h->at), STR_ARG(h->body));
	hmac_sha256(&key, text, mac);
	return str_printf(gateway.arena, "v1,%.*s",
	    STR_ARG(base64_encode(gateway.arena, str_bytes(mac, sizeof(mac)))));
}

static void signed_delivery(void **state)
{
	struct post p;
	struct hook h;
	struct uuid id;
	int64_t at_s;

	(void)state;
	open_with(&p, "shop=/hook/signed/204", "shop=" SECRET, "");
	emit(&p, "user.registered", 3, "7");
	h = next_hook();
	assert_str(h.type, "user.registered");
	assert_bytes(h.user, uuid_str(p.f.arena, fixture_id('u', 3)));
	assert_str(h.number, "7");
	assert_bytes(h.signature, signature_of(&h, SECRET));
	assert_true(str_to_i64(h.at, &at_s));
	assert_true(at_s <= now_wall_us() / US_PER_S && at_s > now_wall_us() / US_PER_S - 60);
	AWAIT(&p, delivered, 1);
	assert_true(uuid_parse(h.id, &id));
	assert_state(&p, id, "delivered", 0);
	assert_bytes(row_of(&p, id).payload, h.body);
	close_post(&p);
}

/* While a secret is changed both sign, so that either side may go first. */
static void two_secrets(void **state)
{
	struct str both;
	struct post p;
	struct hook h;

	(void)state;
	open_with(&p, "shop=/hook/two/200", "shop=" NEXT_SECRET ",shop=" SECRET, "");
	emit(&p, "user.registered", 1, "1");
	h = next_hook();
	both = str_printf(p.f.arena, "%.*s %.*s", STR_ARG(signature_of(&h, NEXT_SECRET)),
	    STR_ARG(signature_of(&h, SECRET)));
	assert_bytes(h.signature, both);
	close_post(&p);
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

static struct rows all_rows(struct post *p)
{
	struct rows rows = { 0 };

	CHECK(fixture_read(&p->f, list_rows, &rows) == OK);
	return rows;
}

static struct outbox_row newest(struct post *p)
{
	struct rows rows = all_rows(p);

	assert_true(rows.n > 0);
	return rows.v[rows.n - 1];
}

static void who_gets_what(void **state)
{
	struct post p;
	struct hook h;

	(void)state;
	open_with(&p, "all=/hook/all/200,few=/hook/few/200", "all=" SECRET ", few=" NEXT_SECRET,
	    "few=session.*, few=user.verified");
	emit(&p, "user.registered", 1, "1"); /* all */
	emit(&p, "user.verified", 2, "2");   /* both */
	emit(&p, "session.revoked", 0, "3"); /* both, and nobody's */
	AWAIT(&p, delivered, 5);
	assert_int_equal(all_rows(&p).n, 5);
	for (int i = 0; i < 5; i++) {
		h = next_hook();
		if (str_eq(h.type, STR("session.revoked")))
			assert_int_equal(h.user.len, 0);
		else
			assert_int_equal(h.user.len, 36);
	}
	close_post(&p);

	/* Where nobody listens nothing is written. */
	p = *open_usual();
	emit(&p, "user.registered", 1, "1");
	assert_int_equal(all_rows(&p).n, 0);
	close_post(&p);
}

/* A failure is tried again under the same id; those behind it of the same person wait. */
static void retried_in_order(void **state)
{
	struct post p;
	struct hook first, again, second;

	(void)state;
	open_with(&p, "shop=/hook/order/500-200", "shop=" SECRET, "");
	emit(&p, "user.registered", 1, "1");
	emit(&p, "user.verified", 1, "2");
	first = next_hook();
	assert_int_equal(first.status, 500);
	assert_str(first.number, "1");
	AWAIT(&p, retried, 1);
	emit(&p, "user.registered", 2, "3");
	assert_str(next_hook().number, "3"); /* one failure is no reason to stop for others */
	let_pass(&p, 4 * US_PER_S);
	again = next_hook();
	assert_bytes(again.id, first.id);
	assert_bytes(again.body, first.body);
	assert_bytes(again.signature, signature_of(&again, SECRET));
	second = next_hook();
	assert_str(second.number, "2");
	AWAIT(&p, delivered, 3);
	close_post(&p);
}

/* One that is down rests: nobody's attempts are used up, and mail goes out meanwhile. */
static void down(void **state)
{
	struct message code = {
		.channel = CHANNEL_EMAIL,
		.kind = STR("verification_code"),
		.to = STR("ada@example.com"),
		.code = STR("000001"),
	};
	struct post p;
	struct outbox_row mail;
	struct request rq;
	struct uuid id;
	struct hook h;

	(void)state;
	open_with(&p, "shop=/hook/down/503-0-200", "shop=" SECRET, "");
	emit(&p, "user.registered", 1, "1");
	h = next_hook();
	assert_int_equal(h.status, 503);
	AWAIT(&p, retried, 1);
	emit(&p, "user.registered", 2, "2");
	request_init(&rq, NULL, NEVER_US);
	rq.keys = p.f.keys;
	outbox_draft_message(p.o, &rq, NULL, NULL, &code, &mail);
	CHECK(fixture_tx(&p.f, post_insert, &mail) == OK);
	request_done(&rq);
	outbox_ring(p.o);
	assert_str(
	    child_text(child_event(&mail_server, "message"), "from"), "no-reply@shop.example");
	AWAIT(&p, delivered, 1);
	CHECK(uuid_parse(h.id, &id));
	assert_state(&p, id, "pending", 1);
	let_pass(&p, 4 * US_PER_S);
	h = next_hook(); /* one finds out whether it is back, and it is not */
	assert_int_equal(h.status, 0);
	AWAIT(&p, retried, 2);
	let_pass(&p, 8 * US_PER_S);
	assert_int_equal(next_hook().status, 200);
	assert_int_equal(next_hook().status, 200);
	AWAIT(&p, delivered, 3);
	close_post(&p);
}

static enum err replay_shop(struct tx *tx, void *arg)
{
	const struct outbox_again again = { .sink = STR("webhook:shop"), .since_us = 1 };

	return outbox_replay(tx, &again, now_wall_us(), arg);
}

static void dead_and_replayed(void **state)
{
	struct post p;
	struct hook gone, next, again;
	struct uuid id;
	int64_t n = 0;

	(void)state;
	open_with(&p, "shop=/hook/dead/410-200", "shop=" SECRET, "");
	emit(&p, "user.registered", 1, "1");
	emit(&p, "user.verified", 1, "2");
	gone = next_hook();
	assert_int_equal(gone.status, 410);
	next = next_hook(); /* not for ever behind a dead one */
	assert_str(next.number, "2");
	AWAIT(&p, delivered, 1);
	CHECK(uuid_parse(gone.id, &id));
	assert_state(&p, id, "dead", 0);
	assert_str(row_of(&p, id).last_error, "The receiver answered 410.");

	CHECK(fixture_tx(&p.f, replay_shop, &n) == OK && n == 2);
	outbox_ring(p.o);
	again = next_hook();
	assert_bytes(again.id, gone.id);
	assert_bytes(again.body, gone.body);
	assert_bytes(next_hook().id, next.id); /* delivered before, and once more */
	AWAIT(&p, delivered, 3);
	close_post(&p);
}

/* Receivers are not to be used to reach what only we can reach. */
static void private_address(void **state)
{
	struct outbox_config config;
	struct post p;

	(void)state;
	open_post(&p);
	net_free(&p.net);
	p.net = net_new(&(struct net_config){ .blocking = p.lane });
	config = config_with(&p, "shop=/hook/private/200", "shop=" SECRET, "");
	start_relay(&p, &config);
	emit(&p, "user.registered", 1, "1");
	AWAIT(&p, retried, 1);
	assert_int_equal(outbox_gauges(p.o).delivered, 0);
	assert_str(newest(&p).last_error, "The server has a private address.");
	close_post(&p);
}

/* Two nodes over one store: each event once, in its person's order. */
static void two_nodes(void **state)
{
	enum {
		EACH = 5,
		PEOPLE = 20
	};
	struct outbox_config config;
	struct post p, other;
	int64_t seen[USERS + 1] = { 0 }, number = -1;
	char text[8];

	(void)state;
	open_with(&p, "shop=/hook/nodes/200", "shop=" SECRET, "");
	other = p;
	config = config_with(&p, "shop=/hook/nodes/200", "shop=" SECRET, "");
	start_relay(&other, &config);
	for (int i = 0; i < EACH; i++) {
		for (unsigned n = 1; n <= PEOPLE; n++) {
			snprintf(text, sizeof(text), "%d", i);
			emit(n % 2 ? &p : &other, "user.logged_in", n, text);
		}
	}
	for (int i = 0; i < EACH * PEOPLE; i++) {
		struct hook h = next_hook();
		struct uuid user;
		unsigned n = 1;

		CHECK(uuid_parse(h.user, &user) && str_to_i64(h.number, &number));
		while (!uuid_equal(user, fixture_id('u', n)))
			n++;
		assert_int_equal(number, seen[n]++);
	}
	while (outbox_gauges(p.o).delivered + outbox_gauges(other.o).delivered < EACH * PEOPLE)
		rt_sleep_until(now_mono_us() + US_PER_MS);
	assert_int_equal(outbox_gauges(p.o).retried + outbox_gauges(other.o).retried, 0);
	rt_background_stop();
	outbox_free(&other.o);
	CHECK(rt_background_start() == OK);
	close_post(&p);
}

static void refused_settings(void **state)
{
	static const struct {
		const char *urls, *secrets, *events, *words;
	} wrong[] = {
		{ "shop", "", "", "webhook.urls" },
		{ "Shop=https://a.example/", "", "", "webhook.urls: Shop" },
		{ "shop=ftp://a.example/", "", "", "webhook.urls: shop" },
		{ "shop=https://user:pw@a.example/", "", "", "webhook.urls: shop" },
		{ "shop=https://a.example/,shop=https://b.example/", "", "",
		    "shop is there twice" },
		{ "shop=https://a.example/", "", "", "shop has no secret" },
		{ "shop=https://a.example/", "shop=whsec_c2hvcnQ=", "", "webhook.secrets: shop" },
		{ "shop=https://a.example/", "shop=not base64", "", "webhook.secrets: shop" },
		{ "shop=https://a.example/", "crm=" SECRET, "", "webhook.secrets: crm" },
		{ "shop=https://a.example/", "shop=" SECRET ",shop=" NEXT_SECRET ",shop=" SECRET,
		    "", "one or two" },
		{ "shop=https://a.example/", "shop=" SECRET, "crm=user.*", "webhook.events: crm" },
		{ "shop=https://a.example/", "shop=" SECRET, "shop=user.exploded",
		    "user.exploded is no event" },
		{ "shop=https://a.example/", "shop=" SECRET, "shop=us*", "us* is no event" },
	};
	struct arena *arena = arena_new(ARENA_PLAIN, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const struct outbox_config config = {
			.webhook_urls = str_of(wrong[i].urls),
			.webhook_secrets = secret_of(str_of(wrong[i].secrets)),
			.webhook_events = str_of(wrong[i].events),
		};
		struct str problem = outbox_check_webhooks(arena, &config);

		if (!has(problem, wrong[i].words))
			fail_msg("%zu said: %.*s", i, STR_ARG(problem));
		assert_false(has(problem, "AQID"));
	}
	arena_free(&arena);
}

int outbox_event_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_delivery),
		cmocka_unit_test(two_secrets),
		cmocka_unit_test(who_gets_what),
		cmocka_unit_test(retried_in_order),
		cmocka_unit_test(down),
		cmocka_unit_test(dead_and_replayed),
		cmocka_unit_test(private_address),
		cmocka_unit_test(two_nodes),
		cmocka_unit_test(refused_settings),
	};

	return cmocka_run_group_tests_name("events", tests, post_start, post_stop);
}

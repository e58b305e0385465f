/* The outbox from draft to delivery: mail and SMS. */
#include "tests/contract/outbox_post.h"

/* Drafts and commits, as a flow would. @user 0: nobody's. */
static struct uuid post_message(struct post *p, unsigned user, const struct message *m)
{
	struct uuid id = fixture_id('u', user);
	struct outbox_row row;
	struct request rq;

	request_init(&rq, NULL, NEVER_US);
	rq.keys = p->f.keys;
	outbox_draft_message(p->o, &rq, user ? &id : NULL, user ? &p->keys[user] : NULL, m, &row);
	CHECK(store_tx(p->f.store, &rq, post_insert, &row) == OK);
	request_done(&rq);
	outbox_ring(p->o);
	return row.event_id;
}

static struct uuid post_code(struct post *p, unsigned user, const char *to, const char *code)
{
	return post_message(p, user,
	    &(struct message){
		.channel = to[0] == '+' ? CHANNEL_SMS : CHANNEL_EMAIL,
		.kind = STR("verification_code"),
		.to = str_of(to),
		.name = STR("Ada"),
		.code = str_of(code),
		.expires_at_us = now_wall_us() + 5 * US_PER_MIN,
	    });
}

static struct str header(const struct json *event, const char *name)
{
	return child_text(json_get(json_get(event, "parsed"), "headers"), name);
}

static const struct json *next_mail(void)
{
	return child_event(&mail_server, "message");
}

/* The code in the subject tells the messages apart. */
static bool is_code(const struct json *event, const char *code)
{
	return str_starts(header(event, "subject"), str_of(code));
}

static void mail_arrives(void **state)
{
	struct post *p = open_usual();
	const struct json *event, *parsed;
	struct inbox_item *items;
	struct uuid id;
	char text[UUID_TEXT_SIZE];
	size_t n;

	(void)state;
	assert_true(outbox_can_send(p->o, CHANNEL_EMAIL) && outbox_can_send(p->o, CHANNEL_SMS));
	id = post_code(p, 1, "Ada@example.com", "012345");
	event = next_mail();
	parsed = json_get(event, "parsed");
	assert_str(child_text(event, "from"), "no-reply@shop.example");
	assert_str(child_text(event, "helo"), "shop.example");
	assert_str(child_text(parsed, "from_name"), "The Shop \xe2\x82\xac");
	assert_str(child_text(parsed, "from_address"), "no-reply@shop.example");
	assert_str(header(event, "to"), "Ada@example.com");
	assert_str(header(event, "subject"), "012345 is your Fashionistar code");
	assert_str(header(event, "auto-submitted"), "auto-generated");
	uuid_format(id, text);
	assert_true(has(header(event, "message-id"), text));
	assert_str(child_text(parsed, "type"), "multipart/alternative");
	assert_true(has(child_text(parsed, "text"), "Hello Ada,\n"));
	assert_true(has(child_text(parsed, "text"), "\n    012345\n"));
	assert_true(has(child_text(parsed, "text"), "within the next 5 minutes"));
	assert_true(has(child_text(parsed, "html"), ">012345</p>"));
	assert_int_equal(json_integer(json_get(parsed, "defects")), 0);
	assert_int_equal(json_integer(json_get(parsed, "bare_newlines")), 0);
	assert_true(json_integer(json_get(parsed, "longest_line")) <= 76);

	AWAIT(p, delivered, 1);
	assert_state(p, id, "delivered", 0);
	assert_int_equal(row_of(p, id).payload.len, 0); /* wiped */
	outbox_inbox(p->o, p->f.arena, STR("ada@example.com"), &items, &n);
	assert_int_equal(n, 1);
	assert_str(items[0].code, "012345");
	assert_str(items[0].channel, "email");
	assert_str(items[0].subject, "012345 is your Fashionistar code");
	close_post(p);
}

static void sms_arrives(void **state)
{
	struct post *p = open_usual();
	const struct json *event;

	(void)state;
	post_code(p, 2, "+2348030000000", "654321");
	event = child_event(&gateway, "sms");
	assert_str(child_text(event, "user"), "AC1:t:oken");
	assert_str(child_text(event, "To"), "+2348030000000");
	assert_str(child_text(event, "From"), "+15550000");
	assert_str(child_text(event, "Body"),
	    "654321 is your Fashionistar code. It works for 5 minutes. Do not share it.");
	AWAIT(p, delivered, 1);
	close_post(p);
}

/* A message nobody's: sealed under the system's key. */
static void without_a_user(void **state)
{
	struct post *p = open_usual();

	(void)state;
	post_code(p, 0, "new@example.com", "111111");
	assert_true(is_code(next_mail(), "111111"));
	close_post(p);
}

/* Those of the same person wait behind one that is retried, and keep their order. */
static void retried_in_order(void **state)
{
	struct post *p = open_usual();
	struct uuid first, second;
	struct inbox_item *items;
	int64_t begun_us = now_wall_us(), next_us;
	size_t n;

	(void)state;
	first = post_code(p, 1, "greylist-order@example.com", "000001");
	second = post_code(p, 1, "order@example.com", "000002");
	post_code(p, 1, "order@example.com", "000003");
	post_code(p, 2, "other@example.com", "000004");
	assert_true(is_code(next_mail(), "000004"));
	AWAIT(p, retried, 1);
	AWAIT(p, delivered, 1);
	assert_state(p, first, "pending", 1);
	assert_state(p, second, "pending", 0);
	assert_str(row_of(p, first).last_error, "The mail server answered 451 4.7.1.");
	next_us = row_of(p, first).next_at_us;
	assert_true(next_us >= begun_us + 2 * US_PER_S);
	assert_true(next_us <= now_wall_us() + 4 * US_PER_S);
	let_pass(p, 4 * US_PER_S);
	assert_true(is_code(next_mail(), "000001"));
	assert_true(is_code(next_mail(), "000002"));
	assert_true(is_code(next_mail(), "000003"));
	AWAIT(p, delivered, 4);
	/* Kept once, though it was tried twice. */
	outbox_inbox(p->o, p->f.arena, STR("greylist-order@example.com"), &items, &n);
	assert_int_equal(n, 1);
	close_post(p);
}

static enum err replay(struct tx *tx, void *arg)
{
	const struct outbox_again all = { .id = 0 };

	return outbox_replay(tx, &all, now_wall_us(), arg);
}

static void dead_letters(void **state)
{
	struct post *p = open_usual();
	struct uuid refused, greylisted;
	int64_t n = 0;

	(void)state;
	refused = post_code(p, 1, "reject@example.com", "000001");
	post_code(p, 1, "behind@example.com", "000002");
	assert_true(is_code(next_mail(), "000002")); /* not for ever behind a dead one */
	AWAIT(p, dead, 1);
	assert_state(p, refused, "dead", 0);
	assert_str(row_of(p, refused).last_error, "The mail server answered 550 5.1.1.");
	assert_true(row_of(p, refused).payload.len > 0);

	/* Out of attempts: 401 is tried again, thrice in all. */
	greylisted = post_code(p, 2, "+15550401", "000003");
	AWAIT(p, retried, 1);
	let_pass(p, 4 * US_PER_S);
	AWAIT(p, retried, 2);
	let_pass(p, 8 * US_PER_S);
	AWAIT(p, dead, 2);
	assert_state(p, greylisted, "dead", 2);

	/* Replayed, they begin anew. */
	assert_int_equal(fixture_tx(&p->f, replay, &n), OK);
	assert_int_equal(n, 2);
	outbox_ring(p->o);
	AWAIT(p, dead, 3);
	AWAIT(p, retried, 3);
	assert_state(p, greylisted, "pending", 1);
	close_post(p);
}

static void replay_delivers(void **state)
{
	struct post p;
	struct outbox_config config;
	struct uuid id;
	int64_t n = 0;

	(void)state;
	open_post(&p);
	config = config_of(&p);
	config.max_attempts = 1;
	start_relay(&p, &config);
	id = post_code(&p, 1, "greylist-replay@example.com", "000001");
	AWAIT(&p, dead, 1);
	assert_int_equal(fixture_tx(&p.f, replay, &n), OK);
	outbox_ring(p.o);
	assert_true(is_code(next_mail(), "000001"));
	AWAIT(&p, delivered, 1);
	assert_state(&p, id, "delivered", 0);
	close_post(&p);
}

/* A code that works no more is never sent, whether it came too late or waited too long. */
static void expired(void **state)
{
	struct post *p = open_usual();
	struct message late = {
		.channel = CHANNEL_EMAIL,
		.kind = STR("verification_code"),
		.to = STR("late@example.com"),
		.code = STR("000001"),
		.expires_at_us = now_wall_us(),
	};
	struct uuid id, waiting;
	struct inbox_item *items;
	size_t n;

	(void)state;
	id = post_message(p, 1, &late);
	AWAIT(p, expired, 1);
	assert_state(p, id, "expired", 0);
	assert_int_equal(row_of(p, id).payload.len, 0);
	outbox_inbox(p->o, p->f.arena, STR_NULL, &items, &n);
	assert_int_equal(n, 0);

	late.to = STR("greylist-late@example.com");
	late.expires_at_us = now_wall_us() + 1500 * US_PER_MS;
	waiting = post_message(p, 2, &late);
	post_code(p, 2, "after@example.com", "000002");
	AWAIT(p, retried, 1);
	/* No use in waiting longer than it lives: those behind it come sooner. */
	assert_int_equal(row_of(p, waiting).next_at_us, late.expires_at_us);
	let_pass(p, 1500 * US_PER_MS);
	assert_true(is_code(next_mail(), "000002"));
	AWAIT(p, expired, 2);
	assert_state(p, waiting, "expired", 1);
	close_post(p);
}

/* A server that falls silent holds up one delivery and nobody else's; at a stop it is given up. */
static void hanging(void **state)
{
	struct post *p = open_usual();
	struct uuid stuck;

	(void)state;
	stuck = post_code(p, 1, "hang@example.com", "000000");
	assert_str(child_text(child_event(&mail_server, "hanging"), "to"), "hang@example.com");
	for (unsigned n = 2; n <= USERS; n++)
		post_code(p, n, n % 2 ? "hangquit@example.com" : "fine@example.com", "000001");
	for (unsigned n = 2; n <= USERS; n++)
		assert_true(is_code(next_mail(), "000001"));
	AWAIT(p, delivered, USERS - 1);
	rt_background_stop();
	assert_state(p, stuck, "pending", 0);
	CHECK(rt_background_start() == OK);
	close_post(p);
}

static void many(void **state)
{
	enum {
		EACH = 5
	};
	struct post *p = open_usual();
	int seen[USERS + 1] = { 0 };
	char to[32], code[8];
	int64_t user, number;

	(void)state;
	for (unsigned i = 0; i < EACH; i++) {
		for (unsigned n = 1; n <= USERS; n++) {
			snprintf(to, sizeof(to), "%u@example.com", n);
			snprintf(code, sizeof(code), "%06u", i);
			post_code(p, n, to, code);
		}
	}
	for (int i = 0; i < EACH * USERS; i++) {
		const struct json *event = next_mail();
		struct str address = header(event, "to");

		address = str_upto(address, (size_t)str_find(address, '@'));
		assert_true(str_to_i64(address, &user) && user >= 1 && user <= USERS);
		assert_true(str_to_i64(str_upto(header(event, "subject"), 6), &number));
		assert_int_equal(number, seen[user]++); /* each once, and in order */
	}
	AWAIT(p, delivered, EACH * USERS);
	assert_int_equal(outbox_gauges(p->o).retried, 0);
	close_post(p);
}

struct lease {
	struct outbox_row *rows;
	size_t n;
};

static enum err lease_all(struct tx *tx, void *arg)
{
	struct lease *l = arg;
	const struct outbox_lease all = {
		.sink = STR("email"),
		.now_us = now_wall_us(),
		.until_us = now_wall_us() + US_PER_MIN,
		.limit = 10,
	};

	return outbox_lease(tx, &all, &l->rows, &l->n);
}

/* Whoever had leased it died: it is delivered when the lease is over, under the same id. */
static void after_a_crash(void **state)
{
	struct post p;
	struct outbox_config config;
	struct lease leased = { 0 };
	const struct json *event;
	struct uuid crashed, later;
	char id[UUID_TEXT_SIZE];

	(void)state;
	open_post(&p);
	config = config_of(&p);
	start_relay(&p, &config);
	rt_background_stop(); /* nobody relays for now */
	crashed = post_code(&p, 1, "crashed@example.com", "000001");
	assert_int_equal(fixture_tx(&p.f, lease_all, &leased), OK);
	assert_int_equal(leased.n, 1);
	outbox_free(&p.o);
	CHECK(rt_background_start() == OK);
	start_relay(&p, &config);
	later = post_code(&p, 2, "later@example.com", "000002");
	assert_true(is_code(next_mail(), "000002"));
	AWAIT(&p, delivered, 1);
	assert_state(&p, crashed, "pending", 0);
	let_pass(&p, US_PER_MIN);
	event = next_mail();
	assert_true(is_code(event, "000001"));
	uuid_format(crashed, id);
	assert_true(has(header(event, "message-id"), id));
	assert_false(uuid_equal(crashed, later));
	close_post(&p);
}

static void sms_failures(void **state)
{
	struct post *p = open_usual();
	struct uuid busy, broken, wrong;
	int64_t begun_us = now_wall_us();

	(void)state;
	busy = post_code(p, 1, "+15550429", "000001");
	broken = post_code(p, 2, "+15550500", "000002");
	wrong = post_code(p, 3, "+15550400", "000003");
	AWAIT(p, retried, 2);
	AWAIT(p, dead, 1);
	assert_str(row_of(p, wrong).last_error, "The SMS gateway answered 400.");
	assert_str(row_of(p, broken).last_error, "The SMS gateway answered 500.");
	/* Longer than our own back-off, because it asked for 7 seconds. */
	assert_true(row_of(p, busy).next_at_us >= begun_us + 7 * US_PER_S);
	let_pass(p, 8 * US_PER_S);
	AWAIT(p, delivered, 2);
	close_post(p);
}

static void use_gateway(struct post *p, struct sms_gateway *g, enum sms_kind kind, const char *path)
{
	*g = (struct sms_gateway){
		.url =
		    str_printf(p->f.arena, "http://shop:k%%26y@127.0.0.1:%u%s", gateway.port, path),
		.from = STR("Shop"),
		.kind = kind,
	};
}

/* Opens a post whose SMS go to @kind, and to Twilio's when that fails if @twice. */
static void open_gateway(struct post *p, enum sms_kind kind, const char *path, bool twice)
{
	struct outbox_config config;

	open_post(p);
	config = config_of(p);
	config.sms[1] = twice ? config.sms[0] : (struct sms_gateway){ 0 };
	use_gateway(p, &config.sms[0], kind, path);
	config.sms[0].body = STR("{\"msisdn\":\"{digits}\",\"body\":\"{text}\",\"as\":\"{from}\"}");
	start_relay(p, &config);
}

static void each_gateway(void **state)
{
	const struct json *event, *body = NULL;
	struct post p;

	(void)state;
	open_gateway(&p, SMS_TERMII, "/api/sms/send", false);
	post_code(&p, 1, "+2348030000001", "000001");
	event = child_event(&gateway, "request");
	assert_int_equal(json_parse(gateway.arena, child_text(event, "body"), &body), OK);
	assert_str(child_text(body, "api_key"), "k&y");
	assert_str(child_text(body, "to"), "2348030000001");
	assert_str(child_text(body, "from"), "Shop");
	assert_str(child_text(body, "channel"), "generic");
	assert_true(str_starts(child_text(body, "sms"), STR("000001 is your")));
	assert_int_equal(child_text(json_get(event, "headers"), "authorization").len, 0);
	AWAIT(&p, delivered, 1);
	close_post(&p);

	open_gateway(&p, SMS_AFRICAS_TALKING, "/version1/messaging", false);
	post_code(&p, 1, "+2348030000002", "000002");
	event = child_event(&gateway, "request");
	assert_str(child_text(json_get(event, "headers"), "apikey"), "k&y");
	assert_int_equal(child_text(json_get(event, "headers"), "authorization").len, 0);
	assert_true(has(child_text(event, "body"), "username=shop&to=%2B2348030000002&from=Shop&"));
	AWAIT(&p, delivered, 1);
	/* 201, and yet not taken: one number is wrong for ever, the other for now. */
	post_code(&p, 2, "+15550403", "000003");
	AWAIT(&p, dead, 1);
	post_code(&p, 3, "+15550405", "000004");
	AWAIT(&p, retried, 1);
	close_post(&p);

	open_gateway(&p, SMS_TEMPLATE, "/own", false);
	post_code(&p, 1, "+2348030000005", "000005");
	event = child_event(&gateway, "request");
	while (!str_eq(child_text(event, "path"), STR("/own")))
		event = child_event(&gateway, "request");
	assert_int_equal(json_parse(gateway.arena, child_text(event, "body"), &body), OK);
	assert_str(child_text(body, "msisdn"), "2348030000005");
	assert_str(child_text(body, "as"), "Shop");
	assert_true(child_text(json_get(event, "headers"), "authorization").len > 0);
	AWAIT(&p, delivered, 1);
	close_post(&p);
}

/* What one gateway does not take goes to the other, and so does the next one, at once. */
static void sms_fallback(void **state)
{
	struct post p;

	(void)state;
	open_gateway(&p, SMS_TERMII, "/hook/gateway/503", true);
	post_code(&p, 1, "+2348030000010", "000001");
	assert_str(child_text(child_event(&gateway, "sms"), "To"), "+2348030000010");
	AWAIT(&p, delivered, 1);
	post_code(&p, 1, "+2348030000011", "000002");
	assert_str(child_text(child_event(&gateway, "sms"), "To"), "+2348030000011");
	AWAIT(&p, delivered, 2);
	assert_int_equal(outbox_gauges(p.o).retried, 0);
	/* Dead only when both say so. */
	post_code(&p, 2, "+15550400", "000003");
	AWAIT(&p, retried, 1);
	close_post(&p);
}

/* Nothing listens: the message waits, and what failed says so. */
static void servers_down(void **state)
{
	struct post p;
	struct outbox_config config;
	struct uuid mail, sms;

	(void)state;
	open_post(&p);
	config = config_of(&p);
	config.smtp_url = STR("smtp://127.0.0.1:1");
	config.sms[0].url = STR("http://127.0.0.1:1/Messages.json");
	start_relay(&p, &config);
	mail = post_code(&p, 1, "ada@example.com", "000001");
	sms = post_code(&p, 2, "+15550001", "000001");
	AWAIT(&p, retried, 2);
	assert_state(&p, mail, "pending", 1);
	assert_state(&p, sms, "pending", 1);
	assert_true(row_of(&p, mail).last_error.len > 0);
	close_post(&p);
}

static void only_the_inbox(void **state)
{
	struct post p;
	struct outbox_config config;
	struct inbox_item *items;
	size_t n;

	(void)state;
	open_post(&p);
	config = config_of(&p);
	config.smtp_url = config.sms[0].url = STR_NULL;
	start_relay(&p, &config);
	assert_true(outbox_can_send(p.o, CHANNEL_EMAIL) && outbox_can_send(p.o, CHANNEL_SMS));
	post_code(&p, 1, "ada@example.com", "000001");
	AWAIT(&p, delivered, 1);
	post_code(&p, 2, "+15550001", "000002");
	AWAIT(&p, delivered, 2);
	outbox_inbox(p.o, p.f.arena, STR_NULL, &items, &n);
	assert_int_equal(n, 2);
	assert_str(items[0].code, "000002"); /* newest first */
	assert_str(items[1].code, "000001");
	close_post(&p);
}

static void refused_settings(void **state)
{
	struct outbox_config config = { .smtp_url = STR("smtp://localhost"),
		.mail_from = STR("x") };
	const struct outbox_deps deps = { 0 };
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct str problem = STR_NULL;
	struct outbox *o = NULL;

	(void)state;
	assert_int_equal(outbox_new(&config, &deps, arena, &o, &problem), ERR_INTERNAL);
	assert_true(has(problem, "mail.from"));
	config.smtp_url = STR_NULL;
	config.templates = STR("/nowhere");
	assert_int_equal(outbox_new(&config, &deps, arena, &o, &problem), ERR_INTERNAL);
	assert_true(has(problem, "/nowhere"));
	config.templates = STR_NULL;
	assert_int_equal(outbox_new(&config, &deps, arena, &o, &problem), OK);
	assert_false(outbox_can_send(o, CHANNEL_EMAIL) || outbox_can_send(o, CHANNEL_SMS));
	outbox_free(&o);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_arrives),
		cmocka_unit_test(sms_arrives),
		cmocka_unit_test(without_a_user),
		cmocka_unit_test(retried_in_order),
		cmocka_unit_test(dead_letters),
		cmocka_unit_test(replay_delivers),
		cmocka_unit_test(expired),
		cmocka_unit_test(hanging),
		cmocka_unit_test(many),
		cmocka_unit_test(after_a_crash),
		cmocka_unit_test(sms_failures),
		cmocka_unit_test(each_gateway),
		cmocka_unit_test(sms_fallback),
		cmocka_unit_test(servers_down),
		cmocka_unit_test(only_the_inbox),
		cmocka_unit_test(refused_settings),
	};

	return cmocka_run_group_tests_name("outbox", tests, post_start, post_stop) +
	       outbox_event_tests();
}

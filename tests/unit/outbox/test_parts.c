/* The inbox's ring, the payload's seal, the back-off. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/clock.h"
#include "outbox/outbox_priv.h"

static void inbox_ring(void **state)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0);
	struct inbox *inbox = inbox_new();
	struct inbox_item *items;
	size_t n;

	(void)state;
	inbox_list(inbox, arena, STR_NULL, &items, &n);
	assert_int_equal(n, 0);
	for (int i = 0; i < 1203; i++) {
		struct uuid id = uuid_v7();
		const struct inbox_item item = {
			.to = i % 2 ? STR("Ada@example.com") : STR("+15550001"),
			.code = str_printf(arena, "%06d", i),
		};

		inbox_keep(inbox, id, &item);
		inbox_keep(inbox, id, &item); /* another attempt at the same message */
	}
	inbox_list(inbox, arena, STR_NULL, &items, &n);
	assert_int_equal(n, 500);
	assert_str(items[0].code, "001202");
	assert_str(items[499].code, "000703");
	inbox_list(inbox, arena, STR("ada@EXAMPLE.com"), &items, &n);
	assert_int_equal(n, 250);
	assert_str(items[0].code, "001201");
	inbox_list(inbox, arena, STR("eve@example.com"), &items, &n);
	assert_int_equal(n, 0);
	inbox_free(&inbox);
	arena_free(&arena);
}

static struct keyring *make_keys(void)
{
	const struct secret key = secret_of(STR("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
	const struct keyring_config config = { .master = key, .token_secret = key };
	struct keyring *keys = NULL;
	const char *problem;

	assert_int_equal(keyring_new(&config, &keys, &problem), OK);
	return keys;
}

static const struct message message = {
	.channel = CHANNEL_SMS,
	.to = STR_INIT("+2348030000000"),
	.name = STR_INIT("\"Ada\" \xc3\xa9"),
	.locale = STR_INIT("en-NG"),
	.code = STR_INIT("012345"),
	.link = STR_INIT("https://shop.example/?a=1&b=2"),
	.detail = STR_INIT("Firefox"),
};

static void payload(void **state)
{
	struct outbox_row row = { .sink = STR("sms"), .kind = STR("verification_code") };
	struct data_key key;
	struct message got;
	struct request rq;

	(void)state;
	request_init(&rq, NULL, NEVER_US);
	rq.keys = make_keys();
	row.payload = payload_seal(&rq, NULL, &message);
	assert_null(memmem(row.payload.ptr, row.payload.len, "012345", 6));
	assert_int_equal(payload_unseal(&rq, &row, &got), OK);
	assert_int_equal(got.channel, CHANNEL_SMS);
	assert_bytes(got.kind, row.kind);
	assert_bytes(got.to, message.to);
	assert_bytes(got.name, message.name);
	assert_bytes(got.locale, message.locale);
	assert_bytes(got.code, message.code);
	assert_bytes(got.link, message.link);
	assert_bytes(got.detail, message.detail);

	/* Under the user's own key: once that is destroyed, nobody reads it. */
	row.has_user = true;
	row.user_id = uuid_v7();
	data_key_generate(&key);
	row.data_key = data_key_wrap(rq.arena, rq.keys, row.user_id, &key);
	assert_int_equal(payload_unseal(&rq, &row, &got), ERR_FORBIDDEN); /* sealed by another */
	row.payload = payload_seal(&rq, &key, &message);
	assert_int_equal(payload_unseal(&rq, &row, &got), OK);
	assert_bytes(got.code, message.code);
	row.data_key = STR_NULL;
	assert_int_equal(payload_unseal(&rq, &row, &got), ERR_FORBIDDEN);
	data_key_wipe(&key);
	keyring_unref(&rq.keys);
	request_done(&rq);
}

static void back_off(void **state)
{
	const struct outbox_config config = {
		.first_retry_us = 4 * US_PER_S,
		.last_retry_us = 60 * US_PER_S,
	};
	static const int64_t seconds[] = { 4, 8, 16, 32, 60, 60 };

	(void)state;
	for (int64_t i = 0; i < (int64_t)ARRAY_LEN(seconds); i++) {
		int64_t least_us = NEVER_US, most_us = 0;

		for (int n = 0; n < 1000; n++) {
			int64_t wait_us = backoff_us(&config, i);

			least_us = wait_us < least_us ? wait_us : least_us;
			most_us = wait_us > most_us ? wait_us : most_us;
		}
		/* Between half and all of it, and all over that. */
		assert_in_range(
		    least_us, seconds[i] * US_PER_S / 2, seconds[i] * US_PER_S * 6 / 10);
		assert_in_range(most_us, seconds[i] * US_PER_S * 9 / 10, seconds[i] * US_PER_S);
	}
	assert_in_range(backoff_us(&config, INT64_MAX), 30 * US_PER_S, 60 * US_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inbox_ring),
		cmocka_unit_test(payload),
		cmocka_unit_test(back_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

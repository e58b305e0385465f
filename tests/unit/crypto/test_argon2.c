#include "tests/unit/corpus.h"

#include "base/codec.h"
#include "crypto/argon2_tag.h"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_WIPING, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void assert_tag(const struct argon2_input *in, struct str expected)
{
	uint8_t tag[64];

	assert_true(argon2_tag(in, tag, expected.len));
	assert_bytes(hex_encode(arena, str_bytes(tag, expected.len)), hex_encode(arena, expected));
}

/* RFC 9106 5.1-5.3. */
static void the_rfcs_answers_are_given(void **state)
{
	static const char password[32] = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
					 "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1";
	static const char salt[16] = "\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2";
	static const char *const tags[] = {
		[ARGON2_KIND_D] =
		    "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb",
		[ARGON2_KIND_I] =
		    "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
		[ARGON2_KIND_ID] =
		    "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
	};
	struct argon2_input in = {
		.version = 0x13,
		.memory_kib = 32,
		.passes = 3,
		.lanes = 4,
		.password = secret_of(str_bytes(password, sizeof(password))),
		.salt = str_bytes(salt, sizeof(salt)),
		.key = secret_of(STR("\3\3\3\3\3\3\3\3")),
		.data = STR("\4\4\4\4\4\4\4\4\4\4\4\4"),
	};
	struct str expected;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		in.kind = (enum argon2_kind)i;
		assert_true(hex_decode(arena, str_of(tags[i]), &expected));
		assert_tag(&in, expected);
	}
}

/* The same memory serves large and small; what was in it before makes no difference. */
static void memory_is_used_again(void **state)
{
	static const uint32_t sizes[] = { 8, 4096, 1024, 70000, 8, 70000, 4096 };
	struct argon2_input in = {
		.kind = ARGON2_KIND_ID,
		.version = 0x13,
		.passes = 1,
		.lanes = 1,
		.password = secret_of(STR("password")),
		.salt = STR("somesalt"),
	};
	uint8_t first[ARRAY_LEN(sizes)][16], again[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		in.memory_kib = sizes[i];
		assert_true(argon2_tag(&in, first[i], 16));
		assert_true(argon2_tag(&in, again, 16));
		assert_memory_equal(first[i], again, 16);
	}
	assert_memory_equal(first[0], first[4], 16);
	assert_memory_equal(first[1], first[6], 16);
	assert_memory_equal(first[3], first[5], 16);
}

static void what_is_out_of_bounds_is_refused(void **state)
{
	const struct argon2_input good = {
		.kind = ARGON2_KIND_ID,
		.version = 0x13,
		.memory_kib = 8,
		.passes = 1,
		.lanes = 1,
		.password = secret_of(STR("password")),
		.salt = STR("somesalt"),
	};
	struct argon2_input in = good;
	uint8_t tag[16];

	(void)state;
	assert_true(argon2_tag(&in, tag, sizeof(tag)));
	in.salt = STR("short");
	assert_false(argon2_tag(&in, tag, sizeof(tag)));
	in = good;
	in.memory_kib = 7;
	assert_false(argon2_tag(&in, tag, sizeof(tag)));
	in = good;
	in.passes = 0;
	assert_false(argon2_tag(&in, tag, sizeof(tag)));
	in = good;
	in.lanes = 0;
	assert_false(argon2_tag(&in, tag, sizeof(tag)));
}

/* --- the reference implementation's answers --- */

/* "Password[32]: 01 01 …" */
static struct str hex_after(struct str line, struct str label)
{
	struct buf digits;
	struct str bytes;

	assert_true(str_starts(line, label));
	buf_init(&digits, arena, 256);
	for (size_t i = (size_t)str_find(line, ':') + 1; i < line.len; i++)
		if (line.ptr[i] != ' ')
			buf_add_char(&digits, line.ptr[i]);
	assert_true(hex_decode(arena, buf_str(&digits), &bytes));
	return bytes;
}

static uint32_t number_after(struct str line, const char *label)
{
	const char *at = strstr(str_cstr(arena, line), label);
	uint32_t n = 0;

	assert_non_null(at);
	for (at += strlen(label); *at >= '0' && *at <= '9'; at++)
		n = 10 * n + (uint32_t)(*at - '0');
	return n;
}

static void check_answer(const char *name, enum argon2_kind kind, uint32_t version)
{
	struct str text = corpus_read(arena, name), line;
	struct argon2_input in = { .kind = kind, .version = version };
	bool checked = false;

	while (str_next_token(&text, '\n', &line)) {
		if (str_starts(line, STR("Memory:"))) {
			in.memory_kib = number_after(line, "Memory: ");
			in.passes = number_after(line, "Iterations: ");
			in.lanes = number_after(line, "Parallelism: ");
		} else if (str_starts(line, STR("Password["))) {
			in.password = secret_of(hex_after(line, STR("Password[")));
		} else if (str_starts(line, STR("Salt["))) {
			in.salt = hex_after(line, STR("Salt["));
		} else if (str_starts(line, STR("Secret["))) {
			in.key = secret_of(hex_after(line, STR("Secret[")));
		} else if (str_starts(line, STR("Associated data["))) {
			in.data = hex_after(line, STR("Associated data["));
		} else if (str_starts(line, STR("Tag:"))) {
			assert_tag(&in, hex_after(line, STR("Tag")));
			checked = true;
		}
	}
	assert_true(checked);
}

static void the_known_answers_are_given(void **state)
{
	(void)state;
	check_answer("argon2-kats/kats/argon2d", ARGON2_KIND_D, 0x13);
	check_answer("argon2-kats/kats/argon2d_v16", ARGON2_KIND_D, 0x10);
	check_answer("argon2-kats/kats/argon2i", ARGON2_KIND_I, 0x13);
	check_answer("argon2-kats/kats/argon2i_v16", ARGON2_KIND_I, 0x10);
	check_answer("argon2-kats/kats/argon2id", ARGON2_KIND_ID, 0x13);
	check_answer("argon2-kats/kats/argon2id_v16", ARGON2_KIND_ID, 0x10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfcs_answers_are_given),
		cmocka_unit_test(memory_is_used_again),
		cmocka_unit_test(what_is_out_of_bounds_is_refused),
		cmocka_unit_test(the_known_answers_are_given),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

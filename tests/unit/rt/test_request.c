#include "tests/unit/test.h"

#include <pthread.h>

#include "base/clock.h"
#include "rt/request.h"

static void test_init(void **state)
{
	int64_t before_us = now_mono_us();
	struct request rq;

	(void)state;
	request_init(&rq, NULL, before_us + US_PER_S);
	assert_int_equal(rq.deadline_us, before_us + US_PER_S);
	assert_in_range(rq.arrived_us, before_us, now_mono_us());
	assert_in_range(rq.now_us, 1, now_wall_us());
	assert_int_equal(rq.engine, ENGINE_SYNC);
	assert_int_equal(rq.fault.err, OK);
	assert_non_null(arena_alloc(rq.arena, 100));
	assert_non_null(arena_alloc(rq.secrets, 100));
	request_done(&rq);
	assert_null(rq.arena);
	request_done(&rq);
}

static void test_first_fault_stays(void **state)
{
	struct request rq;

	(void)state;
	request_init(&rq, NULL, NEVER_US);
	assert_int_equal(fault(&rq, ERR_OTP_INVALID, "flow %d used", 7), ERR_OTP_INVALID);
	assert_int_equal(fault(&rq, ERR_INTERNAL, "later"), ERR_INTERNAL);
	assert_int_equal(rq.fault.err, ERR_OTP_INVALID);
	assert_string_equal(rq.fault.detail.ptr, "flow 7 used");
	assert_non_null(strstr(rq.fault.file, "test_request.c"));
	assert_true(rq.fault.line > 0);
	request_done(&rq);
}

static void test_refuse_field(void **state)
{
	struct request rq;
	struct str min = STR("8");

	(void)state;
	request_init(&rq, NULL, NEVER_US);
	assert_int_equal(request_refuse_field(&rq, STR("password"), TEXT_FIELD_TOO_SHORT, &min, 1),
	    ERR_VALIDATION_FAILED);
	assert_int_equal(request_refuse_field(&rq, STR("email"), TEXT_FIELD_REQUIRED, NULL, 0),
	    ERR_VALIDATION_FAILED);
	assert_string_equal(rq.field_errors->field.ptr, "password");
	assert_non_null(strchr(rq.field_errors->text.ptr, '8'));
	assert_string_equal(rq.field_errors->next->field.ptr, "email");
	assert_null(rq.field_errors->next->next);
	assert_int_equal(rq.fault.err, ERR_VALIDATION_FAILED);
	request_done(&rq);
}

static void count(void *arg)
{
	++*(int *)arg;
}

/* An ended request's arenas serve the next one, emptied; a thread's end frees them. */
static void *reuse(void *arg)
{
	static struct request rq[40]; /* more than are kept */
	struct arena *first;
	int deferred = 0;

	request_init(&rq[0], NULL, NEVER_US);
	first = rq[0].arena;
	arena_defer(first, count, &deferred);
	request_done(&rq[0]);
	request_init(&rq[0], NULL, NEVER_US);
	*(bool *)arg = deferred == 1 && rq[0].arena == first && arena_used(first) == 0;
	for (size_t i = 1; i < ARRAY_LEN(rq); i++)
		request_init(&rq[i], NULL, NEVER_US);
	for (size_t i = 0; i < ARRAY_LEN(rq); i++)
		request_done(&rq[i]);
	return NULL;
}

static void test_arenas_are_reused(void **state)
{
	pthread_t thread;
	bool reused = false;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, reuse, &reused), 0);
	pthread_join(thread, NULL);
	assert_true(reused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_first_fault_stays),
		cmocka_unit_test(test_refuse_field),
		cmocka_unit_test(test_arenas_are_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

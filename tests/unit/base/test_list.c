#include "tests/unit/test.h"

#include "base/list.h"

struct item {
	int value;
	struct list link;
};

static void nodes_come_out_in_order(void **state)
{
	struct item items[] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head, *node;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	assert_null(list_pop_front(&head));
	list_push_back(&head, &items[1].link);
	list_push_back(&head, &items[2].link);
	list_push_front(&head, &items[0].link);
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		node = list_pop_front(&head);
		assert_ptr_equal(CONTAINER_OF(node, struct item, link), &items[i]);
	}
	assert_true(list_empty(&head));
}

static void removing_twice_is_harmless(void **state)
{
	struct item items[] = { { .value = 1 }, { .value = 2 } };
	struct list head;

	(void)state;
	list_init(&head);
	list_push_back(&head, &items[0].link);
	list_push_back(&head, &items[1].link);
	list_remove(&items[0].link);
	list_remove(&items[0].link);
	assert_ptr_equal(list_pop_front(&head), &items[1].link);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_come_out_in_order),
		cmocka_unit_test(removing_twice_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

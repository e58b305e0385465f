/* Switching stacks with the C functions inside Boost.Context. */
#include "rt/context.h"

/* Boost declares these only in C++ headers; names and layout are its documented C interface. */
struct transfer {
	void *context; /* of the side that jumped here */
	void *data;
};
void *make_fcontext(void *top, size_t size, void (*fn)(struct transfer from));
struct transfer jump_fcontext(void *to, void *data);

static void start(struct transfer from)
{
	*(void **)from.data = from.context;
	coro_entry();
}

void *context_make(void *stack, size_t size)
{
	return make_fcontext((char *)stack + size, size, start);
}

NOINLINE void context_switch(void **from, void *to)
{
	struct transfer back = jump_fcontext(to, from);

	*(void **)back.data = back.context;
}

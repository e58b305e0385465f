/* Switching stacks with <ucontext.h>, where Boost.Context is not to be had. */
#include <stdlib.h>
#include <ucontext.h>

#include "rt/context.h"

void *context_make(void *stack, size_t size)
{
	/* The first context lies at the top of its own stack: it is dead once entered. */
	size_t room = size - ((sizeof(ucontext_t) + 63) & ~(size_t)63);
	ucontext_t *uc = (void *)((char *)stack + room);

	if (getcontext(uc) != 0)
		abort();
	uc->uc_stack.ss_sp = stack;
	uc->uc_stack.ss_size = room;
	uc->uc_link = NULL;
	makecontext(uc, coro_entry, 0);
	return uc;
}

NOINLINE void context_switch(void **from, void *to)
{
	ucontext_t here; /* alive for as long as this side is switched out */

	*from = &here; /* cppcheck-suppress autoVariables */
	if (swapcontext(&here, to) != 0)
		abort();
}

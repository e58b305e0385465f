/*
 * The stack switch itself. The build picks one implementation (-Dcoroutine=…): context_fcontext.c
 * takes 18 ns a switch, context_ucontext.c is portable and twenty times slower.
 */
#ifndef RT_CONTEXT_H
#define RT_CONTEXT_H

#include "base/defs.h"

/** context_make() - a context that enters coro_entry() on the stack of @size bytes at @stack. */
void *context_make(void *stack, size_t size);
/** context_switch() - leave through *@from, which is set, and continue in @to. */
void context_switch(void **from, void *to);

/** coro_entry() - where every new stack begins (coro.c). */
_Noreturn void coro_entry(void);

#endif

/* cmocka with the headers it wants first, and checks for our own types. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

/** assert_str() - is @s the text of the literal or NUL-terminated @expected? */
#define assert_str(s, expected) assert_str_at((s), str_of(expected), __FILE__, __LINE__)
/** assert_bytes() - the same against another str, which may hold NUL. */
#define assert_bytes(s, expected) assert_str_at((s), (expected), __FILE__, __LINE__)

static inline void assert_str_at(struct str s, struct str expected, const char *file, int line)
{
	if (str_eq(s, expected))
		return;
	print_error("have \"%.*s\"\nwant \"%.*s\"\n", STR_ARG(s), STR_ARG(expected));
	_fail(file, line);
}

/** aborts() - does @fn(@arg) end its process by abort(3)? Run in a child, whose stderr is closed.
 */
static inline bool aborts(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		close(STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

#endif

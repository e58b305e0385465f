/* Passwords from people: typed without echo, or on standard input. */
#ifndef MAIN_PROMPT_H
#define MAIN_PROMPT_H

#include "base/secret.h"

/**
 * prompt_password() - ask twice on the terminal, without echo
 * @label:       "New password"
 * @secrets:     a wiping arena; owns the result
 * @ret_problem: a static sentence
 */
MUST_CHECK bool prompt_password(
    const char *label, struct arena *secrets, struct secret *ret, const char **ret_problem);
/** prompt_stdin() - the first line of standard input. */
MUST_CHECK bool prompt_stdin(struct arena *secrets, struct secret *ret, const char **ret_problem);

#endif

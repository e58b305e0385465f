/*
 * The passwords that are in lists already: a file made once (breach_build.h), mapped, and asked
 * about each new password.
 *
 * A password is 44 bits of its SHA-1 or so: the first bits choose a bucket, the next 24 stand in
 * it, sorted. What was in the list is always found; of other passwords about one in 500,000 is
 * found as well, and somebody is asked to choose again. SHA-1, because published lists come hashed
 * that way.
 */
#ifndef CRYPTO_BREACH_H
#define CRYPTO_BREACH_H

#include "base/err.h"
#include "base/secret.h"

struct arena;
struct breach;

/**
 * breach_open() - map the file at @path
 * @ret_problem: on failure what is wrong with it, as a sentence, in @arena
 *
 * Returns: OK or ERR_UNAVAILABLE.
 */
MUST_CHECK enum err breach_open(
    struct arena *arena, struct str path, struct breach **ret, struct str *ret_problem);
void breach_close(struct breach **b);

/** breach_contains() - is @password in the list? May wait for the disk: for a lane's thread. */
bool breach_contains(const struct breach *b, struct secret password);
/** breach_count() - passwords in the list. */
uint64_t breach_count(const struct breach *b);

#endif

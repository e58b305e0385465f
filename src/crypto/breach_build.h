/* Making the file of breach.h from a list. */
#ifndef CRYPTO_BREACH_BUILD_H
#define CRYPTO_BREACH_BUILD_H

#include "base/err.h"
#include "base/str.h"

struct breach_builder;

/** breach_builder_new() - an empty list; takes eight bytes of memory for each password. */
struct breach_builder *breach_builder_new(void);
void breach_builder_free(struct breach_builder **b);

/**
 * breach_builder_add() - a line of the list, without its end
 *
 * A password; or its SHA-1 as 40 hexadecimal digits, alone or before a colon, as published lists
 * have it. Empty lines are passed over.
 *
 * Returns: false when the list is full (4,294,967,295 lines).
 */
MUST_CHECK bool breach_builder_add(struct breach_builder *b, struct str line);
/**
 * breach_builder_write() - sort, drop repetitions, write
 * @path: replaced at once, or not at all
 *
 * Returns: how many passwords are in it; -1 with errno set.
 */
MUST_CHECK int64_t breach_builder_write(struct breach_builder *b, const char *path);

#endif

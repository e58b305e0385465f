/* The two settings keys come from, read: "id:base64[,id:base64...]", or one bare value. */
#ifndef CRYPTO_KEY_LIST_H
#define CRYPTO_KEY_LIST_H

#include "base/secret.h"

struct arena;

#define KEY_LIST_MAX 16

struct key_list {
	struct {
		uint8_t id;
		struct secret bytes;
	} entries[KEY_LIST_MAX]; /* the active one first */
	size_t n;
};

/** struct key_list_rules - what makes a list acceptable, and the sentences for what does not. */
struct key_list_rules {
	size_t min_bytes;      /* of each key */
	bool bare_may_be_text; /* a bare value that is not base64 is the key itself */
	const char *missing, *bad_id, *duplicate_id, *bad_base64, *too_short, *too_many;
};

/**
 * key_list_parse() - read a setting
 * @arena: a wiping one; decoded keys live there
 *
 * Returns: NULL with *@ret filled in, or the sentence of @rules that says what is wrong.
 */
MUST_CHECK const char *key_list_parse(struct arena *arena, const struct key_list_rules *rules,
    struct secret setting, struct key_list *ret);

#endif

/* Bytes as text: hex, base64, base64url (RFC 4648), and UUIDs (RFC 9562). */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/arena.h"
#include "base/str.h"

/** hex_encode() - lower-case digits, in @arena. */
struct str hex_encode(struct arena *arena, struct str bytes);
/** hex_decode() - lower or upper case; false on an odd length or another character. */
bool hex_decode(struct arena *arena, struct str text, struct str *ret);
/** base64_encode() - standard alphabet, padded. */
struct str base64_encode(struct arena *arena, struct str bytes);
/** base64_decode() - standard alphabet; strict: padding as RFC 4648 says, no white space. */
bool base64_decode(struct arena *arena, struct str text, struct str *ret);
/** base64_encode_bare(), base64_decode_bare() - standard alphabet, never padded: PHC strings. */
struct str base64_encode_bare(struct arena *arena, struct str bytes);
bool base64_decode_bare(struct arena *arena, struct str text, struct str *ret);
/** base64url_encode() - URL alphabet, unpadded, as JOSE writes it. */
struct str base64url_encode(struct arena *arena, struct str bytes);
/**
 * base64url_decode() - unpadded and canonical only: "MR" is refused where "MQ" means the same byte,
 * so that one value has one spelling.
 */
bool base64url_decode(struct arena *arena, struct str text, struct str *ret);

struct uuid {
	uint8_t b[16];
};
#define UUID_TEXT_SIZE 37 /* with the NUL */

/** uuid_v7() - a new id that sorts by the time it was made. */
struct uuid uuid_v7(void);
/** uuid_v4() - a new id that tells nothing. */
struct uuid uuid_v4(void);
/** uuid_format() - the 36 characters of RFC 9562, lower case. */
void uuid_format(struct uuid id, char out[UUID_TEXT_SIZE]);
struct str uuid_str(struct arena *arena, struct uuid id);
/** uuid_parse() - 36 characters with hyphens, either case; false on anything else. */
bool uuid_parse(struct str text, struct uuid *ret);
bool uuid_equal(struct uuid a, struct uuid b);
bool uuid_is_nil(struct uuid id);
static inline struct str uuid_bytes(const struct uuid *id)
{
	return (struct str){ (const char *)id->b, sizeof(id->b) };
}

#endif

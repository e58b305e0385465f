/*
 * Structs of texts that a person fills in about themselves: one table says what each field is
 * called, what may stand in it and by which number it is sealed. The same table encodes, checks and
 * merges.
 */
#ifndef SERVICE_FIELDS_H
#define SERVICE_FIELDS_H

#include "rt/request.h"

struct audit_change;

/**
 * field_check - TEXT_NONE, or what is wrong with @s
 * @s:       not empty; may be put into its one spelling
 * @country: region of a bare phone number; may be empty
 */
typedef enum text field_check(struct request *rq, struct str *s, struct str country);

field_check field_name;    /* one printable line, in the words of names */
field_check field_line;    /* one printable line */
field_check field_lines;   /* printable lines */
field_check field_url;     /* https:// and a host; never fetched */
field_check field_country; /* ISO 3166-1 alpha-2 */
field_check field_birth;   /* ISO 8601 date, 1900 to today */
field_check field_locale;  /* RFC 5646 */
field_check field_email;   /* RFC 5321 */
field_check field_phone;   /* becomes E.164 */
field_check field_slug;    /* lower-case letters, digits, single hyphens between them */

/** struct field_rule - one struct str of a struct. */
struct field_rule {
	struct str name;
	size_t offset;
	uint8_t number; /* in the sealed form, for ever; 0: it is not sealed here */
	field_check *check;
};
#define FIELD_RULE(T, m, n, fn)                         \
	{                                               \
		STR_INIT(#m), offsetof(T, m), (n), (fn) \
	}

struct field_set {
	const struct field_rule *rules;
	size_t n;
};

/**
 * fields_encode() - the plain bytes to seal, in @secrets
 *
 * For each field that is set its number (1 byte), its length (2 bytes, big-endian) and its bytes.
 */
struct str fields_encode(struct arena *secrets, const struct field_set *set, const void *value);
/** fields_decode() - the other way; numbers nobody knows are skipped, so older programs read it. */
bool fields_decode(const struct field_set *set, struct str plain, void *ret);
/** fields_check() - OK, or ERR_VALIDATION_FAILED with every bad field in rq->field_errors. */
MUST_CHECK enum err fields_check(
    struct request *rq, const struct field_set *set, void *value, struct str country);
/**
 * fields_merge() - RFC 7396 on a flat object: what @patch names (has a pointer) goes into @value
 * @changes: room for set->n, for the audit row
 *
 * Returns: how many differ.
 */
size_t fields_merge(
    const struct field_set *set, const void *patch, void *value, struct audit_change *changes);

#endif

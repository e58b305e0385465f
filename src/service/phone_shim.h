/* libphonenumber is C++: this is all the rest of the program sees of it. */
#ifndef SERVICE_PHONE_SHIM_H
#define SERVICE_PHONE_SHIM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PHONE_E164_SIZE 20 /* "+", fifteen digits at most, NUL, and some room */

enum phone_result {
	PHONE_VALID,
	PHONE_INVALID,
	PHONE_REGION_NEEDED,
};

/**
 * phone_parse() - read a number as people write it
 * @text:   @len bytes of UTF-8
 * @region: ISO 3166-1 alpha-2 in upper case, for a number without "+"; "" for none
 * @e164:   the number in E.164, when valid
 * @prefix: how many characters of it are "+" and the country's calling code
 *
 * Aborts when memory runs out. Any thread.
 */
enum phone_result phone_parse(
    const char *text, size_t len, const char *region, char e164[PHONE_E164_SIZE], size_t *prefix);

/** phone_load() - read the metadata now rather than at the first number. */
void phone_load(void);

#ifdef __cplusplus
}
#endif

#endif

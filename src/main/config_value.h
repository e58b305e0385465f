/* Values of settings: text to the member a row points at, and what a type looks like to people. */
#ifndef MAIN_CONFIG_VALUE_H
#define MAIN_CONFIG_VALUE_H

#include "main/config_table.h"

/** value_duration() - "300", "90s", "5m", "24h", "30d", "250ms"; false on anything else. */
bool value_duration(struct str text, int64_t *ret_us);
/** value_rate() - "10/min", "10/15min", "1000/day"; false on anything else. */
bool value_rate(struct str text, struct rate *ret);
/** value_size() - "16384", "16KiB", "1MiB"; false on anything else. */
bool value_size(struct str text, int64_t *ret);
/** value_address() - "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; "" is no address. */
bool value_address(struct str text, struct listen_address *ret);

/**
 * value_set() - parse @text and write it where @s says
 * @text: lives as long as @config
 *
 * Returns: false with the rest of a sentence in @ret_problem ("must be true or false").
 */
bool value_set(struct arena *arena, const struct setting *s, struct str text, struct config *config,
    struct str *ret_problem);
/** value_number() - what value_set() wrote, as a number that grows with the value (rates: a day's).
 */
bool value_number(const struct setting *s, const struct config *config, int64_t *ret);

#endif

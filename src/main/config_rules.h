/* What the types of settings cannot say: forms of text, and settings that must fit together. */
#ifndef MAIN_CONFIG_RULES_H
#define MAIN_CONFIG_RULES_H

#include "main/config.h"

/** config_check() - the first rule broken, as a sentence in @arena; the empty str when none is. */
struct str config_check(struct arena *arena, const struct config *config);

#endif

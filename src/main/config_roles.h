/*
 * Roles of one's own: sections [role.NAME] of the configuration file, or variables like
 * CLOAKROOM_ROLE_NAME_EXTENDS. How many there are is not known before they are read, so they are no
 * rows of the settings table.
 */
#ifndef MAIN_CONFIG_ROLES_H
#define MAIN_CONFIG_ROLES_H

#include "main/config_table.h"

/** roles_key_of() - does @name end with @sep and a key of such a section? The role's name, or
 * empty.
 */
struct str roles_key_of(struct str name, char sep, struct str *ret_key);
/**
 * roles_put() - take one setting in; a later source replaces what an earlier one said
 *
 * Returns: false with a sentence in @ret_problem.
 */
bool roles_put(struct arena *arena, struct config *config, const struct role_setting *setting,
    struct str *ret_problem);
/** roles_apply() - after all settings: check them and fill in config->service. Likewise. */
bool roles_apply(struct arena *arena, struct config *config, struct str *ret_problem);
/** roles_setting() - what key @i of such a section is, for the manual page; NULL: no more. */
const struct setting *roles_setting(size_t i);

#endif

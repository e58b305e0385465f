/* How rows of the settings table are written; for config_table.c only. */
#ifndef MAIN_CONFIG_ROWS_H
#define MAIN_CONFIG_ROWS_H

#include "main/config_table.h"

/*
 * Where a value goes. The type of the member is compared with the one the setting needs: another
 * one does not compile.
 */
/* clang-format off */
#define AT(T, m) .offset = offsetof(struct config, m), \
	.size = sizeof(*(1 ? (T *)0 : &((struct config *)0)->m))
#define NUMERIC(m) .offset = offsetof(struct config, m), .size = _Generic(((struct config *)0)->m, \
	bool: 1, uint16_t: 2, uint32_t: 4, int64_t: 8, size_t: 8)
#define TEXT(m) .type = SETTING_TEXT, AT(struct str, m)
#define SECRET(m) .type = SETTING_SECRET, .flags = SETTING_HIDDEN, AT(struct secret, m)
#define CREDENTIALS(m) .type = SETTING_TEXT, .flags = SETTING_CREDENTIALS, AT(struct str, m)
#define SWITCH(m) .type = SETTING_SWITCH, AT(bool, m)
#define NUMBER(m) .type = SETTING_NUMBER, NUMERIC(m)
#define SIZE(m) .type = SETTING_SIZE, NUMERIC(m)
#define CHOICE(m, c) .type = SETTING_CHOICE, NUMERIC(m), .choices = (c)
#define DURATION(m) .type = SETTING_DURATION, AT(int64_t, m)
#define MILLISECONDS(m) .type = SETTING_MILLISECONDS, AT(int64_t, m)
#define SECONDS(m) .type = SETTING_SECONDS, AT(int64_t, m)
#define RATE(m) .type = SETTING_RATE, AT(struct rate, m)
#define ADDRESS(m) .type = SETTING_ADDRESS, AT(struct listen_address, m)
#define UNREAD .type = SETTING_UNREAD
/* clang-format on */

#endif

/*
 * What a setting is: one row of constant data. The loader, `cloakroom config`, doctor and the man
 * page all read the same rows.
 */
#ifndef MAIN_CONFIG_TABLE_H
#define MAIN_CONFIG_TABLE_H

#include "main/config.h"

enum setting_type {
	SETTING_TEXT,         /* struct str; one of .choices where there are any */
	SETTING_SECRET,       /* struct secret */
	SETTING_SWITCH,       /* bool */
	SETTING_NUMBER,       /* uint16_t, uint32_t, int64_t or size_t */
	SETTING_DURATION,     /* int64_t microseconds: "300", "5m", "24h" */
	SETTING_MILLISECONDS, /* int64_t microseconds, written in ms */
	SETTING_SECONDS,      /* int64_t seconds, written like a duration */
	SETTING_SIZE,         /* uint16_t, uint32_t or size_t bytes: "16KiB" */
	SETTING_RATE,         /* struct rate: "10/min" */
	SETTING_CHOICE,       /* an enum or bool: the index in .choices */
	SETTING_ADDRESS,      /* struct listen_address */
	SETTING_UNREAD,       /* a known name that nothing in this version reads */
};

enum setting_flags {
	SETTING_HIDDEN = 1u << 0,      /* printed as (set) or (not set); NAME_FILE works */
	SETTING_CREDENTIALS = 1u << 1, /* a URL whose user and password are not printed; likewise */
	/* The value guards something. It is loosened when it is … the default. */
	SETTING_GUARDS_EQUAL = 1u << 2,
	SETTING_GUARDS_LEAST = 1u << 3,
	SETTING_GUARDS_MOST = 1u << 4,
};

struct setting {
	const char *name; /* "section.key"; NULL ends the list */
	enum setting_type type;
	unsigned flags;
	size_t offset, size;        /* of its member in struct config */
	const char *value;          /* default, as one would write it; "" for none */
	const char *dev;            /* default with --dev; NULL: the same */
	const char *django, *nist;  /* default in that profile; NULL: the same */
	int64_t min, max;           /* in the member's unit; bytes of text; max 0: no bound */
	int64_t dev_min;            /* instead of min, with --dev; 0: the same */
	const char *const *choices; /* NULL-terminated */
	const char *doc;            /* sentences for the man page */
};

/** All settings, grouped by section, in the order of the man page. */
extern const struct setting settings[];
/** settings_count() - rows in the table. */
size_t settings_count(void);

/** setting_find() - row of @name, or -1. */
int setting_find(struct str name);
/** setting_variable() - "CLOAKROOM_SERVER_LISTEN" for server.listen; in @arena. */
struct str setting_variable(struct arena *arena, const struct setting *s);
/** setting_nearest() - the table's name most like @name, or NULL when none is like it. */
const char *setting_nearest(struct str name);

#endif

/*
 * One line an event, as JSON or as text. Values are escaped so that no client can forge a line or
 * move a terminal's cursor. There is no function here that takes a struct secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

enum log_format {
	LOG_FORMAT_JSON,
	LOG_FORMAT_TEXT,
};

struct log_config {
	enum log_format format;
	enum log_level level; /* lower ones are dropped */
	int fd;               /* where lines go; one write(2) each */
};

/** log_init() - set where and how; before any thread starts. Until then: text, info, stderr. */
void log_init(const struct log_config *config);

/** struct log_field - one named value of a line. */
struct log_field {
	const char *name;
	enum {
		LOG_STR,
		LOG_I64,
		LOG_BOOL
	} kind;
	struct str s;
	int64_t i;
};
#define LOG_FIELD_STR(n, v) ((struct log_field){ .name = (n), .kind = LOG_STR, .s = (v) })
#define LOG_FIELD_I64(n, v) ((struct log_field){ .name = (n), .kind = LOG_I64, .i = (v) })
#define LOG_FIELD_BOOL(n, v) ((struct log_field){ .name = (n), .kind = LOG_BOOL, .i = (v) })

/**
 * log_event() - write one line
 * @level:  how loud
 * @tag:    text format prints it in brackets, e.g. "SYNC LOGIN"; JSON as "tag"; NULL for none
 * @text:   what happened, a sentence without values
 * @fields: @n named values; empty strings are left out
 */
void log_event(enum log_level level, const char *tag, const char *text,
    const struct log_field *fields, size_t n);

/** log_debug(), log_info(), log_warning(), log_error() - one line of text without fields. */
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/** die() - log an error and abort: for our own mistakes that must not run on. */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

#endif

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

/*
 * A line is at most PIPE_BUF bytes, so that the one write(2) is atomic into a pipe as well. It is
 * built on the stack: logging must work when memory is what ran out.
 */
#define LINE_MAX_BYTES 4096
#define TAIL_BYTES 32 /* kept free for what closes a line */
#define TEXT_MAX_BYTES 1024
#define VALUE_MAX_BYTES 512

struct line {
	size_t len;
	bool full; /* something did not fit and was left out */
	char text[LINE_MAX_BYTES];
};

static struct log_config config = {
	.format = LOG_FORMAT_TEXT,
	.level = LOG_LEVEL_INFO,
	.fd = STDERR_FILENO,
};

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

void log_init(const struct log_config *c)
{
	config = *c;
}

static void put(struct line *line, struct str s)
{
	if (s.len > sizeof(line->text) - TAIL_BYTES - line->len) {
		line->full = true;
		return;
	}
	if (s.len > 0)
		memcpy(line->text + line->len, s.ptr, s.len);
	line->len += s.len;
}

/* Does showing @c as it is change what surrounds it: controls, line and direction marks? */
static bool is_active(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/*
 * Put @s with everything a terminal or a parser could act upon as \uXXXX, which both formats read
 * alike; what is not UTF-8 becomes U+FFFD. Beyond @max bytes it is cut.
 */
static void put_escaped(struct line *line, struct str s, size_t max, bool quoted)
{
	size_t end = line->len + max;

	while (s.len > 0 && !line->full) {
		char code[8];
		uint32_t c = 0;
		size_t n;

		if (line->len >= end) {
			put(line, STR("..."));
			return;
		}
		n = str_plain_span(str_upto(s, end - line->len));
		if (n > 0) {
			put(line, str_upto(s, n));
			s = str_from(s, n);
			continue;
		}
		n = str_utf8_next(s, &c);
		if (n == 0 || is_active(c)) {
			snprintf(code, sizeof(code), "\\u%04x", n == 0 ? 0xfffd : c & 0xffff);
			put(line, str_of(code));
		} else {
			if (c == '\\' || (c == '"' && quoted))
				put(line, STR("\\"));
			put(line, str_upto(s, n));
		}
		s = str_from(s, n ? n : 1);
	}
}

static void put_quoted(struct line *line, struct str s, size_t max)
{
	put(line, STR("\""));
	put_escaped(line, s, max, true);
	put(line, STR("\""));
}

/* May a value stand without quotes in the text format? */
static bool is_bare(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || strchr("\"\\=[]", s.ptr[i]))
			return false;
	return s.len <= VALUE_MAX_BYTES;
}

static void put_value(struct line *line, const struct log_field *f)
{
	char room[I64_TEXT_SIZE];

	switch (f->kind) {
	case LOG_STR:
		if (config.format == LOG_FORMAT_TEXT && is_bare(f->s))
			put(line, f->s);
		else
			put_quoted(line, f->s, VALUE_MAX_BYTES);
		break;
	case LOG_I64:
		put(line, i64_str(f->i, room));
		break;
	case LOG_BOOL:
		put(line, f->i ? STR("true") : STR("false"));
		break;
	}
}

/* A field stands there whole or not at all. */
static void put_field(struct line *line, const struct log_field *f)
{
	bool json = config.format == LOG_FORMAT_JSON;
	size_t before = line->len;

	if (line->full || (f->kind == LOG_STR && str_empty(f->s)))
		return;
	put(line, json ? STR(",\"") : STR(" "));
	put(line, str_of(f->name));
	put(line, json ? STR("\":") : STR("="));
	put_value(line, f);
	if (line->full)
		line->len = before;
}

static void begin_json(struct line *line, const char *level, const char *tag, const char *text)
{
	char now[TIME_TEXT_SIZE];

	time_format(now_wall_us(), now);
	put(line, STR("{\"time\":\""));
	put(line, str_of(now));
	put(line, STR("\",\"level\":\""));
	put(line, str_of(level));
	put(line, STR("\""));
	if (tag) {
		put(line, STR(",\"tag\":"));
		put_quoted(line, str_of(tag), VALUE_MAX_BYTES);
	}
	put(line, STR(",\"message\":"));
	put_quoted(line, str_of(text), TEXT_MAX_BYTES);
}

static void begin_text(struct line *line, const char *level, const char *tag, const char *text)
{
	char now[TIME_TEXT_SIZE];

	time_format(now_wall_us(), now);
	put(line, str_of(now));
	put(line, STR(" "));
	put(line, str_of(level));
	if (tag) {
		put(line, STR(" ["));
		put_escaped(line, str_of(tag), VALUE_MAX_BYTES, false);
		put(line, STR("]"));
	}
	put(line, STR(" "));
	put_escaped(line, str_of(text), TEXT_MAX_BYTES, false);
}

static void end_line(struct line *line)
{
	bool json = config.format == LOG_FORMAT_JSON;
	struct str tail = json ? STR("}\n") : STR("\n");

	if (line->full)
		tail = json ? STR(",\"truncated\":true}\n") : STR(" truncated=true\n");
	memcpy(line->text + line->len, tail.ptr, tail.len);
	line->len += tail.len;
}

void log_event(enum log_level level, const char *tag, const char *text,
    const struct log_field *fields, size_t n)
{
	int saved_errno = errno;
	struct line line;

	if (level < config.level)
		return;
	line.len = 0;
	line.full = false;
	if (config.format == LOG_FORMAT_JSON)
		begin_json(&line, level_names[level], tag, text);
	else
		begin_text(&line, level_names[level], tag, text);
	for (size_t i = 0; i < n; i++)
		put_field(&line, &fields[i]);
	end_line(&line);
	/* A log that cannot be written has nobody to tell; the request must not suffer for it. */
	while (write(config.fd, line.text, line.len) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}

static void PRINTF_LIKE(2, 0) log_formatted(enum log_level level, const char *fmt, va_list args)
{
	char text[TEXT_MAX_BYTES + 1];

	if (level < config.level)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	log_event(level, NULL, text, NULL, 0);
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_formatted(LOG_LEVEL_DEBUG, fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_formatted(LOG_LEVEL_INFO, fmt, args);
	va_end(args);
}

void log_warning(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_formatted(LOG_LEVEL_WARNING, fmt, args);
	va_end(args);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_formatted(LOG_LEVEL_ERROR, fmt, args);
	va_end(args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_formatted(LOG_LEVEL_ERROR, fmt, args);
	va_end(args);
	abort();
}

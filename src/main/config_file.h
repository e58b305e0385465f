/*
 * The configuration file:
 *
 *	# a comment
 *	profile = django
 *	token.access_ttl = 5m
 *
 *	[smtp]
 *	url = "smtp://mail.example.com:587"  # under a section its name is left out
 *
 * A value is the rest of the line, or text in double quotes, where \" and \\ stand for themselves
 * and # is no comment.
 */
#ifndef MAIN_CONFIG_FILE_H
#define MAIN_CONFIG_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CONFIG_FILE_MAX (256 << 10)

/** struct config_line - one setting of the file. */
struct config_line {
	struct str name;  /* with its section */
	struct str value; /* without quotes */
	unsigned number;
};

/**
 * config_file_parse() - read the text of a configuration file
 * @name:        for sentences
 * @each:        called for each setting in order; false stops, having set @ret_problem itself
 * @ret_problem: a sentence, in @arena
 *
 * Returns: OK or ERR_VALIDATION_FAILED.
 */
MUST_CHECK enum err config_file_parse(struct arena *arena, struct str name, struct str text,
    bool (*each)(void *arg, const struct config_line *line), void *arg, struct str *ret_problem);

/**
 * file_read() - a whole small file
 * @arena: a wiping one for files with secrets
 *
 * Returns: OK, ERR_NOT_FOUND, or ERR_VALIDATION_FAILED; a sentence in @ret_problem with both.
 */
MUST_CHECK enum err file_read(
    struct arena *arena, const char *path, size_t max, struct str *ret, struct str *ret_problem);

#endif

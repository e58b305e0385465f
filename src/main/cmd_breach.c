/* The file of breached passwords: made once from a list somebody publishes. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "crypto/breach_build.h"
#include "main/command.h"
#include "main/progress.h"

#define LINE_MAX_BYTES 8192

static int64_t size_of(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

/* A line longer than anybody's password is passed over. */
static bool read_list(struct call *call, FILE *f, struct breach_builder *builder)
{
	char *line = arena_alloc(call->arena, LINE_MAX_BYTES);
	bool whole = true, room = true;
	struct progress progress;
	int64_t read = 0;

	progress_begin(&progress, "Reading", size_of(f));
	while (room && fgets(line, LINE_MAX_BYTES, f)) {
		struct str text = str_of(line);
		bool ends = str_ends(text, STR("\n"));

		read += (int64_t)text.len;
		text.len -= ends;
		if (whole && (ends || feof(f)))
			room = breach_builder_add(builder, text);
		whole = ends;
		progress_show(&progress, read);
	}
	progress_end(&progress);
	if (!room)
		complain(call, "The list has more lines than the file can hold.");
	else if (ferror(f))
		complain(call, "The list cannot be read: %s.", strerror(errno));
	return room && !ferror(f);
}

static int build(struct call *call, FILE *f, struct breach_builder *builder)
{
	const char *path = str_cstr(call->arena, call->args[1]);
	int64_t n;

	if (!read_list(call, f, builder))
		return EXIT_FAILED;
	n = breach_builder_write(builder, path);
	if (n < 0) {
		complain(call, "%s cannot be written: %s.", path, strerror(errno));
		return EXIT_FAILED;
	}
	say(call, "%lld passwords are in %s. Set password.breached_file to it.", (long long)n,
	    path);
	return 0;
}

int cmd_breach_build(struct call *call)
{
	bool is_stdin = str_eq(call->args[0], STR("-"));
	FILE *f = is_stdin ? stdin : fopen(str_cstr(call->arena, call->args[0]), "re");
	struct breach_builder *builder;
	int code;

	if (!f) {
		complain(
		    call, "%.*s cannot be opened: %s.", STR_ARG(call->args[0]), strerror(errno));
		return EXIT_FAILED;
	}
	builder = breach_builder_new();
	code = build(call, f, builder);
	breach_builder_free(&builder);
	if (!is_stdin)
		fclose(f);
	return code;
}

#include "main/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct reader {
	struct arena *arena;
	struct str section;
	const char *problem; /* of this line; NULL: none */
};

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
		    (c != '.' || i == 0 || i == s.len - 1))
			return false;
	}
	return s.len > 0;
}

/* @s up to a # that stands at its beginning or after a blank. */
static struct str without_comment(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '#' && (i == 0 || s.ptr[i - 1] == ' ' || s.ptr[i - 1] == '\t'))
			return str_trim(str_upto(s, i));
	return str_trim(s);
}

/* The text in the quotes @s begins with; behind them only a comment may stand. */
static struct str read_quoted(struct reader *r, struct str s)
{
	struct buf out;

	buf_init(&out, r->arena, s.len + 1);
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == '"') {
			if (!str_empty(without_comment(str_from(s, i + 1))))
				r->problem = "has text after the closing quote";
			return buf_str(&out);
		}
		if (s.ptr[i] == '\\') {
			i++;
			if (i == s.len || (s.ptr[i] != '"' && s.ptr[i] != '\\')) {
				r->problem = "has a \\ that is followed by neither \" nor \\";
				return s;
			}
		}
		buf_add_char(&out, s.ptr[i]);
	}
	r->problem = "has no closing quote";
	return s;
}

static void read_section(struct reader *r, struct str line)
{
	struct str name = str_trim(str_upto(str_from(line, 1), line.len - 2));

	if (!str_ends(line, STR("]")) || line.len < 3)
		r->problem = "begins a section but does not end in ]";
	else if (!is_name(name))
		r->problem = "has a section whose name is not letters, digits, _ and .";
	else
		r->section = name;
}

/* One line. Returns true when it holds a setting. */
static bool read_line(struct reader *r, struct str text, struct config_line *ret)
{
	struct str line = str_trim(text);
	ssize_t equals = str_find(line, '=');
	struct str key, value;

	if (str_empty(line) || line.ptr[0] == '#')
		return false;
	if (line.ptr[0] == '[') {
		read_section(r, without_comment(line));
		return false;
	}
	if (equals < 0) {
		r->problem = "is not of the form name = value";
		return false;
	}
	key = str_trim(str_upto(line, (size_t)equals));
	if (!is_name(key)) {
		r->problem = "has a name that is not small letters, digits, _ and .";
		return false;
	}
	ret->name = str_empty(r->section)
			? key
			: str_printf(r->arena, "%.*s.%.*s", STR_ARG(r->section), STR_ARG(key));
	value = str_trim(str_from(line, (size_t)equals + 1));
	ret->value = str_starts(value, STR("\"")) ? read_quoted(r, value) : without_comment(value);
	return r->problem == NULL;
}

enum err config_file_parse(struct arena *arena, struct str name, struct str text,
    bool (*each)(void *arg, const struct config_line *line), void *arg, struct str *ret_problem)
{
	struct reader r = { .arena = arena };
	struct config_line line = { 0 };
	struct str raw;

	if (!str_utf8_valid(text) || str_find(text, '\0') >= 0) {
		*ret_problem = str_printf(arena, "%.*s is not UTF-8 text.", STR_ARG(name));
		return ERR_VALIDATION_FAILED;
	}
	while (str_next_token(&text, '\n', &raw)) {
		line.number++;
		if (str_ends(raw, STR("\r")))
			raw = str_upto(raw, raw.len - 1);
		if (read_line(&r, raw, &line) && !each(arg, &line))
			return ERR_VALIDATION_FAILED;
		if (r.problem) {
			*ret_problem = str_printf(
			    arena, "%.*s: line %u %s.", STR_ARG(name), line.number, r.problem);
			return ERR_VALIDATION_FAILED;
		}
	}
	return OK;
}

static enum err read_all(struct arena *arena, int fd, const char *path, size_t max, struct str *ret,
    struct str *ret_problem)
{
	struct buf b;
	ssize_t n;

	buf_init(&b, arena, 1024);
	do {
		n = read(fd, buf_reserve(&b, 1024), 1024);
		if (n > 0)
			b.len += (size_t)n;
	} while ((n > 0 && b.len <= max) || (n < 0 && errno == EINTR));
	if (n < 0) {
		*ret_problem = str_printf(arena, "%s cannot be read: %s.", path, strerror(errno));
		return ERR_VALIDATION_FAILED;
	}
	if (b.len > max) {
		*ret_problem = str_printf(arena, "%s is larger than %zu bytes.", path, max);
		return ERR_VALIDATION_FAILED;
	}
	*ret = buf_str(&b);
	return OK;
}

enum err file_read(
    struct arena *arena, const char *path, size_t max, struct str *ret, struct str *ret_problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err r;

	if (fd < 0) {
		*ret_problem = str_printf(arena, "%s cannot be opened: %s.", path, strerror(errno));
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_VALIDATION_FAILED;
	}
	r = read_all(arena, fd, path, max, ret, ret_problem);
	close(fd);
	return r;
}

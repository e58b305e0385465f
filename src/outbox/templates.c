#include "outbox/templates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outbox/template.h"

#define FILE_MAX ((size_t)64 << 10)

static const struct str kinds[] = {
	STR_INIT("verification_code"),
	STR_INIT("already_registered"),
	STR_INIT("new_device"),
	STR_INIT("impersonated"),
	STR_INIT("refresh_reused"),
	STR_INIT("password_changed"),
	STR_INIT("password_reset"),
	STR_INIT("identifier_changed"),
};
#define KINDS ARRAY_LEN(kinds)

/* The templates of one locale; what has no pieces is not there. */
struct locale {
	struct locale *next;
	struct str name;
	struct template subject[KINDS], text[KINDS], html[KINDS], sms[KINDS];
};

struct templates {
	struct locale *locales; /* English last */
};

struct loader {
	struct arena *arena;
	struct str directory;
	struct str problem;
};

static bool refuse(struct loader *l, struct str file, struct str why)
{
	l->problem =
	    str_printf(l->arena, "mail.templates: %.*s: %.*s.", STR_ARG(file), STR_ARG(why));
	return false;
}

static struct str builtin(struct str name)
{
	for (size_t i = 0; i < builtin_templates_count; i++) {
		const struct embedded_text *e = &builtin_templates[i];

		if (str_eq(e->name, name))
			return str_bytes(e->bytes, e->len);
	}
	return STR_NULL;
}

static bool read_all(int fd, struct buf *out)
{
	ssize_t n;

	while ((n = read(fd, buf_reserve(out, FILE_MAX / 4), FILE_MAX / 4)) > 0) {
		out->len += (size_t)n;
		if (out->len > FILE_MAX)
			return false;
	}
	return n == 0;
}

/* An empty @ret without a pointer when there is no such file. */
static bool read_override(struct loader *l, struct str name, struct str *ret)
{
	struct str path = str_printf(l->arena, "%.*s/%.*s", STR_ARG(l->directory), STR_ARG(name));
	struct buf text;
	bool whole;
	int fd;

	*ret = STR_NULL;
	fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return refuse(l, path, str_of(strerror(errno)));
	buf_init(&text, l->arena, FILE_MAX / 4);
	whole = read_all(fd, &text);
	close(fd);
	if (!whole)
		return refuse(l, path, STR("it cannot be read, or is over 64 KiB"));
	*ret = buf_str(&text);
	if (!str_utf8_valid(*ret) || memchr(ret->ptr, '\r', ret->len))
		return refuse(l, path, STR("it must be UTF-8 with plain line ends"));
	return true;
}

static bool read_file(
    struct loader *l, struct str locale, struct str base, const char *suffix, struct str *ret)
{
	struct str name =
	    str_printf(l->arena, "%.*s/%.*s%s", STR_ARG(locale), STR_ARG(base), suffix);

	*ret = STR_NULL;
	if (!str_empty(l->directory) && !read_override(l, name, ret))
		return false;
	if (!ret->ptr)
		*ret = builtin(name);
	return true;
}

static bool compile(struct loader *l, struct str file, struct str text, struct template *ret)
{
	struct str problem;

	return template_compile(l->arena, text, ret, &problem) || refuse(l, file, problem);
}

/* "Subject: …", an empty line, the text. */
static bool load_mail_text(struct loader *l, struct locale *locale, size_t kind, struct str text)
{
	struct str subject, blank, prefix = STR("Subject: ");

	if (!str_next_token(&text, '\n', &subject) || !str_starts(subject, prefix) ||
	    !str_next_token(&text, '\n', &blank) || !str_empty(blank))
		return refuse(l, kinds[kind],
		    STR("an .email.txt begins with \"Subject: …\" and an empty line"));
	return compile(l, kinds[kind], str_from(subject, prefix.len), &locale->subject[kind]) &&
	       compile(l, kinds[kind], text, &locale->text[kind]);
}

static bool load_mail_html(struct loader *l, struct locale *locale, size_t kind, struct str body)
{
	const struct str mark = STR("{{content}}");
	struct str layout, page;
	char *at;

	if (!read_file(l, locale->name, STR("layout"), ".email.html", &layout))
		return false;
	if (!layout.ptr && !read_file(l, STR("en"), STR("layout"), ".email.html", &layout))
		return false;
	at = memmem(layout.ptr, layout.len, mark.ptr, mark.len);
	if (!at)
		return refuse(l, STR("layout.email.html"), STR("it has no {{content}}"));
	page = str_printf(l->arena, "%.*s%.*s%.*s", (int)(at - layout.ptr), layout.ptr,
	    STR_ARG(str_trim(body)),
	    STR_ARG(str_from(layout, (size_t)(at - layout.ptr) + mark.len)));
	return compile(l, kinds[kind], page, &locale->html[kind]);
}

static bool load_kind(struct loader *l, struct locale *locale, size_t kind)
{
	struct str text, html, sms;

	if (!read_file(l, locale->name, kinds[kind], ".email.txt", &text) ||
	    !read_file(l, locale->name, kinds[kind], ".email.html", &html) ||
	    !read_file(l, locale->name, kinds[kind], ".sms.txt", &sms))
		return false;
	while (str_ends(sms, STR("\n")))
		sms.len--;
	return (!text.ptr || load_mail_text(l, locale, kind, text)) &&
	       (!html.ptr || load_mail_html(l, locale, kind, html)) &&
	       (!sms.ptr || compile(l, kinds[kind], sms, &locale->sms[kind]));
}

static bool load_locale(struct loader *l, struct templates *t, struct str name)
{
	struct locale *locale = ARENA_NEW(l->arena, struct locale);

	locale->name = name;
	locale->next = t->locales;
	t->locales = locale;
	for (size_t kind = 0; kind < KINDS; kind++) {
		if (!load_kind(l, locale, kind))
			return false;
	}
	return true;
}

static bool is_template_file(struct str name)
{
	static const struct str suffixes[] = {
		STR_INIT(".email.txt"),
		STR_INIT(".email.html"),
		STR_INIT(".sms.txt"),
	};

	if (str_eq(name, STR("layout.email.html")))
		return true;
	for (size_t kind = 0; kind < KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
			if (str_starts(name, kinds[kind]) &&
			    str_eq(str_from(name, kinds[kind].len), suffixes[i]))
				return true;
		}
	}
	return false;
}

static bool is_aside(struct str name)
{
	return str_starts(name, STR(".")) || str_ends(name, STR("~")) ||
	       str_eq_nocase(name, STR("README.md"));
}

/* A file with a misspelt name would silently do nothing. */
static bool check_names(struct loader *l, struct str locale)
{
	struct str path = str_printf(l->arena, "%.*s/%.*s", STR_ARG(l->directory), STR_ARG(locale));
	DIR *dir = opendir(path.ptr);
	struct dirent *entry;
	bool fine = true;

	if (!dir)
		return refuse(l, path, STR("it is not a directory of templates"));
	while (fine && (entry = readdir(dir)) != NULL) {
		struct str name = str_of(entry->d_name);

		if (!is_aside(name) && !is_template_file(name))
			fine = refuse(l, str_printf(l->arena, "%s/%s", path.ptr, entry->d_name),
			    STR("no message is made of this file"));
	}
	closedir(dir);
	return fine;
}

static bool load_directory(struct loader *l, struct templates *t)
{
	DIR *dir = opendir(str_cstr(l->arena, l->directory));
	struct dirent *entry;
	bool fine = true;

	if (!dir)
		return refuse(l, l->directory, str_of(strerror(errno)));
	while (fine && (entry = readdir(dir)) != NULL) {
		struct str name = str_dup(l->arena, str_of(entry->d_name));

		if (is_aside(name))
			continue;
		fine = check_names(l, name) && (str_eq(name, STR("en")) || load_locale(l, t, name));
	}
	closedir(dir);
	return fine;
}

enum err templates_load(
    struct arena *arena, struct str directory, struct templates **ret, struct str *ret_problem)
{
	struct loader l = { .arena = arena, .directory = directory };
	struct templates *t = ARENA_NEW(arena, struct templates);

	if (!load_locale(&l, t, STR("en")) || (!str_empty(directory) && !load_directory(&l, t))) {
		*ret_problem = l.problem;
		return ERR_INTERNAL;
	}
	*ret = t;
	return OK;
}

static bool find_kind(struct str name, size_t *ret)
{
	for (*ret = 0; *ret < KINDS; ++*ret) {
		if (str_eq(kinds[*ret], name))
			return true;
	}
	return false;
}

/* How well @have serves someone who wants @want: 2 the very locale, 1 its language, 0 not. */
static int serves(struct str have, struct str want)
{
	ssize_t dash = str_find(want, '-');

	if (str_eq_nocase(have, want))
		return 2;
	return dash > 0 && str_eq_nocase(have, str_upto(want, (size_t)dash));
}

static const struct locale *choose(
    const struct templates *t, struct str want, size_t kind, enum channel channel)
{
	const struct locale *best = NULL;
	int best_score = -1;

	for (const struct locale *l = t->locales; l; l = l->next) {
		const struct template *body = channel == CHANNEL_SMS ? l->sms : l->text;
		int score = serves(l->name, want);

		if (!body[kind].pieces || (score == 0 && l->next))
			continue;
		if (score > best_score) {
			best = l;
			best_score = score;
		}
	}
	return best;
}

bool templates_render(const struct templates *t, struct arena *arena,
    const struct template_order *order, struct rendered *ret)
{
	const struct template_values *values = &order->values;
	const struct locale *l;
	size_t kind;

	*ret = (struct rendered){ 0 };
	if (!find_kind(order->kind, &kind))
		return false;
	l = choose(t, order->locale, kind, order->channel);
	if (!l)
		return false;
	if (order->channel == CHANNEL_SMS) {
		ret->text = template_render(&l->sms[kind], arena, ESCAPE_TEXT, values);
		return true;
	}
	ret->subject = template_render(&l->subject[kind], arena, ESCAPE_TEXT, values);
	ret->text = template_render(&l->text[kind], arena, ESCAPE_TEXT, values);
	if (l->html[kind].pieces)
		ret->html = template_render(&l->html[kind], arena, ESCAPE_HTML, values);
	return true;
}

/* Mistakes in the tables that the compiler cannot see; found at start, not by the first client. */
#include "api/api_priv.h"

/* Who may be called by nobody in particular. Adding a route here is a decision; see the review. */
static const char *const open_to_anyone[] = {
	"register",
	"verify_otp",
	"resend_otp",
	"login",
	"google",
	"token_refresh",
	"logout",
	"token_verify",
	"password_reset_request",
	"password_reset_confirm",
	"identifier_revert",
	"schema",
	"docs",
	"docs_file",
	"health",
	"ready",
	"metrics",
	"dev_inbox",
};

#define MAX_FIELDS 32
#define MAX_NESTING 4

struct checking {
	const struct route *const *lists;
	struct arena *arena;
	struct str *problems;
	size_t n, max;
	const struct route *route;
};

static void note(struct checking *c, struct str text)
{
	const char *operation = c->route->operation ? c->route->operation : c->route->path;

	if (c->n < c->max)
		c->problems[c->n++] =
		    str_printf(c->arena, "route %s: %.*s", operation, STR_ARG(text));
}
#define complain(c, ...) note((c), str_printf((c)->arena, __VA_ARGS__))

static bool is_blank(const char *s)
{
	return !s || str_blank(str_of(s));
}

static bool is_same_place(const struct route *a, const struct route *b)
{
	if (a->method != b->method)
		return false;
	if (a->legacy && b->legacy && str_eq(str_of(a->legacy), str_of(b->legacy)))
		return true;
	return a->mount == b->mount && str_eq(str_of(a->path), str_of(b->path));
}

static void check_unique(struct checking *c)
{
	for (const struct route *const *list = c->lists; *list; list++) {
		for (const struct route *r = *list; r->path && r != c->route; r++) {
			if (is_same_place(r, c->route))
				complain(c, "its method and path are taken by %s", r->operation);
			if (str_eq(str_of(r->operation), str_of(c->route->operation)))
				complain(c, "its operation id is not its own");
		}
		for (const struct route *r = *list; r->path; r++)
			if (r == c->route)
				return;
	}
}

static void check_path(struct checking *c)
{
	const struct route *r = c->route;
	struct str path = str_of(r->path), legacy = str_of(r->legacy);

	if (r->mount == MOUNT_VERSIONED && (path.ptr[0] == '/' || !str_ends(path, STR("/"))))
		complain(c, "a versioned path starts without a slash and ends with one");
	if (r->mount != MOUNT_VERSIONED && path.ptr[0] != '/')
		complain(c, "a path of its own starts with a slash");
	if (r->legacy && (!str_starts(legacy, STR("/")) || !str_ends(legacy, STR("/"))))
		complain(c, "a legacy alias starts and ends with a slash");
	if (r->legacy && r->mount != MOUNT_VERSIONED)
		complain(c, "only a versioned route has a legacy alias");
	if (r->method == METHOD_HEAD || r->method == METHOD_OPTIONS || r->method >= METHOD_OTHER)
		complain(c, "this method is answered by the matcher");
}

static void check_words(struct checking *c)
{
	const struct route *r = c->route;

	if (is_blank(r->operation))
		complain(c, "it has no operation id");
	if (is_blank(r->summary) || is_blank(r->doc) || is_blank(r->tag))
		complain(c, "tag, summary and doc must say something");
	if (!r->raw && r->success != 204 && r->message == TEXT_NONE)
		complain(c, "its success has no message");
	if (r->success < 200 || r->success > 299)
		complain(c, "its success is no 2xx");
	if (r->success == 204 && (r->reply || r->message != TEXT_NONE))
		complain(c, "a 204 says nothing");
}

static bool may_be_open(const struct route *r)
{
	for (size_t i = 0; i < ARRAY_LEN(open_to_anyone); i++)
		if (str_eq(str_of(open_to_anyone[i]), str_of(r->operation)))
			return true;
	return false;
}

static void check_gates(struct checking *c)
{
	const struct route *r = c->route;
	bool has_body = r->method != METHOD_GET;

	if (r->auth == AUTH_NONE && !may_be_open(r))
		complain(c, "AUTH_NONE, but not on the list of routes open to anyone");
	if (r->permission != PERM_NONE && r->auth != AUTH_BEARER)
		complain(c, "a permission needs somebody who is signed in");
	if (str_starts(str_of(r->path), STR("staff/")) && r->permission == PERM_NONE &&
	    r->auth != AUTH_NONE)
		complain(c, "a route under staff/ names the permission it takes");
	if (!r->handler == !r->raw)
		complain(c, "it needs either a handler or a raw one");
	if (r->versioned && !r->handler)
		complain(c, "a raw handler writes its own ETag");
	if (r->is_inline && (r->auth != AUTH_NONE || r->throttle != THROTTLE_NONE))
		complain(c, "answered on the loop, yet a gate may park it");
	if (r->body && !has_body)
		complain(c, "this method takes no body");
	if (r->uniform && r->method != METHOD_POST)
		complain(c, "only a POST is uniform");
	if (r->raw && !r->reply && is_blank(r->media))
		complain(c, "a raw reply says what it sends: .reply or .media");
}

static void check_errors(struct checking *c)
{
	const struct route *r = c->route;

	for (const enum err *e = r->errors; e && *e != OK; e++) {
		if ((unsigned)*e >= ERR_COUNT) {
			complain(c, "it declares an error that does not exist");
			return;
		}
		for (const enum err *f = r->errors; f != e; f++)
			if (*f == *e)
				complain(c, "it declares %.*s twice", STR_ARG(err_slug(*e)));
	}
	if (!r->error_reply.schema != (r->error_reply.err == OK))
		complain(c, "an error reply has an error and a schema");
	if (r->error_reply.err != OK && !route_may_return(r, r->error_reply.err))
		complain(c, "the error of its error reply is not declared");
}

static void check_schema(struct checking *c, const struct schema *s, unsigned depth);

static void check_field(
    struct checking *c, const struct schema *s, const struct field *f, unsigned depth)
{
	bool nests = f->type == FIELD_OBJECT || f->type == FIELD_LIST;

	if (is_blank(f->doc))
		complain(c, "%s.%s has no doc", s->name, f->name);
	if (f->max != 0 && f->max < f->min)
		complain(c, "%s.%s: max is below min", s->name, f->name);
	if (f->offset + field_size(f) > s->size)
		complain(c, "%s.%s lies outside its struct", s->name, f->name);
	if (nests && !f->sub)
		complain(c, "%s.%s has no schema of its own", s->name, f->name);
	if (f->choices && f->type != FIELD_STR && f->type != FIELD_TEXTS)
		complain(c, "%s.%s: only text has choices", s->name, f->name);
	if ((f->flags & FIELD_CLEARABLE) && f->type != FIELD_STR && f->type != FIELD_TEXTS)
		complain(c, "%s.%s: only text can be cleared", s->name, f->name);
	if ((f->flags & FIELD_CLEARABLE) && (f->flags & FIELD_REQUIRED))
		complain(c, "%s.%s is required, and yet can be cleared", s->name, f->name);
	for (const struct field *g = s->fields; g != f; g++)
		if (str_eq(str_of(g->name), str_of(f->name)))
			complain(c, "%s.%s is there twice", s->name, f->name);
	if (f->sub)
		check_schema(c, f->sub, depth + 1);
}

static void check_schema(struct checking *c, const struct schema *s, unsigned depth)
{
	size_t n = 0;

	if (depth > MAX_NESTING) {
		complain(c, "%s nests too deep", s->name);
		return;
	}
	if (is_blank(s->name) || is_blank(s->doc))
		complain(c, "a schema needs a name and a doc");
	for (const struct field *f = s->fields; f->name; f++, n++)
		check_field(c, s, f, depth);
	if (n == 0 || n > MAX_FIELDS)
		complain(c, "%s has %zu fields; 1 to %d are fine", s->name, n, MAX_FIELDS);
}

static void check_body_fields(struct checking *c)
{
	static const char *const telling[] = { "role", "id", "is_staff", "permissions" };

	for (const struct field *f = c->route->body->fields; f->name; f++)
		for (size_t i = 0; i < ARRAY_LEN(telling); i++)
			if (str_eq(str_of(f->name), str_of(telling[i])) &&
			    !(f->flags & FIELD_PRIVILEGED))
				complain(c, "%s is privileged; say FIELD_PRIVILEGED if it is meant",
				    f->name);
}

/* Whatever a query can say must be one text. */
static void check_query(struct checking *c)
{
	const struct schema *query = c->route->query;

	if (c->route->body || c->route->raw)
		complain(c, "a handler is given a body or a query, not both");
	for (const struct field *f = query->fields; f->name; f++)
		if (f->type == FIELD_OBJECT || f->type == FIELD_LIST || f->type == FIELD_TEXTS ||
		    f->type == FIELD_RAW || f->type == FIELD_SECRET)
			complain(c, "%s.%s does not fit into a query", query->name, f->name);
}

static void check_param(struct checking *c)
{
	const struct route *r = c->route;
	const struct field *p = r->param;
	const struct schema *in = r->body ? r->body : r->query;
	struct str path = str_of(r->path), segment;
	ssize_t open = str_find(path, '{'), close = str_find(path, '}');

	if (open < 0 || close < open) {
		if (p)
			complain(c, "its path has no {%s}", p->name);
		return;
	}
	if (!p && r->handler)
		complain(c, "its handler is not given the segment of its path");
	if (!p)
		return;
	segment = str_from(str_upto(path, (size_t)close), (size_t)open + 1);
	if (!str_eq(segment, str_of(p->name)))
		complain(c, "its path has no {%s}", p->name);
	if (p->type != FIELD_UUID && p->type != FIELD_STR)
		complain(c, "%s: a segment is a UUID or a text", p->name);
	if (in && p->offset + field_size(p) > in->size)
		complain(c, "%s lies outside the struct of %s", p->name, in->name);
}

static void check_examples(struct checking *c)
{
	const struct route *r = c->route;

	for (const struct route_example *e = r->examples; e && e->name; e++) {
		const struct json *ignored;

		if (e->request && !r->body)
			complain(c, "example %s has a body, the route none", e->name);
		if (e->request && json_parse(c->arena, str_of(e->request), &ignored) != OK)
			complain(c, "the request of example %s is no JSON", e->name);
		if (e->reply && json_parse(c->arena, str_of(e->reply), &ignored) != OK)
			complain(c, "the reply of example %s is no JSON", e->name);
	}
}

static void check_route(struct checking *c)
{
	const struct route *r = c->route;

	check_words(c);
	if (is_blank(r->operation))
		return;
	check_unique(c);
	check_path(c);
	check_gates(c);
	check_errors(c);
	check_examples(c);
	if (r->body) {
		check_schema(c, r->body, 0);
		check_body_fields(c);
	}
	check_param(c);
	if (r->query) {
		check_schema(c, r->query, 0);
		check_query(c);
	}
	if (r->reply)
		check_schema(c, r->reply, 0);
	if (r->error_reply.schema)
		check_schema(c, r->error_reply.schema, 0);
}

size_t route_lists_check(
    const struct route *const *lists, struct arena *arena, struct str problems[], size_t max)
{
	struct checking c = { .lists = lists, .arena = arena, .problems = problems, .max = max };

	for (const struct route *const *list = lists; *list; list++) {
		for (const struct route *r = *list; r->path; r++) {
			c.route = r;
			check_route(&c);
		}
	}
	return c.n;
}

size_t route_table_check(struct arena *arena, struct str problems[], size_t max)
{
	return route_lists_check(route_lists, arena, problems, max);
}

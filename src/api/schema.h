/*
 * What a body, a query or a reply looks like: plain tables, read by the decoder, the encoder,
 * OpenAPI, the fuzzer and the HTTP tests. A struct member is named once; its offset and type follow
 * from it, so a misspelt one does not compile.
 */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include "base/codec.h"
#include "base/json.h"
#include "base/page.h"
#include "base/secret.h"
#include "rt/request.h"

enum field_type {
	FIELD_STR,
	FIELD_SECRET, /* never in a log; OpenAPI says writeOnly / format password */
	FIELD_I64,
	FIELD_BOOL,
	FIELD_UUID,
	FIELD_TIME, /* int64_t microseconds in a struct time_us; RFC 3339 on the wire; 0 is null */
	FIELD_OBJECT, /* nested struct, see .sub */
	FIELD_LIST,   /* struct list_of, see .sub */
	FIELD_TEXTS,  /* struct texts: a list of strings */
	FIELD_PAGE,   /* struct page_key as one opaque text; the start is null */
	FIELD_RAW,    /* struct raw_json: written as it is */
};

/* Wrappers that give a plain number or text a type of its own in the tables. */
struct time_us {
	int64_t us;
};
struct raw_json {
	struct str text;
};
/** struct list_of - @n elements of the sub-schema's struct. */
struct list_of {
	void *items;
	size_t n;
};
/** struct texts - @n strings. */
struct texts {
	struct str *items;
	size_t n;
};

enum field_flags {
	FIELD_REQUIRED = 1u << 0,   /* body: absent, null, empty or blank is refused */
	FIELD_NULLABLE = 1u << 1,   /* reply: empty is written as null */
	FIELD_OMIT = 1u << 2,       /* reply: empty (or false, 0, nil) is left out */
	FIELD_PRIVILEGED = 1u << 3, /* body: may be named although it is on the privileged list */
	/*
	 * Body of a PATCH (RFC 7396), texts and lists of them: null, empty or blank clears. Absent
	 * leaves a NULL pointer (.ptr, .items); cleared is a pointer to nothing.
	 */
	FIELD_CLEARABLE = 1u << 4,
};

struct schema;

struct field {
	const char *name; /* NULL ends the list */
	enum field_type type;
	unsigned flags;
	size_t offset;
	/*
	 * Of a str's characters, a secret's bytes, a number's value, a list's items; 0: none. Each
	 * of a list's texts has at most 100 characters.
	 */
	int64_t min, max;
	const char *const *choices; /* NULL-terminated; compared without case when choice_nocase */
	bool choice_nocase;
	const struct schema *sub;
	const char *format;  /* OpenAPI's: "email", "date-time" … */
	const char *pattern; /* OpenAPI's, documentation only */
	const char *doc;
	const char *example;
};

/* clang-format off */
#define MEMBER(T, m) MEMBER_AS(T, m, #m)
/** MEMBER_AS() - a member whose name on the wire is @wire. */
#define MEMBER_AS(T, m, wire) .name = (wire), .offset = offsetof(T, m), .type = _Generic(((T *)0)->m, \
	struct str: FIELD_STR, struct secret: FIELD_SECRET, int64_t: FIELD_I64, bool: FIELD_BOOL, \
	struct uuid: FIELD_UUID, struct time_us: FIELD_TIME, struct list_of: FIELD_LIST, \
	struct texts: FIELD_TEXTS, struct page_key: FIELD_PAGE, struct raw_json: FIELD_RAW)
/** MEMBER_TIME() - a service struct's int64_t of microseconds, written as a FIELD_TIME. */
#define MEMBER_TIME(T, m, wire) .name = (wire), .offset = offsetof(T, m), \
	.type = _Generic(((T *)0)->m, int64_t: FIELD_TIME)
/* clang-format on */
/** MEMBER_OBJECT() - a nested struct, which _Generic cannot name. */
#define MEMBER_OBJECT(T, m) .name = #m, .offset = offsetof(T, m), .type = FIELD_OBJECT

/* clang-format off */
/** PAGE_FIELDS() - how a query of @T asks for a page; @m is its struct page. */
#define PAGE_FIELDS(T, m) \
	{ MEMBER_AS(T, m.after, "cursor"), .doc = "next_cursor of the page before." }, \
	{ MEMBER_AS(T, m.limit, "limit"), .min = 1, .max = PAGE_MAX, \
	    .doc = "Items on a page; 50 when absent." }
/** LIST_FIELDS() - a page as a reply: a list_of @sub and the struct page_key of its last item. */
#define LIST_FIELDS(T, list, next, schema) \
	{ MEMBER_AS(T, list, "items"), .sub = (schema), .doc = "This page." }, \
	{ MEMBER_AS(T, next, "next_cursor"), .doc = "Ask with it for the next page; null: no more." }
/* clang-format on */

struct schema {
	const char *name; /* OpenAPI component: "LoginRequest" */
	size_t size;
	const struct field *fields;
	const char *doc;
};

/** enum schema_use - a body may leave optional fields out, a reply has every field. */
enum schema_use {
	SCHEMA_BODY,
	SCHEMA_REPLY,
};

/**
 * schema_decode() - check a parsed body and fill in the struct
 * @body: from rq->secrets; NULL counts as {}
 * @ret:  zeroed and filled; its text borrows from @body, so it lives until @rq ends
 *
 * Unknown members are ignored; a member of the privileged list (id, role, is_staff …) that the
 * schema does not know and that asks for something is refused by name. Every fault is collected
 * into rq->field_errors.
 *
 * Returns: OK or ERR_VALIDATION_FAILED.
 */
MUST_CHECK enum err schema_decode(
    struct request *rq, const struct schema *schema, const struct json *body, void *ret);
/** schema_decode_query() - the same for a query, where any name may be asked for. */
MUST_CHECK enum err schema_decode_query(
    struct request *rq, const struct schema *schema, const struct json *query, void *ret);
/**
 * field_decode_segment() - one segment of a path into a FIELD_UUID or FIELD_STR of @ret
 * @text: decoded; borrowed
 *
 * Returns: false when it is none: then there is nothing at that path.
 */
bool field_decode_segment(const struct field *field, struct str text, void *ret);
/** schema_encode() - write @value as JSON; drops nothing that is listed. */
void schema_encode(struct json_writer *w, const struct schema *schema, const void *value);
/** schema_example() - write an object made of the fields' examples: valid against @schema. */
void schema_example(struct json_writer *w, const struct schema *schema, enum schema_use use);
/** schema_has_secret() - does it, or a schema inside it, hold a FIELD_SECRET? */
bool schema_has_secret(const struct schema *schema);
/** schema_field() - the field called @name, or NULL. */
const struct field *schema_field(const struct schema *schema, struct str name);
/** field_size() - bytes of the struct member @field describes. */
size_t field_size(const struct field *field);

#endif

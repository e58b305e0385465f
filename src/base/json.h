/*
 * JSON both ways. Reading: jansson behind a bounded, strict front (depth scanned first, duplicate
 * members, invalid UTF-8 and trailing bytes refused, its allocator wiping). Writing: straight into
 * a buf, no tree.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/err.h"
#include "base/str.h"

struct arena;
/** struct json - a parsed value; jansson's json_t, owned by the arena it was parsed into. */
struct json;

enum json_type {
	JSON_TYPE_NULL,
	JSON_TYPE_FALSE,
	JSON_TYPE_TRUE,
	JSON_TYPE_INTEGER,
	JSON_TYPE_REAL,
	JSON_TYPE_STRING,
	JSON_TYPE_ARRAY,
	JSON_TYPE_OBJECT,
};

#define JSON_MAX_DEPTH 16

/**
 * json_parse() - read one JSON text
 * @arena: frees the tree when it ends (a wiping one for bodies with secrets)
 * @text:  whole document; any value at the top
 * @ret:   the tree
 *
 * Returns: OK, or ERR_MALFORMED_JSON (syntax, depth over JSON_MAX_DEPTH, duplicate member, NUL in a
 * member's name, invalid UTF-8, number out of range).
 */
MUST_CHECK enum err json_parse(struct arena *arena, struct str text, const struct json **ret);
/** json_new() - the same for a tree that is done with sooner; json_free() wipes it. */
MUST_CHECK enum err json_new(struct str text, const struct json **ret);
void json_free(const struct json **v);

/* What a value is and holds; asking for another type gives zero or the empty str. */

/** json_type() - which of the JSON types @v is. */
enum json_type json_type(const struct json *v);
/** json_get() - member @name of an object; NULL when it is absent or @v is no object. */
const struct json *json_get(const struct json *v, const char *name);
/** json_string() - a string's bytes (may hold NUL); the empty str for other types. */
struct str json_string(const struct json *v);
int64_t json_integer(const struct json *v);
double json_real(const struct json *v);
size_t json_array_length(const struct json *v);
const struct json *json_array_at(const struct json *v, size_t i);
/** json_each_member() - call @fn for every member in order; stops when it returns false. */
void json_each_member(const struct json *v,
    bool (*fn)(void *arg, struct str name, const struct json *value), void *arg);

/**
 * struct json_writer - writes JSON into a buf; commas and quoting are its own business
 *
 *	json_begin_object(&w);
 *	json_key(&w, STR("email"));
 *	json_write_str(&w, email);
 *	json_end_object(&w);
 */
struct json_writer {
	struct buf *out;
	uint32_t has_element; /* one bit a level: is a comma due? */
	uint8_t depth;
	bool after_key;
};

/** json_writer_init() - write into @out from here on; the json_begin_, json_write_ and json_key
 * calls must follow JSON's grammar: json_begin_object() json_end_object() json_begin_array()
 * json_end_array() json_key() json_write_str() json_write_i64() json_write_real()
 * json_write_bool() json_write_null(). */
void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, struct str name);
void json_write_str(struct json_writer *w, struct str s);
void json_write_i64(struct json_writer *w, int64_t n);
void json_write_real(struct json_writer *w, double n);
void json_write_bool(struct json_writer *w, bool b);
void json_write_null(struct json_writer *w);
/** json_write_raw() - @text is one JSON value already. */
void json_write_raw(struct json_writer *w, struct str text);
/** json_write_value() - a parsed tree, written back. */
void json_write_value(struct json_writer *w, const struct json *v);
/* Shorthands for a member with its value. */
void json_member_str(struct json_writer *w, struct str name, struct str s);
void json_member_i64(struct json_writer *w, struct str name, int64_t n);
void json_member_bool(struct json_writer *w, struct str name, bool b);

#endif

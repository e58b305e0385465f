#include "api/schema.h"
#include "base/clock.h"

/* A place in a list that is nobody's. */
#define PAGE_EXAMPLE "AAAAAAAAAAABlC88S1p8bY5_ASNFZ4mr"

/* An object that says nothing at all is none. */
static bool is_zero(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static bool is_empty(const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_STR:
		return str_empty(*(const struct str *)p);
	case FIELD_SECRET:
		return ((const struct secret *)p)->len == 0;
	case FIELD_I64:
		return *(const int64_t *)p == 0;
	case FIELD_BOOL:
		return !*(const bool *)p;
	case FIELD_UUID:
		return uuid_is_nil(*(const struct uuid *)p);
	case FIELD_TIME:
		return ((const struct time_us *)p)->us == 0;
	case FIELD_LIST:
		return ((const struct list_of *)p)->n == 0;
	case FIELD_TEXTS:
		return ((const struct texts *)p)->n == 0;
	case FIELD_PAGE:
		return page_key_is_start(*(const struct page_key *)p);
	case FIELD_RAW:
		return str_empty(((const struct raw_json *)p)->text);
	case FIELD_OBJECT:
		return (f->flags & FIELD_NULLABLE) && is_zero(p, f->sub->size);
	}
	return false;
}

static void encode_uuid(struct json_writer *w, struct uuid id)
{
	char text[UUID_TEXT_SIZE];

	uuid_format(id, text);
	json_write_str(w, str_of(text));
}

static void encode_time(struct json_writer *w, int64_t us)
{
	char text[TIME_TEXT_SIZE];

	time_format(us, text);
	json_write_str(w, str_of(text));
}

static void encode_list(struct json_writer *w, const struct schema *sub, const struct list_of *list)
{
	json_begin_array(w);
	for (size_t i = 0; i < list->n; i++)
		schema_encode(w, sub, (const char *)list->items + i * sub->size);
	json_end_array(w);
}

static void encode_texts(struct json_writer *w, const struct texts *texts)
{
	json_begin_array(w);
	for (size_t i = 0; i < texts->n; i++)
		json_write_str(w, texts->items[i]);
	json_end_array(w);
}

static void encode_page(struct json_writer *w, const struct page_key *key)
{
	char bytes[sizeof(key->n) + sizeof(key->id)];

	for (size_t i = 0; i < sizeof(key->n); i++)
		bytes[i] = (char)((uint64_t)key->n >> (8 * (sizeof(key->n) - 1 - i)));
	memcpy(bytes + sizeof(key->n), key->id.b, sizeof(key->id));
	json_write_str(w, base64url_encode(w->out->arena, str_bytes(bytes, sizeof(bytes))));
}

static void encode_value(struct json_writer *w, const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_STR:
		json_write_str(w, *(const struct str *)p);
		break;
	case FIELD_SECRET:
		json_write_str(w, secret_reveal(*(const struct secret *)p));
		break;
	case FIELD_I64:
		json_write_i64(w, *(const int64_t *)p);
		break;
	case FIELD_BOOL:
		json_write_bool(w, *(const bool *)p);
		break;
	case FIELD_UUID:
		encode_uuid(w, *(const struct uuid *)p);
		break;
	case FIELD_TIME:
		encode_time(w, ((const struct time_us *)p)->us);
		break;
	case FIELD_OBJECT:
		schema_encode(w, f->sub, p);
		break;
	case FIELD_LIST:
		encode_list(w, f->sub, p);
		break;
	case FIELD_TEXTS:
		encode_texts(w, p);
		break;
	case FIELD_PAGE:
		encode_page(w, p);
		break;
	case FIELD_RAW:
		json_write_raw(w, ((const struct raw_json *)p)->text);
		break;
	}
}

/* A moment that never came is no moment: 1970 would be a lie, and raw nothing is no JSON. */
static bool is_null(const struct field *f, bool empty)
{
	return empty && ((f->flags & FIELD_NULLABLE) || f->type == FIELD_TIME ||
			    f->type == FIELD_PAGE || f->type == FIELD_RAW);
}

void schema_encode(struct json_writer *w, const struct schema *schema, const void *value)
{
	json_begin_object(w);
	for (const struct field *f = schema->fields; f->name; f++) {
		const void *p = (const char *)value + f->offset;
		bool empty = is_empty(f, p);

		if (empty && (f->flags & FIELD_OMIT))
			continue;
		json_key(w, str_of(f->name));
		if (is_null(f, empty))
			json_write_null(w);
		else
			encode_value(w, f, p);
	}
	json_end_object(w);
}

size_t field_size(const struct field *f)
{
	switch (f->type) {
	case FIELD_STR:
	case FIELD_RAW:
		return sizeof(struct str);
	case FIELD_SECRET:
		return sizeof(struct secret);
	case FIELD_I64:
	case FIELD_TIME:
		return sizeof(int64_t);
	case FIELD_BOOL:
		return sizeof(bool);
	case FIELD_UUID:
		return sizeof(struct uuid);
	case FIELD_LIST:
		return sizeof(struct list_of);
	case FIELD_TEXTS:
		return sizeof(struct texts);
	case FIELD_PAGE:
		return sizeof(struct page_key);
	case FIELD_OBJECT:
		return f->sub ? f->sub->size : 0;
	}
	return 0;
}

bool schema_has_secret(const struct schema *schema)
{
	for (const struct field *f = schema->fields; f->name; f++)
		if (f->type == FIELD_SECRET || (f->sub && schema_has_secret(f->sub)))
			return true;
	return false;
}

/* An example of a field that names none: the plainest value of its type. */
static void example_value(struct json_writer *w, const struct field *f, enum schema_use use)
{
	switch (f->type) {
	case FIELD_STR:
	case FIELD_SECRET:
		json_write_str(w, str_of(f->example   ? f->example
					 : f->choices ? f->choices[0]
						      : ""));
		break;
	case FIELD_UUID:
		json_write_str(
		    w, str_of(f->example ? f->example : "01942f3c-4b5a-7c6d-8e7f-0123456789ab"));
		break;
	case FIELD_TIME:
		json_write_str(w, str_of(f->example ? f->example : "2026-11-21T20:15:00.000000Z"));
		break;
	case FIELD_I64:
		json_write_raw(w, str_of(f->example ? f->example : "1"));
		break;
	case FIELD_BOOL:
		json_write_raw(w, str_of(f->example ? f->example : "false"));
		break;
	case FIELD_PAGE:
		json_write_str(w, str_of(f->example ? f->example : PAGE_EXAMPLE));
		break;
	case FIELD_TEXTS:
		json_begin_array(w);
		if (f->example || f->choices)
			json_write_str(w, str_of(f->example ? f->example : f->choices[0]));
		json_end_array(w);
		break;
	case FIELD_RAW:
		json_write_raw(w, str_of(f->example ? f->example : "null"));
		break;
	case FIELD_OBJECT:
		schema_example(w, f->sub, use);
		break;
	case FIELD_LIST:
		json_begin_array(w);
		schema_example(w, f->sub, use);
		json_end_array(w);
		break;
	}
}

static bool is_shown(const struct field *f, enum schema_use use)
{
	if (f->example || f->sub || f->choices)
		return true;
	/* What need not be said is said in an example only with a value worth showing. */
	return use == SCHEMA_BODY ? (f->flags & FIELD_REQUIRED) : !(f->flags & FIELD_OMIT);
}

void schema_example(struct json_writer *w, const struct schema *schema, enum schema_use use)
{
	json_begin_object(w);
	for (const struct field *f = schema->fields; f->name; f++) {
		if (!is_shown(f, use))
			continue;
		json_key(w, str_of(f->name));
		if (!f->example && !f->sub && (f->flags & FIELD_NULLABLE))
			json_write_null(w);
		else
			example_value(w, f, use);
	}
	json_end_object(w);
}

#include "api/schema.h"
#include "base/clock.h"

/* Where in the body we are, for the names of faulty fields: "consents.0.document". */
struct decoding {
	struct request *rq;
	struct str prefix;
};

static bool decode_object(
    const struct decoding *d, const struct schema *schema, const struct json *body, void *ret);

static struct str field_path(const struct decoding *d, const struct field *f)
{
	if (str_empty(d->prefix))
		return str_of(f->name);
	return str_printf(d->rq->arena, "%.*s.%s", STR_ARG(d->prefix), f->name);
}

static bool refuse(const struct decoding *d, const struct field *f, enum text text)
{
	(void)request_refuse_field(d->rq, field_path(d, f), text, NULL, 0);
	return false;
}

static bool refuse_bound(
    const struct decoding *d, const struct field *f, enum text text, int64_t bound)
{
	struct str arg = str_printf(d->rq->arena, "%lld", (long long)bound);

	(void)request_refuse_field(d->rq, field_path(d, f), text, &arg, 1);
	return false;
}

/* PRODUCT 2: null, empty and blank strings count as absent. */
static bool is_absent(const struct json *v)
{
	if (!v || json_type(v) == JSON_TYPE_NULL)
		return true;
	return json_type(v) == JSON_TYPE_STRING && str_blank(json_string(v));
}

static bool decode_choice(const struct decoding *d, const struct field *f, struct str *s)
{
	struct buf list;

	buf_init(&list, d->rq->arena, 64);
	for (const char *const *c = f->choices; *c; c++) {
		struct str choice = str_of(*c);

		if (f->choice_nocase ? str_eq_nocase(*s, choice) : str_eq(*s, choice)) {
			*s = choice;
			return true;
		}
		if (list.len > 0)
			buf_add(&list, STR(", "));
		buf_add(&list, choice);
	}
	(void)request_refuse_field(d->rq, field_path(d, f), TEXT_FIELD_NOT_A_CHOICE,
	    &(struct str){ list.ptr, list.len }, 1);
	return false;
}

static bool decode_text(
    const struct decoding *d, const struct field *f, const struct json *v, struct str *ret)
{
	int64_t length;
	struct str s;

	if (json_type(v) != JSON_TYPE_STRING)
		return refuse(d, f, TEXT_FIELD_TYPE_STRING);
	s = json_string(v);
	if (str_find(s, '\0') >= 0)
		return refuse(d, f, TEXT_FIELD_NUL);
	length = (int64_t)(f->type == FIELD_SECRET ? s.len : str_utf8_length(s));
	if (f->min > 0 && length < f->min)
		return refuse_bound(d, f, TEXT_FIELD_TOO_SHORT, f->min);
	if (f->max > 0 && length > f->max)
		return refuse_bound(d, f, TEXT_FIELD_TOO_LONG, f->max);
	if (f->choices && !decode_choice(d, f, &s))
		return false;
	*ret = s;
	return true;
}

static bool decode_integer(
    const struct decoding *d, const struct field *f, const struct json *v, int64_t *ret)
{
	int64_t n;

	if (json_type(v) != JSON_TYPE_INTEGER)
		return refuse(d, f, TEXT_FIELD_TYPE_INTEGER);
	n = json_integer(v);
	if ((f->min != 0 || f->max != 0) && n < f->min)
		return refuse_bound(d, f, TEXT_FIELD_TOO_SMALL, f->min);
	if (f->max != 0 && n > f->max)
		return refuse_bound(d, f, TEXT_FIELD_TOO_LARGE, f->max);
	*ret = n;
	return true;
}

static bool decode_bool(
    const struct decoding *d, const struct field *f, const struct json *v, bool *ret)
{
	enum json_type type = json_type(v);

	if (type != JSON_TYPE_TRUE && type != JSON_TYPE_FALSE)
		return refuse(d, f, TEXT_FIELD_TYPE_BOOLEAN);
	*ret = type == JSON_TYPE_TRUE;
	return true;
}

static bool decode_uuid(
    const struct decoding *d, const struct field *f, const struct json *v, struct uuid *ret)
{
	struct str s;

	if (!decode_text(d, f, v, &s))
		return false;
	return uuid_parse(s, ret) || refuse(d, f, TEXT_FIELD_UUID);
}

static bool decode_time(
    const struct decoding *d, const struct field *f, const struct json *v, struct time_us *ret)
{
	struct str s;

	if (!decode_text(d, f, v, &s))
		return false;
	return time_parse(s.ptr, s.len, &ret->us) || refuse(d, f, TEXT_FIELD_TIME);
}

static bool decode_list(
    const struct decoding *d, const struct field *f, const struct json *v, struct list_of *ret)
{
	struct decoding item = { .rq = d->rq };
	bool good = true;
	size_t n;

	if (json_type(v) != JSON_TYPE_ARRAY)
		return refuse(d, f, TEXT_FIELD_TYPE_LIST);
	n = json_array_length(v);
	if ((int64_t)n < f->min)
		return refuse_bound(d, f, TEXT_FIELD_TOO_FEW, f->min);
	if (f->max > 0 && (int64_t)n > f->max)
		return refuse_bound(d, f, TEXT_FIELD_TOO_MANY, f->max);
	ret->items = arena_array(d->rq->arena, n, f->sub->size);
	ret->n = n;
	for (size_t i = 0; i < n; i++) {
		item.prefix = str_printf(d->rq->arena, "%.*s.%zu", STR_ARG(field_path(d, f)), i);
		good &= decode_object(
		    &item, f->sub, json_array_at(v, i), (char *)ret->items + i * f->sub->size);
	}
	return good;
}

#define MAX_LISTED_TEXT 100

static bool decode_texts(
    const struct decoding *d, const struct field *f, const struct json *v, struct texts *ret)
{
	/* What is said about the list's length is not meant for each of its items. */
	struct field item = { .type = FIELD_STR, .max = MAX_LISTED_TEXT, .choices = f->choices };
	struct decoding inner = { .rq = d->rq, .prefix = field_path(d, f) };
	bool good = true;

	if (json_type(v) != JSON_TYPE_ARRAY)
		return refuse(d, f, TEXT_FIELD_TYPE_LIST);
	ret->n = json_array_length(v);
	if ((int64_t)ret->n < f->min)
		return refuse_bound(d, f, TEXT_FIELD_TOO_FEW, f->min);
	if (f->max > 0 && (int64_t)ret->n > f->max)
		return refuse_bound(d, f, TEXT_FIELD_TOO_MANY, f->max);
	ret->items = ARENA_ARRAY(d->rq->arena, ret->n, struct str);
	for (size_t i = 0; i < ret->n; i++) {
		const struct json *text = json_array_at(v, i);

		item.name = str_printf(d->rq->arena, "%zu", i).ptr;
		if (is_absent(text))
			good = refuse(&inner, &item, TEXT_FIELD_REQUIRED);
		else
			good &= decode_text(&inner, &item, text, &ret->items[i]);
	}
	return good;
}

/* Anybody may make one up: it only says where in a list to go on. */
static bool decode_page(
    const struct decoding *d, const struct field *f, const struct json *v, struct page_key *ret)
{
	struct str text, bytes;
	uint64_t n = 0;

	if (!decode_text(d, f, v, &text))
		return false;
	if (!base64url_decode(d->rq->arena, text, &bytes) ||
	    bytes.len != sizeof(n) + sizeof(ret->id))
		return refuse(d, f, TEXT_FIELD_CURSOR);
	for (size_t i = 0; i < sizeof(n); i++)
		n = n << 8 | (uint8_t)bytes.ptr[i];
	ret->n = (int64_t)n;
	memcpy(ret->id.b, bytes.ptr + sizeof(n), sizeof(ret->id.b));
	return true;
}

static bool decode_raw(const struct decoding *d, const struct json *v, struct raw_json *ret)
{
	struct json_writer w;
	struct buf text;

	buf_init(&text, d->rq->secrets, 0);
	json_writer_init(&w, &text);
	json_write_value(&w, v);
	ret->text = buf_str(&text);
	return true;
}

static bool decode_value(
    const struct decoding *d, const struct field *f, const struct json *v, void *ret)
{
	struct decoding inner = { .rq = d->rq };
	struct str s;

	switch (f->type) {
	case FIELD_STR:
		return decode_text(d, f, v, ret);
	case FIELD_SECRET:
		if (!decode_text(d, f, v, &s))
			return false;
		*(struct secret *)ret = secret_of(s);
		return true;
	case FIELD_I64:
		return decode_integer(d, f, v, ret);
	case FIELD_BOOL:
		return decode_bool(d, f, v, ret);
	case FIELD_UUID:
		return decode_uuid(d, f, v, ret);
	case FIELD_TIME:
		return decode_time(d, f, v, ret);
	case FIELD_OBJECT:
		inner.prefix = field_path(d, f);
		return decode_object(&inner, f->sub, v, ret);
	case FIELD_LIST:
		return decode_list(d, f, v, ret);
	case FIELD_TEXTS:
		return decode_texts(d, f, v, ret);
	case FIELD_PAGE:
		return decode_page(d, f, v, ret);
	case FIELD_RAW:
		return decode_raw(d, v, ret);
	}
	return false;
}

/* Named with nothing in it: not what was never named. */
static void decode_cleared(const struct field *f, void *ret)
{
	static struct str nothing;

	if (f->type == FIELD_STR)
		*(struct str *)ret = STR("");
	else if (f->type == FIELD_TEXTS)
		((struct texts *)ret)->items = &nothing;
}

static bool decode_object(
    const struct decoding *d, const struct schema *schema, const struct json *body, void *ret)
{
	bool good = true;

	if (body && json_type(body) != JSON_TYPE_OBJECT) {
		struct str where = str_empty(d->prefix) ? STR("non_field_errors") : d->prefix;
		enum text text =
		    str_empty(d->prefix) ? TEXT_BODY_NOT_OBJECT : TEXT_FIELD_TYPE_OBJECT;

		(void)request_refuse_field(d->rq, where, text, NULL, 0);
		return false;
	}
	for (const struct field *f = schema->fields; f->name; f++) {
		const struct json *v = body ? json_get(body, f->name) : NULL;

		if (!is_absent(v))
			good &= decode_value(d, f, v, (char *)ret + f->offset);
		else if (f->flags & FIELD_REQUIRED)
			good = refuse(d, f, TEXT_FIELD_REQUIRED);
		else if (v && (f->flags & FIELD_CLEARABLE))
			decode_cleared(f, (char *)ret + f->offset);
	}
	return good;
}

/*
 * What no client may give itself (mass assignment). A member that says what everybody starts with
 * (@harmless), null or nothing asks for nothing and is ignored like any unknown one: front ends
 * send whole objects back.
 */
static const struct {
	struct str name;
	enum json_type harmless;
} privileged[] = {
	{ STR_INIT("id"), JSON_TYPE_NULL },
	{ STR_INIT("pk"), JSON_TYPE_NULL },
	{ STR_INIT("user_id"), JSON_TYPE_NULL },
	{ STR_INIT("external_id"), JSON_TYPE_NULL },
	{ STR_INIT("role"), JSON_TYPE_NULL },
	{ STR_INIT("roles"), JSON_TYPE_NULL },
	{ STR_INIT("groups"), JSON_TYPE_NULL },
	{ STR_INIT("permissions"), JSON_TYPE_NULL },
	{ STR_INIT("user_permissions"), JSON_TYPE_NULL },
	{ STR_INIT("auth_provider"), JSON_TYPE_NULL },
	{ STR_INIT("is_active"), JSON_TYPE_TRUE },
	{ STR_INIT("is_staff"), JSON_TYPE_FALSE },
	{ STR_INIT("is_superuser"), JSON_TYPE_FALSE },
	{ STR_INIT("is_admin"), JSON_TYPE_FALSE },
	{ STR_INIT("is_verified"), JSON_TYPE_FALSE },
	{ STR_INIT("email_verified"), JSON_TYPE_FALSE },
	{ STR_INIT("phone_verified"), JSON_TYPE_FALSE },
	{ STR_INIT("is_deleted"), JSON_TYPE_FALSE },
	{ STR_INIT("deleted_at"), JSON_TYPE_NULL },
	{ STR_INIT("last_login"), JSON_TYPE_NULL },
	{ STR_INIT("created_at"), JSON_TYPE_NULL },
	{ STR_INIT("updated_at"), JSON_TYPE_NULL },
	{ STR_INIT("date_joined"), JSON_TYPE_NULL },
	{ STR_INIT("verification_state"), JSON_TYPE_NULL },
};

struct privilege_check {
	struct request *rq;
	const struct schema *schema;
	bool good;
};

static bool check_privileged(void *arg, struct str name, const struct json *value)
{
	struct privilege_check *check = arg;

	for (size_t i = 0; i < ARRAY_LEN(privileged); i++) {
		if (!str_eq(name, privileged[i].name))
			continue;
		if (schema_field(check->schema, name) || is_absent(value) ||
		    json_type(value) == privileged[i].harmless)
			break;
		(void)request_refuse_field(
		    check->rq, privileged[i].name, TEXT_FIELD_READ_ONLY, NULL, 0);
		check->good = false;
		break;
	}
	return true;
}

const struct field *schema_field(const struct schema *schema, struct str name)
{
	for (const struct field *f = schema->fields; f->name; f++)
		if (str_eq(name, str_of(f->name)))
			return f;
	return NULL;
}

enum err schema_decode_query(
    struct request *rq, const struct schema *schema, const struct json *query, void *ret)
{
	struct decoding d = { .rq = rq };

	memset(ret, 0, schema->size);
	return decode_object(&d, schema, query, ret) ? OK : ERR_VALIDATION_FAILED;
}

bool field_decode_segment(const struct field *field, struct str text, void *ret)
{
	void *slot = (char *)ret + field->offset;

	if (field->type == FIELD_UUID)
		return uuid_parse(text, slot);
	if (str_empty(text) || !str_utf8_valid(text) || str_find(text, '\0') >= 0 ||
	    (field->max > 0 && str_utf8_length(text) > (size_t)field->max))
		return false;
	*(struct str *)slot = text;
	return true;
}

enum err schema_decode(
    struct request *rq, const struct schema *schema, const struct json *body, void *ret)
{
	struct decoding d = { .rq = rq };
	struct privilege_check check = { .rq = rq, .schema = schema, .good = true };
	bool good;

	memset(ret, 0, schema->size);
	good = decode_object(&d, schema, body, ret);
	if (body && json_type(body) == JSON_TYPE_OBJECT)
		json_each_member(body, check_privileged, &check);
	return good && check.good ? OK : ERR_VALIDATION_FAILED;
}

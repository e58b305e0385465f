/* struct schema as JSON Schema (draft 2020-12, which OpenAPI 3.1 uses). */
#include "api/openapi_priv.h"

static void member(struct json_writer *w, const char *name, const char *value)
{
	json_member_str(w, str_of(name), str_of(value));
}

static void write_ref(struct json_writer *w, const struct schema *schema)
{
	json_member_str(
	    w, STR("$ref"), str_printf(w->out->arena, "#/components/schemas/%s", schema->name));
}

static void write_type(struct json_writer *w, const char *type, bool nullable)
{
	if (!nullable) {
		member(w, "type", type);
		return;
	}
	json_key(w, STR("type"));
	json_begin_array(w);
	json_write_str(w, str_of(type));
	json_write_str(w, STR("null"));
	json_end_array(w);
}

static void write_bounds(
    struct json_writer *w, const struct field *f, const char *min, const char *max)
{
	if (f->min != 0)
		json_member_i64(w, str_of(min), f->min);
	if (f->max != 0)
		json_member_i64(w, str_of(max), f->max);
}

static void write_text(
    struct json_writer *w, const struct field *f, enum schema_use use, bool nullable)
{
	static const char *const formats[] = {
		[FIELD_STR] = NULL,
		[FIELD_SECRET] = NULL,
		[FIELD_UUID] = "uuid",
		[FIELD_TIME] = "date-time",
	};
	bool secret = f->type == FIELD_SECRET && use == SCHEMA_BODY;
	const char *format = f->format ? f->format : secret ? "password" : formats[f->type];

	write_type(w, "string", nullable);
	if (format)
		member(w, "format", format);
	if (secret)
		json_member_bool(w, STR("writeOnly"), true);
	if (f->pattern)
		member(w, "pattern", f->pattern);
	write_bounds(w, f, "minLength", "maxLength");
	/* Where case does not count, an enum would refuse what the server takes. */
	if (!f->choices || f->choice_nocase)
		return;
	json_key(w, STR("enum"));
	json_begin_array(w);
	for (const char *const *c = f->choices; *c; c++)
		json_write_str(w, str_of(*c));
	json_end_array(w);
}

static void write_object(struct json_writer *w, const struct schema *schema, bool nullable)
{
	if (!nullable) {
		write_ref(w, schema);
		return;
	}
	json_key(w, STR("anyOf"));
	json_begin_array(w);
	json_begin_object(w);
	write_ref(w, schema);
	json_end_object(w);
	json_write_raw(w, STR("{\"type\":\"null\"}"));
	json_end_array(w);
}

static void write_value(struct json_writer *w, const struct field *f, enum schema_use use)
{
	bool nullable = f->flags & (use == SCHEMA_REPLY ? FIELD_NULLABLE : FIELD_CLEARABLE);

	switch (f->type) {
	case FIELD_STR:
	case FIELD_SECRET:
	case FIELD_UUID:
	case FIELD_TIME:
		write_text(w, f, use, nullable || (use == SCHEMA_REPLY && f->type == FIELD_TIME));
		break;
	case FIELD_I64:
		write_type(w, "integer", nullable);
		write_bounds(w, f, "minimum", "maximum");
		break;
	case FIELD_BOOL:
		write_type(w, "boolean", nullable);
		break;
	case FIELD_OBJECT:
		write_object(w, f->sub, nullable);
		break;
	case FIELD_LIST:
		write_type(w, "array", nullable);
		write_bounds(w, f, "minItems", "maxItems");
		json_key(w, STR("items"));
		json_begin_object(w);
		write_ref(w, f->sub);
		json_end_object(w);
		break;
	case FIELD_TEXTS:
		write_type(w, "array", nullable);
		write_bounds(w, f, "minItems", "maxItems");
		json_key(w, STR("items"));
		json_begin_object(w);
		write_text(
		    w, &(struct field){ .type = FIELD_STR, .choices = f->choices }, use, false);
		json_end_object(w);
		break;
	case FIELD_PAGE:
		write_type(w, "string", nullable || use == SCHEMA_REPLY);
		break;
	case FIELD_RAW: /* any value: no constraint */
		break;
	}
}

void openapi_field(struct json_writer *w, const struct field *f, enum schema_use use)
{
	json_begin_object(w);
	write_value(w, f, use);
	member(w, "description", f->doc);
	json_end_object(w);
}

static bool is_required(const struct field *f, enum schema_use use)
{
	return use == SCHEMA_BODY ? (f->flags & FIELD_REQUIRED) : !(f->flags & FIELD_OMIT);
}

void openapi_schema(struct json_writer *w, const struct schema *schema, enum schema_use use)
{
	bool any = false;

	json_begin_object(w);
	member(w, "type", "object");
	member(w, "description", schema->doc);
	json_key(w, STR("properties"));
	json_begin_object(w);
	for (const struct field *f = schema->fields; f->name; f++) {
		json_key(w, str_of(f->name));
		openapi_field(w, f, use);
		any |= is_required(f, use);
	}
	json_end_object(w);
	if (any) {
		json_key(w, STR("required"));
		json_begin_array(w);
		for (const struct field *f = schema->fields; f->name; f++)
			if (is_required(f, use))
				json_write_str(w, str_of(f->name));
		json_end_array(w);
	}
	json_end_object(w);
}

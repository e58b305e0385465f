/* Facts for forms that anybody may read. */
#include "api/api_priv.h"
#include "api/tables.h"

/* The structs exist for the schema alone: the document is embedded and served as it is. */
struct state {
	struct str code, name;
};

static const struct field state_fields[] = {
	{ MEMBER(struct state, code), .example = "NG-LA", .doc = "ISO 3166-2 code." },
	{ MEMBER(struct state, name), .example = "Lagos", .doc = "Name." },
	{ 0 },
};
static const struct schema state_schema = {
	.name = "State",
	.size = sizeof(struct state),
	.fields = state_fields,
	.doc = "A state, province or region.",
};

struct currency {
	struct str code, name, symbol;
};

static const struct field currency_fields[] = {
	{ MEMBER(struct currency, code), .example = "NGN", .doc = "ISO 4217 code." },
	{ MEMBER(struct currency, name), .example = "Nigerian Naira", .doc = "Name." },
	{ MEMBER(struct currency, symbol), .example = "₦", .doc = "Symbol." },
	{ 0 },
};
static const struct schema currency_schema = {
	.name = "Currency",
	.size = sizeof(struct currency),
	.fields = currency_fields,
	.doc = "Money.",
};

struct country {
	struct str name, iso2, iso3, numeric, dial_code, flag;
	struct currency currency;
	struct list_of states;
};

static const struct field country_fields[] = {
	{ MEMBER(struct country, name), .example = "Nigeria", .doc = "Name." },
	{ MEMBER(struct country, iso2), .example = "NG", .doc = "ISO 3166-1 alpha-2 code." },
	{ MEMBER(struct country, iso3), .example = "NGA", .doc = "ISO 3166-1 alpha-3 code." },
	{ MEMBER(struct country, numeric), .example = "566", .doc = "ISO 3166-1 numeric code." },
	{ MEMBER(struct country, dial_code), .flags = FIELD_NULLABLE, .example = "+234",
	    .doc = "Calling code, E.164; null where there is none." },
	{ MEMBER_OBJECT(struct country, currency), .flags = FIELD_NULLABLE, .sub = &currency_schema,
	    .doc = "Its money; null where there is none." },
	{ MEMBER(struct country, flag), .example = "🇳🇬", .doc = "Flag, as an emoji." },
	{ MEMBER(struct country, states), .sub = &state_schema, .doc = "Its parts; may be empty." },
	{ 0 },
};
static const struct schema country_schema = {
	.name = "Country",
	.size = sizeof(struct country),
	.fields = country_fields,
	.doc = "What a form needs to know about a country.",
};

struct countries_reply {
	struct list_of countries;
};

static const struct field countries_fields[] = {
	{ MEMBER(struct countries_reply, countries), .sub = &country_schema,
	    .doc = "All of them, by name." },
	{ 0 },
};
static const struct schema countries_schema = {
	.name = "Countries",
	.size = sizeof(struct countries_reply),
	.fields = countries_fields,
	.doc = "The countries of ISO 3166-1.",
};

void countries_build(struct api *api)
{
	const struct embedded_file *f = &embedded_countries[0];
	struct json_writer w;
	struct buf body;

	buf_init(&body, api->arena, f->size + 128);
	json_writer_init(&w, &body);
	reply_begin(&w, STR_NULL, TEXT_OK);
	json_write_raw(&w, str_bytes(f->data, f->size));
	reply_end(&w);
	api->countries = (struct document){
		.body = buf_str(&body),
		.content_type = STR("application/json"),
		.etag = str_of(f->etag),
		.cache_control = STR("public, max-age=86400"),
	};
}

static void countries_get(
    struct api *api, struct request *rq, const struct api_request *in, struct api_reply *reply)
{
	document_reply(&api->countries, rq, in, reply);
}

const struct route public_routes[] = {
	{
	    .method = METHOD_GET,
	    .path = "countries/",
	    .operation = "countries",
	    .tag = "Documents",
	    .summary = "Countries, dial codes, currencies and states",
	    .doc = "The same for everybody; may be cached. An access token, if sent, only decides "
		   "how often it may be asked for.",
	    .auth = AUTH_OPTIONAL,
	    .throttle = THROTTLE_ADAPTIVE,
	    .success = 200,
	    .reply = &countries_schema,
	    .raw = countries_get,
	},
	{ 0 },
};

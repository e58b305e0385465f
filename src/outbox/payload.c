#include "base/json.h"
#include "outbox/outbox_priv.h"

/* Bound into the seal, so that no other sealed column can be put in its place. */
#define FIELD STR("outbox.payload")

struct str payload_seal(
    struct request *rq, const struct data_key *key, const struct message *message)
{
	struct json_writer w;
	struct buf json;

	buf_init(&json, rq->secrets, 512);
	json_writer_init(&w, &json);
	json_begin_object(&w);
	json_member_str(&w, STR("to"), message->to);
	json_member_str(&w, STR("name"), message->name);
	json_member_str(&w, STR("locale"), message->locale);
	json_member_str(&w, STR("code"), message->code);
	json_member_str(&w, STR("link"), message->link);
	json_member_str(&w, STR("detail"), message->detail);
	json_end_object(&w);
	if (key)
		return seal(rq->arena, key, FIELD, buf_str(&json));
	return seal_system(rq->arena, rq->keys, KEY_SYSTEM, FIELD, buf_str(&json));
}

static enum err unseal_row(struct request *rq, const struct outbox_row *row, struct str *ret)
{
	struct data_key key;
	enum err r;

	if (!row->has_user)
		return unseal_system(rq->secrets, rq->keys, KEY_SYSTEM, FIELD, row->payload, ret);
	r = data_key_unwrap(rq->keys, row->user_id, row->data_key, &key);
	if (r == OK)
		r = unseal(rq->secrets, &key, FIELD, row->payload, ret);
	data_key_wipe(&key);
	return r;
}

enum err payload_unseal(struct request *rq, const struct outbox_row *row, struct message *ret)
{
	const struct json *json;
	struct str text;

	if (unseal_row(rq, row, &text) != OK || json_parse(rq->secrets, text, &json) != OK)
		return ERR_FORBIDDEN;
	*ret = (struct message){
		.channel =
		    str_eq(row->sink, channel_name(CHANNEL_SMS)) ? CHANNEL_SMS : CHANNEL_EMAIL,
		.kind = row->kind,
		.to = json_string(json_get(json, "to")),
		.name = json_string(json_get(json, "name")),
		.locale = json_string(json_get(json, "locale")),
		.code = json_string(json_get(json, "code")),
		.link = json_string(json_get(json, "link")),
		.detail = json_string(json_get(json, "detail")),
		.expires_at_us = row->expires_at_us,
	};
	return OK;
}

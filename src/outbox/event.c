#include "outbox/event.h"

#include "base/clock.h"
#include "base/json.h"

static const struct str types[] = {
	STR_INIT("user.registered"),
	STR_INIT("user.verified"),
	STR_INIT("user.logged_in"),
	STR_INIT("user.login_failed"),
	STR_INIT("user.enabled"),
	STR_INIT("user.disabled"),
	STR_INIT("user.impersonated"),
	STR_INIT("user.restored"),
	STR_INIT("user.role_changed"),
	STR_INIT("user.sessions_ended"),
	STR_INIT("user.updated"),
	STR_INIT("user.identifier_changed"),
	STR_INIT("user.deleted"),
	STR_INIT("user.erased"),
	STR_INIT("session.revoked"),
	STR_INIT("session.others_revoked"),
	STR_INIT("session.new_device"),
	STR_INIT("password.reset_requested"),
	STR_INIT("password.changed"),
};

bool event_matches(struct str type, struct str pattern)
{
	if (str_ends(pattern, STR("*")))
		return str_starts(type, str_upto(pattern, pattern.len - 1));
	return str_eq(type, pattern);
}

bool event_pattern_known(struct str pattern)
{
	if (str_ends(pattern, STR("*")) && pattern.len > 1 && !str_ends(pattern, STR(".*")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (event_matches(types[i], pattern))
			return true;
	}
	return false;
}

static void write_data(struct json_writer *w, struct arena *arena, const struct event *event)
{
	json_key(w, STR("data"));
	json_begin_object(w);
	json_key(w, STR("user_id"));
	if (uuid_is_nil(event->user))
		json_write_null(w);
	else
		json_write_str(w, uuid_str(arena, event->user));
	for (size_t i = 0; i < event->n_fields; i++)
		json_member_str(w, event->fields[i].name, event->fields[i].value);
	json_end_object(w);
}

struct str event_encode(struct arena *arena, const struct event *event)
{
	char at[TIME_TEXT_SIZE];
	struct json_writer w;
	struct buf json;

	time_format(event->at_us, at);
	buf_init(&json, arena, 512);
	json_writer_init(&w, &json);
	json_begin_object(&w);
	json_member_str(&w, STR("type"), event->type);
	json_member_i64(&w, STR("version"), EVENT_VERSION);
	json_member_str(&w, STR("id"), uuid_str(arena, event->id));
	json_member_str(&w, STR("timestamp"), str_of(at));
	write_data(&w, arena, event);
	json_end_object(&w);
	return buf_str(&json);
}

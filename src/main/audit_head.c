#include "main/audit_head.h"

#include "base/clock.h"

#define HASH_DIGITS 16

struct head {
	struct audit_seal seal;
	bool found;
};

struct str audit_head_text(struct arena *arena, const struct audit_seal *seal)
{
	struct str mac = hex_encode(arena, str_bytes(seal->mac.b, sizeof(seal->mac.b)));

	return str_printf(
	    arena, "%lld:%.*s", (long long)seal->n, STR_ARG(str_upto(mac, HASH_DIGITS)));
}

static enum err read_tx(struct tx *tx, void *arg)
{
	struct head *head = arg;

	return audit_head(tx, &head->seal, &head->found);
}

void audit_head_log(struct core *core)
{
	struct head head = { .found = false };
	struct request rq;

	core_request(core, &rq, STR("audit_head"), now_mono_us() + 10 * US_PER_S);
	if (store_read(core->service.store, &rq, STORE_PRIMARY, read_tx, &head) == OK &&
	    head.found) {
		struct log_field field =
		    LOG_FIELD_STR("head", audit_head_text(rq.arena, &head.seal));

		log_event(LOG_LEVEL_INFO, NULL, "audit trail", &field, 1);
	}
	request_done(&rq);
}

static void log_hourly(void *core)
{
	while (rt_sleep_until(now_mono_us() + US_PER_HOUR) == OK)
		audit_head_log(core);
}

enum err audit_head_start(struct core *core)
{
	return rt_spawn(log_hourly, core);
}

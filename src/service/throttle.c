#include "service/throttle.h"

#include "service/device.h"

/* No call is counted under more keys than this. */
#define MAX_ASKS 5

/* The asks of one call, with the limits they point to. */
struct asks {
	struct kv_limit limits[MAX_ASKS];
	struct kv_ask asks[MAX_ASKS];
	size_t n;
};

static void want(
    struct asks *a, struct str name, struct rate rate, bool durable, struct str subject)
{
	if (rate.max == 0)
		return;
	a->limits[a->n] = (struct kv_limit){
		.name = name,
		.max = rate.max,
		.window_us = rate.window_us,
		.durable = durable,
	};
	a->asks[a->n] = (struct kv_ask){ .limit = &a->limits[a->n], .subject = subject };
	a->n++;
}

static enum err admit(struct request *rq, const struct asks *a)
{
	enum err e;

	if (!rq->service->config.throttle_enabled || a->n == 0)
		return OK;
	e = kv_admit(rq->service->kv, rq, a->asks, a->n);
	if (e == ERR_THROTTLED)
		return fault(rq, e, "%.*s over its limit", STR_ARG(rq->operation));
	return e;
}

static struct str network_of(struct request *rq)
{
	struct client_address network = client_address_network(&rq->client);

	return str_dup(rq->arena, str_bytes(network.b, sizeof(network.b)));
}

/* A known device is a subject of its own: others' guesses do not spend its budget. */
static struct str subject_on_device(struct request *rq, const struct str *indexes, size_t n)
{
	struct str device;
	struct buf both;

	if (!device_known(rq, indexes, n, &device))
		return indexes[0];
	buf_init(&both, rq->arena, indexes[0].len + device.len);
	buf_add(&both, indexes[0]);
	buf_add(&both, device);
	return buf_str(&both);
}

static void want_password_tries(
    struct asks *a, const struct service_config *config, struct str subject)
{
	want(a, STR("password-tries"), config->login_failures, true, subject);
	want(a, STR("password-tries-total"), config->login_failures_total, true, subject);
}

enum err throttle_identifier(
    struct request *rq, struct str purpose, const struct str *indexes, size_t n, unsigned extras)
{
	const struct service_config *config = &rq->service->config;
	struct str address = str_printf(rq->arena, "%.*s/address", STR_ARG(purpose));
	struct str who = subject_on_device(rq, indexes, n);
	struct asks a = { .n = 0 };

	want(&a, purpose, config->throttle_burst, true, who);
	want(&a, address, config->throttle_address_burst, true, network_of(rq));
	if (extras & THROTTLE_SENDS_CODE)
		want(&a, STR("code-sends"), config->otp_sends, true, indexes[0]);
	if (extras & THROTTLE_TRIES_CODE)
		want(&a, STR("code-tries"), config->otp_attempts, true, indexes[0]);
	if (extras & THROTTLE_TRIES_RESET)
		want(&a, STR("reset-tries"), config->otp_attempts, true, indexes[0]);
	if (extras & THROTTLE_TRIES_PASSWORD)
		want_password_tries(&a, config, who);
	return admit(rq, &a);
}

enum err throttle_address(struct request *rq, struct str purpose)
{
	const struct service_config *config = &rq->service->config;
	struct str address = str_printf(rq->arena, "%.*s/address", STR_ARG(purpose));
	struct asks a = { .n = 0 };

	want(&a, address, config->throttle_address_burst, true, network_of(rq));
	return admit(rq, &a);
}

enum err throttle_subject(struct request *rq, struct str purpose, struct str subject)
{
	struct asks a = { .n = 0 };

	want(&a, purpose, rq->service->config.throttle_burst, true, subject);
	return admit(rq, &a);
}

enum err throttle_forgive(struct request *rq, const struct str *indexes, size_t n)
{
	struct asks a = { .n = 0 };

	if (!rq->service->config.throttle_enabled)
		return OK;
	want_password_tries(&a, &rq->service->config, subject_on_device(rq, indexes, n));
	return a.n ? kv_forgive(rq->service->kv, rq, a.asks, a.n) : OK;
}

enum err throttle_session(struct request *rq, struct str purpose, struct uuid session)
{
	struct asks a = { .n = 0 };

	want(&a, purpose, rq->service->config.throttle_sustained, true, uuid_bytes(&session));
	return admit(rq, &a);
}

enum err throttle_own_password(struct request *rq, struct str purpose)
{
	const struct service_config *config = &rq->service->config;
	struct asks a = { .n = 0 };

	want(&a, purpose, config->throttle_sustained, true, uuid_bytes(&rq->actor.session_id));
	want_password_tries(&a, config, uuid_bytes(&rq->actor.user_id));
	return admit(rq, &a);
}

enum err throttle_forgive_own(struct request *rq)
{
	struct asks a = { .n = 0 };

	if (!rq->service->config.throttle_enabled)
		return OK;
	want_password_tries(&a, &rq->service->config, uuid_bytes(&rq->actor.user_id));
	return a.n ? kv_forgive(rq->service->kv, rq, a.asks, a.n) : OK;
}

enum err throttle_adaptive(struct request *rq, struct str purpose)
{
	const struct service_config *config = &rq->service->config;
	struct asks a = { .n = 0 };

	if (rq->actor.present)
		want(&a, purpose, config->throttle_adaptive[rq->actor.role], false,
		    uuid_bytes(&rq->actor.user_id));
	else
		want(&a, purpose, config->throttle_anonymous, false, network_of(rq));
	return admit(rq, &a);
}

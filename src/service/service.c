#include "service/service.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/audit.h"
#include "service/erase.h"
#include "service/name_index.h"
#include "store/audit_query.h"
#include "store/flow_store.h"

/* Expired rows are deleted in small bites, so that no request waits behind a long transaction. */
#define SWEEP_EVERY_US US_PER_MIN
#define SWEEP_BITE 500
#define SEAL_EVERY_US US_PER_S
/* Ended sessions and used flows are kept this long: support questions come a day later. */
#define SWEEP_SESSIONS_AFTER_US (30 * US_PER_DAY)
#define SWEEP_FLOWS_AFTER_US US_PER_DAY
#define SWEEP_OUTBOX_AFTER_US (30 * US_PER_DAY)
/* A service that reports an event again does so long before. */
#define SWEEP_REPORTS_AFTER_US (30 * US_PER_DAY)

void service_init(struct service *service, struct keyring *keys)
{
	pthread_mutex_t *lock = malloc(sizeof(*lock));

	if (!lock)
		die("out of memory");
	pthread_mutex_init(lock, NULL);
	service->keys_lock = lock;
	service->keys = keys;
}

void service_done(struct service *service)
{
	keyring_unref(&service->keys);
	if (service->keys_lock)
		pthread_mutex_destroy(service->keys_lock);
	free(service->keys_lock);
	service->keys_lock = NULL;
}

struct keyring *service_keys(struct service *service)
{
	struct keyring *keys;

	pthread_mutex_lock(service->keys_lock);
	keys = keyring_ref(service->keys);
	pthread_mutex_unlock(service->keys_lock);
	return keys;
}

static void give_keys_back(void *rq)
{
	keyring_unref(&((struct request *)rq)->keys);
}

void service_lend_keys(struct request *rq)
{
	rq->keys = service_keys(rq->service);
	arena_defer(rq->arena, give_keys_back, rq);
}

void service_set_keys(struct service *service, struct keyring *keys)
{
	struct keyring *old;

	pthread_mutex_lock(service->keys_lock);
	old = service->keys;
	service->keys = keys;
	pthread_mutex_unlock(service->keys_lock);
	keyring_unref(&old);
}

enum err service_seal_batch(struct tx *tx, void *arg)
{
	struct service *service = arg;
	struct keyring *keys = service_keys(service);
	enum err e = audit_seal_batch(tx, keys, now_wall_us());

	keyring_unref(&keys);
	return e;
}

static enum err sweep_tx(struct tx *tx, void *arg)
{
	int64_t now_us = *(const int64_t *)arg;
	int64_t n;
	enum err e;

	e = session_sweep(tx, now_us - SWEEP_SESSIONS_AFTER_US, SWEEP_BITE, &n);
	if (e == OK)
		e = flow_sweep(tx, now_us - SWEEP_FLOWS_AFTER_US, SWEEP_BITE, &n);
	if (e == OK)
		e = outbox_sweep(tx, now_us - SWEEP_OUTBOX_AFTER_US, SWEEP_BITE, &n);
	if (e == OK)
		e = audit_report_sweep(tx, now_us - SWEEP_REPORTS_AFTER_US, SWEEP_BITE, &n);
	return e;
}

/* @last: the server stops, and the running minute is written with those that are over. */
static void sweep_once(struct service *service, bool last)
{
	struct request rq;
	enum err e;

	request_init(&rq, service, now_mono_us() + 30 * US_PER_S);
	service_lend_keys(&rq);
	rq.operation = STR("sweep");
	e = store_tx_plain(service->store, &rq, sweep_tx, &rq.now_us);
	if (e == OK)
		e = kv_sweep(service->kv, &rq);
	if (e == OK)
		e = erase_closed(&rq);
	if (e == OK)
		e = audit_flush_refusals(&rq, last ? INT64_MAX : rq.now_us);
	if (e != OK && e != ERR_SHUTDOWN)
		log_warning("sweep put off: %.*s", STR_ARG(err_slug(e)));
	request_done(&rq);
}

static void sweep_loop(void *arg)
{
	struct service *service = arg;

	while (rt_sleep_until(now_mono_us() + SWEEP_EVERY_US) == OK)
		sweep_once(service, false);
	sweep_once(service, true);
}

static enum err make_room_tx(struct tx *tx, void *arg)
{
	return audit_make_room(tx, *(const int64_t *)arg);
}

static void make_room(struct service *service)
{
	struct request rq;
	enum err e;

	request_init(&rq, service, now_mono_us() + 30 * US_PER_S);
	rq.operation = STR("audit_room");
	e = store_tx_plain(service->store, &rq, make_room_tx, &rq.now_us);
	if (e != OK && e != ERR_SHUTDOWN)
		log_warning(
		    "no room made for the next months' audit rows: %.*s", STR_ARG(err_slug(e)));
	request_done(&rq);
}

static void seal_once(struct service *service, struct audit_sealer *sealer)
{
	struct request rq;
	enum err e;

	request_init(&rq, service, now_mono_us() + 30 * US_PER_S);
	service_lend_keys(&rq);
	rq.operation = STR("seal");
	e = audit_sealer_step(sealer, service->store, &rq);
	if (e != OK && e != ERR_SHUTDOWN && e != ERR_UNAVAILABLE)
		log_warning("sealing put off: %.*s", STR_ARG(err_slug(e)));
	request_done(&rq);
}

/* Where many nodes commit at once, no commit can seal: see store_seals_late(). */
static void seal_loop(void *arg)
{
	struct service *service = arg;
	struct audit_sealer sealer = { 0 };
	int64_t room_at_us = 0;

	while (rt_sleep_until(now_mono_us() + SEAL_EVERY_US) == OK) {
		if (now_mono_us() >= room_at_us) {
			make_room(service);
			room_at_us = now_mono_us() + US_PER_HOUR;
		}
		seal_once(service, &sealer);
	}
	seal_once(service, &sealer);
}

enum err service_start_background(struct service *service)
{
	enum err e = rt_spawn(sweep_loop, service);

	if (e == OK && store_seals_late(service->store))
		e = rt_spawn(seal_loop, service);
	if (e == OK)
		e = name_index_start(service);
	return e == OK ? rt_spawn(providers_refresh_loop, service) : e;
}

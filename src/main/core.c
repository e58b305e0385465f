#include "main/core.h"

#include <unistd.h>

#include "base/clock.h"
#include "main/data_dir.h"
#include "main/key_check.h"
#include "main/secrets.h"
#include "store/migrate.h"

#define OPEN_DEADLINE_US (30 * US_PER_S)

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

static enum err open_directory(struct core *core, struct str *ret_problem)
{
	enum err e = data_dir_open(core->arena, core->config->data_dir, core->mode != CORE_READ,
	    &core->dir_fd, ret_problem);

	if (e != OK || core->mode == CORE_READ)
		return e;
	e = data_dir_lock(core->dir_fd, &core->lock_fd);
	if (e == ERR_CONFLICT)
		*ret_problem = str_printf(core->arena,
		    "A server is running on the data directory %.*s already.",
		    STR_ARG(core->config->data_dir));
	else if (e != OK)
		*ret_problem =
		    str_printf(core->arena, "The lock in the data directory %.*s cannot be opened.",
			STR_ARG(core->config->data_dir));
	return e;
}

static enum err make_ring(const struct core *core, struct config *config, struct arena *secrets,
    struct keyring **ret, struct str *ret_problem)
{
	enum secrets_policy policy = SECRETS_READ;
	const char *problem;
	enum err e;

	if (core->mode != CORE_READ && config->dev)
		policy = SECRETS_READ_OR_CREATE;
	else if (core->mode == CORE_SERVE)
		policy = SECRETS_CONFIGURED;
	e = secrets_complete(config, core->dir_fd, policy, secrets, ret_problem);
	if (e != OK)
		return e;
	e = keyring_new(&config->keys, ret, &problem);
	if (e != OK)
		*ret_problem = str_of(problem);
	return e;
}

static enum err open_keys(struct core *core, struct str *ret_problem)
{
	struct keyring *keys;
	enum err e = make_ring(core, core->config, core->secrets, &keys, ret_problem);

	if (e == OK)
		service_init(&core->service, keys);
	return e;
}

static enum err open_store(struct core *core, struct str *ret_problem)
{
	struct store_config *config = &core->config->store;
	struct migrate_result migrated = { 0 };
	enum err e;

	config->read_only = core->mode == CORE_READ;
	config->before_commit = service_seal_batch;
	config->before_commit_arg = &core->service;
	config->blocking = core->service.blocking_lane;
	config->pool_owners = (core->config->http.loops ? core->config->http.loops : cores()) + 1;
	if (core->mode != CORE_SERVE)
		config->patience_us = 0; /* a command may look at everything */
	if (!config->read_only && migrate_at_start(config->url)) {
		e = migrate(config->url, false, core->arena, NULL, NULL, &migrated);
		if (e != OK) {
			*ret_problem = migrated.problem;
			return e;
		}
	}
	return store_open(config, core->arena, &core->service.store, ret_problem);
}

static enum err check_ring(
    struct core *core, struct keyring *keys, struct arena *arena, struct str *ret_problem)
{
	struct request rq;
	enum err e;

	request_init(&rq, &core->service, now_mono_us() + OPEN_DEADLINE_US);
	rq.operation = STR("start");
	rq.keys = keys; /* not necessarily the service's: it may not be in use yet */
	e = key_check(&rq, core->mode != CORE_READ, ret_problem);
	if (e != OK)
		*ret_problem = str_dup(arena, *ret_problem);
	request_done(&rq);
	return e;
}

enum err core_read_keys(struct core *core, struct config *config, struct arena *arena,
    struct arena *secrets, struct keyring **ret, struct str *ret_problem)
{
	struct keyring *keys;
	enum err e = make_ring(core, config, secrets, &keys, ret_problem);

	if (e != OK)
		return e;
	e = check_ring(core, keys, arena, ret_problem);
	if (e == OK)
		*ret = keys;
	else
		keyring_unref(&keys);
	return e;
}

/* Names are looked up there, the database's among them. */
static void open_blocking_lane(struct core *core)
{
	const struct lane_config blocking = {
		.name = "blocking",
		.workers = core->config->blocking_workers,
		.max_waiting = 256,
	};

	core->service.blocking_lane = lane_new(&blocking);
}

static enum err open_lanes(struct core *core, struct str *ret_problem)
{
	const struct config *config = core->config;
	unsigned workers = config->hash_workers ? config->hash_workers : cores();
	const struct lane_config hash = {
		.name = "hash",
		.workers = workers,
		.max_queued_us = config->hash_queue_us,
		.max_memory = config->hash_memory,
		.low_priority = true,
	};
	const char *problem;

	core->service.hash_lane = lane_new(&hash);
	core->service.pwhash = pwhash_new(&config->pwhash, core->service.hash_lane, &problem);
	if (!core->service.pwhash) {
		*ret_problem = str_of(problem);
		return ERR_UNAVAILABLE;
	}
	return OK;
}

static enum err open_breach(struct core *core, struct str *ret_problem)
{
	struct str path = core->config->breached_file;

	core->service.config.product = core->config->outbox.product;
	if (str_empty(path))
		return OK;
	return breach_open(core->arena, path, &core->service.breach, ret_problem);
}

static struct keyring *keys_of(void *service)
{
	return service_keys(service);
}

static enum err open_outbox(struct core *core, struct str *ret_problem)
{
	struct service *s = &core->service;
	struct net_config net = core->config->net;
	struct outbox_deps deps = { .store = s->store, .keys_of = keys_of, .keys_arg = s };

	net.blocking = s->blocking_lane;
	s->net = deps.net = net_new(&net);
	providers_open(s->config.providers, s->net, s->providers);
	return outbox_new(&core->config->outbox, &deps, core->arena, &s->outbox, ret_problem);
}

static void install_roles(const struct config *config, struct arena *arena)
{
	const struct service_config *service = &config->service;
	struct str *names = ARENA_ARRAY(arena, service->n_added_roles + 1, struct str);

	for (size_t i = 0; i < service->n_added_roles; i++)
		names[i] = service->added_roles[i].name;
	role_install(names, service->n_added_roles);
}

enum err core_open(struct core *core, enum core_mode mode, struct config *config,
    struct arena *arena, struct arena *secrets, struct str *ret_problem)
{
	enum err e;

	*core = (struct core){
		.mode = mode,
		.config = config,
		.arena = arena,
		.secrets = secrets,
		.dir_fd = -1,
		.lock_fd = -1,
		.service.config = config->service,
	};
	install_roles(config, arena);
	e = open_directory(core, ret_problem);
	if (e == OK)
		e = open_keys(core, ret_problem);
	if (e == OK && mode != CORE_READ)
		open_blocking_lane(core);
	if (e == OK)
		e = open_store(core, ret_problem);
	if (e == OK)
		e = check_ring(core, core->service.keys, arena, ret_problem);
	if (e != OK || mode == CORE_READ)
		return e;
	e = open_lanes(core, ret_problem);
	if (e == OK)
		e = open_breach(core, ret_problem);
	return e == OK ? open_outbox(core, ret_problem) : e;
}

void core_close(struct core *core)
{
	struct service *s = &core->service;

	outbox_free(&s->outbox);
	kv_close(&s->kv);
	store_close(&s->store);
	providers_close(s->providers);
	net_free(&s->net);
	pwhash_free(&s->pwhash);
	lane_free(&s->hash_lane);
	lane_free(&s->blocking_lane);
	breach_close(&s->breach);
	service_done(s);
	if (core->lock_fd >= 0)
		close(core->lock_fd);
	if (core->dir_fd >= 0)
		close(core->dir_fd);
}

void core_request(struct core *core, struct request *rq, struct str operation, int64_t deadline_us)
{
	request_init(rq, &core->service, deadline_us);
	service_lend_keys(rq);
	rq->operation = operation;
	rq->id = uuid_str(rq->arena, uuid_v7());
}

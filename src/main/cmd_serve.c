/*
 * The server: opened in order, run until a signal, closed in reverse. Signals are blocked before
 * the first thread starts and taken here, by the main thread alone.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "main/audit_head.h"
#include "main/control.h"
#include "main/execute.h"
#include "main/gauges.h"
#include "main/notify.h"
#include "service/identifier.h"

struct server {
	struct call *call;
	struct core core;
	struct api *api, *metrics_api;
	struct http_server *http;
	struct control *control;
	bool background;
	int draining; /* atomic */
	struct str problem;
};

/* --- what the api asks --- */

static bool ready(void *arg, struct arena *arena, struct str *ret_why_not)
{
	struct server *s = arg;

	(void)arena;
	*ret_why_not = STR("going down");
	return !__atomic_load_n(&s->draining, __ATOMIC_RELAXED);
}

static void metrics(void *arg, struct buf *out)
{
	struct server *s = arg;

	gauges_write(&s->core.service, s->http, out);
}

/* --- start --- */

static enum err open_limits(struct server *s)
{
	struct service *service = &s->core.service;
	struct request rq;
	enum err e;

	core_request(&s->core, &rq, STR("start"), now_mono_us() + 30 * US_PER_S);
	e = kv_open(&s->core.config->kv, service->store, &rq, &service->kv, &s->problem);
	s->problem = str_dup(s->core.arena, s->problem);
	request_done(&rq);
	return e;
}

static enum err start_background(struct server *s)
{
	enum err e = rt_background_start();

	s->background = e == OK;
	if (e == OK)
		e = outbox_start(s->core.service.outbox);
	if (e == OK)
		e = service_start_background(&s->core.service);
	if (e == OK)
		e = audit_head_start(&s->core);
	if (e != OK)
		s->problem = STR("The background loop cannot be started.");
	return e;
}

static enum err listen_on(struct server *s, const struct listen_address *a, struct api *api)
{
	enum err e = http_server_listen(s->http, a->host, a->port, api);

	if (e != OK)
		s->problem =
		    str_printf(s->core.arena, "Cannot listen on %s port %u.", a->host, a->port);
	return e;
}

static enum err start_http(struct server *s)
{
	const struct config *config = s->core.config;
	const struct api_probe probe = { .ready = ready, .metrics = metrics, .arg = s };
	struct api_config metrics_config = config->api;
	enum err e;

	s->api = api_new(&config->api, &s->core.service, &probe);
	s->http = http_server_new(&config->http, &s->core.service);
	e = listen_on(s, &config->listen, s->api);
	if (e == OK && config->metrics_listen.host[0]) {
		metrics_config.metrics_only = true;
		s->metrics_api = api_new(&metrics_config, &s->core.service, &probe);
		e = listen_on(s, &config->metrics_listen, s->metrics_api);
	}
	if (e != OK)
		return e;
	e = http_server_start(s->http);
	if (e != OK)
		s->problem = STR("The server's threads cannot be started.");
	return e;
}

static enum err start(struct server *s)
{
	struct call *call = s->call;
	enum err e =
	    core_open(&s->core, CORE_SERVE, call->config, call->arena, call->secrets, &s->problem);

	if (e == OK)
		e = open_limits(s);
	if (e == OK) {
		phone_warm(); /* before the first caller waits for it */
		e = start_background(s);
	}
	if (e == OK)
		e = start_http(s);
	if (e == OK)
		e = control_start(&s->core, &s->control, &s->problem);
	return e;
}

/* --- stop --- */

static void drain(struct server *s)
{
	int64_t deadline_us = now_mono_us() + s->core.config->drain_us;

	notify("STOPPING=1");
	__atomic_store_n(&s->draining, 1, __ATOMIC_RELAXED);
	log_info("draining");
	control_stop(&s->control);
	if (!http_server_drain(s->http, deadline_us))
		log_warning("some connections had to be cut");
}

static void stop(struct server *s)
{
	control_stop(&s->control);
	http_server_free(&s->http);
	if (s->background) {
		rt_background_stop();
		audit_head_log(&s->core);
	}
	api_free(&s->metrics_api);
	api_free(&s->api);
	core_close(&s->core);
}

/* --- run --- */

/* SIGHUP: the keys again, from wherever they come; requests under way keep theirs. */
static void reload_keys(struct server *s)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0), *secrets = arena_new(ARENA_WIPING, 0);
	struct config *config;
	struct keyring *keys = NULL;
	struct str problem;
	enum err e = config_load(arena, secrets, &s->call->input, &config, &problem);

	if (e == OK)
		e = core_read_keys(&s->core, config, arena, secrets, &keys, &problem);
	if (e == OK)
		service_set_keys(&s->core.service, keys);
	if (e == OK)
		log_info("read the keys again");
	else
		log_error("the keys stay as they are: %.*s", STR_ARG(problem));
	arena_free(&secrets);
	arena_free(&arena);
}

static void announce(struct server *s)
{
	const struct config *config = s->core.config;
	const char *host = config->listen.host;
	bool v6 = strchr(host, ':') != NULL;
	unsigned port = http_server_port(s->http, 0);

	fprintf(stderr, "listening on http://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
	if (config->dev)
		fprintf(stderr, " (dev inbox: http://%s%s%s:%u/dev/inbox/)", v6 ? "[" : "", host,
		    v6 ? "]" : "", port);
	fputc('\n', stderr);
	notify("READY=1");
	audit_head_log(&s->core);
}

static void run(struct server *s, const sigset_t *signals)
{
	int signal_number;

	announce(s);
	for (;;) {
		if (sigwait(signals, &signal_number) != 0)
			continue;
		if (signal_number != SIGHUP)
			break;
		reload_keys(s);
	}
	drain(s);
}

int cmd_serve(struct call *call)
{
	struct server s = { .call = call, .core = { .dir_fd = -1, .lock_fd = -1 } };
	sigset_t signals;
	enum err e;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	log_init(&call->config->log);
	for (size_t i = 0; i < call->config->n_warnings; i++)
		log_warning("%.*s", STR_ARG(call->config->warnings[i]));
	e = start(&s);
	if (e == OK)
		run(&s, &signals);
	else
		complain(call, "%.*s", STR_ARG(s.problem));
	stop(&s);
	return e == OK ? 0 : EXIT_FAILED;
}

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
	struct tls *tls; /* NULL: no listener of its kind */
	unsigned tls_listener;
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
	*ret_why_not = STR("the database is away");
	if (store_gauges(s->core.service.store).away)
		return false;
	*ret_why_not = STR("going down");
	return !__atomic_load_n(&s->draining, __ATOMIC_RELAXED);
}

static void metrics(void *arg, struct buf *out)
{
	struct server *s = arg;

	gauges_write(&s->core.service, s->http, s->tls, out);
}

/* --- start --- */

static enum err open_limits(struct server *s)
{
	struct service *service = &s->core.service;
	struct kv_config config = s->core.config->kv;
	struct request rq;
	enum err e;

	config.net = service->net;
	core_request(&s->core, &rq, STR("start"), now_mono_us() + 30 * US_PER_S);
	e = kv_open(&config, service->store, &rq, &service->kv, &s->problem);
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

static enum err listen_with_tls(struct server *s)
{
	const struct config *config = s->core.config;
	enum err e = tls_open(&config->tls, s->core.arena, &s->tls, &s->problem);

	if (e == OK)
		e = listen_on(s, &config->tls_listen, s->api);
	if (e == OK)
		http_server_encrypt(s->http, s->tls_listener, s->tls);
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
	if (e == OK && config->tls_listen.host[0]) {
		s->tls_listener = s->metrics_api ? 2 : 1;
		e = listen_with_tls(s);
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
	tls_close(&s->tls);
	api_free(&s->metrics_api);
	api_free(&s->api);
	core_close(&s->core);
}

/* --- run --- */

/* SIGHUP: the keys again, from wherever they come; requests under way keep theirs. */
static enum err reload_keys(struct server *s, struct config *config, struct arena *arena,
    struct arena *secrets, struct str *ret_problem)
{
	struct keyring *keys = NULL;
	enum err e = core_read_keys(&s->core, config, arena, secrets, &keys, ret_problem);

	if (e == OK)
		service_set_keys(&s->core.service, keys);
	return e;
}

static void reload(struct server *s)
{
	struct arena *arena = arena_new(ARENA_PLAIN, 0), *secrets = arena_new(ARENA_WIPING, 0);
	struct config *config;
	struct str problem;
	enum err e = config_load(arena, secrets, &s->call->input, &config, &problem);

	if (e == OK)
		e = reload_keys(s, config, arena, secrets, &problem);
	if (e == OK)
		log_info("read the keys again");
	else
		log_error("the keys stay as they are: %.*s", STR_ARG(problem));
	if (e == OK && s->tls) {
		e = tls_reload(s->tls, &config->tls, arena, &problem);
		if (e == OK)
			log_info("read the certificate again");
		else
			log_error("the certificate stays as it is: %.*s", STR_ARG(problem));
	}
	arena_free(&secrets);
	arena_free(&arena);
}

static void announce_on(
    const struct server *s, const char *scheme, const struct listen_address *a, unsigned n)
{
	bool v6 = strchr(a->host, ':') != NULL;

	fprintf(stderr, "%s://%s%s%s:%u", scheme, v6 ? "[" : "", a->host, v6 ? "]" : "",
	    http_server_port(s->http, n));
}

static void announce(struct server *s)
{
	const struct config *config = s->core.config;

	fputs("listening on ", stderr);
	announce_on(s, "http", &config->listen, 0);
	if (s->tls) {
		fputs(" and ", stderr);
		announce_on(s, "https", &config->tls_listen, s->tls_listener);
	}
	if (config->dev) {
		fputs(" (dev inbox: ", stderr);
		announce_on(s, "http", &config->listen, 0);
		fputs("/dev/inbox/)", stderr);
	}
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
		reload(s);
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

/* From a URL to a connection: the servers it names, their addresses, one after the other. */
#include <stdlib.h>

#include "base/clock.h"
#include "net/resolve.h"
#include "store/pg_pool.h"

#define SERVERS_MAX 32

struct servers {
	struct pg_address v[SERVERS_MAX];
	size_t n;
};

static void add(struct servers *s, const char *host, const char *address, const char *port)
{
	if (s->n < SERVERS_MAX)
		s->v[s->n++] = (struct pg_address){ host, address, port };
}

/* word() - the @i-th word of a list with commas; the only one stands for all. */
static const char *word(struct arena *arena, struct str list, size_t i)
{
	struct str rest = list, item = STR_NULL;
	size_t n = 0;

	while (str_next_token(&rest, ',', &item))
		if (n++ == i)
			return str_cstr(arena, item);
	return n == 1 ? str_cstr(arena, item) : "";
}

/* option() - what the URL, or libpq's own environment, says about @name. */
static struct str option(struct arena *arena, const PQconninfoOption *options, const char *name)
{
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (str_eq(str_of(o->keyword), str_of(name)) && o->val)
			return str_dup(arena, str_of(o->val));
	return STR_NULL;
}

static size_t count_words(struct str list)
{
	struct str rest = list, item;
	size_t n = 0;

	while (str_next_token(&rest, ',', &item))
		n++;
	return n;
}

/* find_servers() - every address of every server, in the URL's order. */
MAY_YIELD static enum err find_servers(const PQconninfoOption *options, struct lane *blocking,
    int64_t deadline_us, struct arena *arena, struct servers *ret)
{
	struct str hosts = option(arena, options, "host");
	struct str addresses = option(arena, options, "hostaddr");
	struct str ports = option(arena, options, "port");
	size_t n = count_words(str_empty(hosts) ? addresses : hosts);
	enum err r = OK;

	if (n == 0)
		add(ret, "", "", "");
	for (size_t i = 0; i < n; i++) {
		const char *host = word(arena, hosts, i), *port = word(arena, ports, i);
		const char **found = NULL;
		size_t n_found = 0;

		if (*host == '\0' || *host == '/' || *host == '@' || !str_empty(addresses)) {
			add(ret, host, word(arena, addresses, i), port);
			continue;
		}
		r = net_resolve(blocking, arena, host, deadline_us, &found, &n_found);
		for (size_t k = 0; r == OK && k < n_found; k++)
			add(ret, host, found[k], port);
	}
	return ret->n > 0 ? OK : r;
}

MAY_YIELD static enum err try_all(const char *url, const struct servers *servers,
    int64_t deadline_us, struct arena *arena, struct pg_conn **ret, struct str *ret_problem)
{
	struct str said = STR_NULL;

	for (size_t i = 0; i < servers->n; i++) {
		/* A server that hangs leaves the others their share of the time. */
		int64_t now_us = now_mono_us();
		int64_t share_us = deadline_us == NEVER_US
				       ? 10 * US_PER_S
				       : (deadline_us - now_us) / (int64_t)(servers->n - i);

		*ret = pg_conn_open(url, &servers->v[i], now_us + share_us, arena, &said);
		if (*ret)
			return OK;
	}
	*ret_problem = str_printf(arena, "PostgreSQL cannot be reached: %.*s.",
	    STR_ARG(str_upto(said, said.len < 400 ? said.len : 400)));
	return ERR_UNAVAILABLE;
}

enum err pg_connect(struct str url, struct lane *blocking, int64_t deadline_us, struct arena *arena,
    struct pg_conn **ret, struct str *ret_problem)
{
	const char *text = str_cstr(arena, url);
	char *problem = NULL;
	PQconninfoOption *options = PQconninfoParse(text, &problem);
	struct servers servers = { .n = 0 };
	enum err r;

	if (!options) {
		*ret_problem = str_printf(
		    arena, "The database URL cannot be read: %s", problem ? problem : "no memory");
		PQfreemem(problem);
		return ERR_INTERNAL;
	}
	r = find_servers(options, blocking, deadline_us, arena, &servers);
	PQconninfoFree(options);
	if (r != OK) {
		*ret_problem = STR("PostgreSQL cannot be reached: its name has no address.");
		return r;
	}
	return try_all(text, &servers, deadline_us, arena, ret, ret_problem);
}

/*
 * Requests by engine, operation and outcome, and how long they took, as Prometheus text
 * (exposition format 0.0.4). The counters belong to the process: the metrics listener has an api
 * of its own and shows what the other one counted.
 */
#include "api/api_priv.h"

#define MAX_ROUTES 256
#define ENGINES 2

static const int64_t bounds_us[] = { 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
	250000, 500000, 1000000, 2500000, 5000000 };

struct series {
	uint64_t outcomes[ERR_COUNT];
	uint64_t buckets[ARRAY_LEN(bounds_us) + 1]; /* the last: slower than all bounds */
	uint64_t sum_us;
};

static struct series table[MAX_ROUTES + 1][ENGINES];

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static uint64_t read_counter(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void metrics_count(const struct route *route, enum engine engine, enum err outcome, int64_t us)
{
	size_t index = route ? route_index(route) : MAX_ROUTES;
	struct series *s =
	    &table[index < MAX_ROUTES ? index : MAX_ROUTES][engine == ENGINE_SYNC ? 0 : 1];
	size_t bucket = 0;

	while (bucket < ARRAY_LEN(bounds_us) && us > bounds_us[bucket])
		bucket++;
	add(&s->outcomes[outcome], 1);
	add(&s->buckets[bucket], 1);
	add(&s->sum_us, us > 0 ? (uint64_t)us : 0);
}

/* Some outcomes share a slug and a status: one time series must be one line. */
static uint64_t count_of_slug(const struct series *s, enum err first)
{
	uint64_t n = 0;

	for (int i = 0; i < ERR_COUNT; i++) {
		enum err e = (enum err)i;

		if (!str_eq(err_slug(e), err_slug(first)))
			continue;
		if (i < (int)first)
			return 0; /* counted there */
		n += read_counter(&s->outcomes[i]);
	}
	return n;
}

static const char *operation_at(size_t index)
{
	const struct route *route = index < MAX_ROUTES ? route_at(index) : NULL;

	return route ? route->operation : "none";
}

static void write_outcomes(struct buf *out, size_t index, int engine)
{
	const struct series *s = &table[index][engine];

	for (int i = 0; i < ERR_COUNT; i++) {
		enum err e = (enum err)i;
		uint64_t n = count_of_slug(s, e);
		const struct route *route = index < MAX_ROUTES ? route_at(index) : NULL;
		int status = e == OK && route ? route->success : problem_status(e);

		if (n > 0)
			buf_printf(out,
			    "cloakroom_requests_total{engine=\"%s\",operation=\"%s\","
			    "status=\"%d\",code=\"%.*s\"} %llu\n",
			    engine == 0 ? "sync" : "async", operation_at(index), status,
			    STR_ARG(err_slug(e)), (unsigned long long)n);
	}
}

static void write_durations(struct buf *out, size_t index, int engine)
{
	static const char name[] = "cloakroom_request_duration_seconds";
	const struct series *s = &table[index][engine];
	const char *operation = operation_at(index), *e = engine == 0 ? "sync" : "async";
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(s->buckets); i++)
		n += read_counter(&s->buckets[i]);
	if (n == 0)
		return;
	n = 0;
	for (size_t i = 0; i < ARRAY_LEN(bounds_us); i++) {
		n += read_counter(&s->buckets[i]);
		buf_printf(out, "%s_bucket{engine=\"%s\",operation=\"%s\",le=\"%g\"} %llu\n", name,
		    e, operation, (double)bounds_us[i] / 1e6, (unsigned long long)n);
	}
	n += read_counter(&s->buckets[ARRAY_LEN(bounds_us)]);
	buf_printf(out, "%s_bucket{engine=\"%s\",operation=\"%s\",le=\"+Inf\"} %llu\n", name, e,
	    operation, (unsigned long long)n);
	buf_printf(out, "%s_sum{engine=\"%s\",operation=\"%s\"} %.6f\n", name, e, operation,
	    (double)read_counter(&s->sum_us) / 1e6);
	buf_printf(out, "%s_count{engine=\"%s\",operation=\"%s\"} %llu\n", name, e, operation,
	    (unsigned long long)n);
}

static void write_each(struct buf *out, void (*write)(struct buf *out, size_t index, int engine))
{
	for (size_t i = 0; i <= MAX_ROUTES; i++)
		for (int engine = 0; engine < ENGINES; engine++)
			write(out, i, engine);
}

void metrics_write(struct buf *out)
{
	buf_add(out, STR("# HELP cloakroom_build_info Always 1; the version is the label.\n"
			 "# TYPE cloakroom_build_info gauge\n"
			 "cloakroom_build_info{version=\"" CLOAKROOM_VERSION "\"} 1\n"
			 "# HELP cloakroom_requests_total Requests answered.\n"
			 "# TYPE cloakroom_requests_total counter\n"));
	write_each(out, write_outcomes);
	buf_add(out,
	    STR("# HELP cloakroom_request_duration_seconds From the complete request to its reply.\n"
		"# TYPE cloakroom_request_duration_seconds histogram\n"));
	write_each(out, write_durations);
}

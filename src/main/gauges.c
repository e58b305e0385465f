#include "main/gauges.h"

#include "base/clock.h"

static void put(struct buf *out, const char *name, const char *type, uint64_t value)
{
	buf_printf(out, "# TYPE cloakroom_%s %s\ncloakroom_%s %llu\n", name, type, name,
	    (unsigned long long)value);
}

static void gauge(struct buf *out, const char *name, uint64_t value)
{
	put(out, name, "gauge", value);
}

static void counter(struct buf *out, const char *name, uint64_t value)
{
	put(out, name, "counter", value);
}

static void write_http(struct buf *out, const struct http_gauges *g)
{
	gauge(out, "http_connections", g->connections);
	gauge(out, "http_requests_running", g->running);
	gauge(out, "http_requests_waiting", g->waiting);
	counter(out, "http_connections_accepted_total", g->accepted);
	counter(out, "http_connections_evicted_total", g->evicted);
	counter(out, "http_requests_received_total", g->requests);
	counter(out, "http_replies_written_total", g->replies);
	counter(out, "http_requests_cancelled_total", g->cancelled);
	counter(out, "http_accept_failures_total", g->accept_failures);
	buf_add(out, STR("# TYPE cloakroom_http_refused_total counter\n"));
	buf_printf(out,
	    "cloakroom_http_refused_total{why=\"malformed\"} %llu\n"
	    "cloakroom_http_refused_total{why=\"too_large\"} %llu\n"
	    "cloakroom_http_refused_total{why=\"timeout\"} %llu\n"
	    "cloakroom_http_refused_total{why=\"overloaded\"} %llu\n"
	    "cloakroom_http_refused_total{why=\"peer\"} %llu\n",
	    (unsigned long long)g->refused_malformed, (unsigned long long)g->refused_too_large,
	    (unsigned long long)g->refused_timeout, (unsigned long long)g->refused_overloaded,
	    (unsigned long long)g->refused_peer);
}

static void write_store(struct buf *out, const struct store_gauges *g)
{
	counter(out, "store_transactions_total", g->transactions);
	counter(out, "store_batches_total", g->batches);
	counter(out, "store_statements_total", g->statements);
	counter(out, "store_busy_total", g->busy);
	counter(out, "store_full_total", g->full);
	gauge(out, "store_transactions_waiting", g->waiting);
	gauge(out, "store_wal_pages", (uint64_t)g->wal_pages);
	counter(out, "store_round_trips_total", g->round_trips);
	counter(out, "store_retries_total", g->retries);
	counter(out, "store_connections_lost_total", g->lost);
	gauge(out, "store_connections", g->connections);
	gauge(out, "store_away", g->away);
}

static void write_hash_lane(struct buf *out, const struct lane_gauges *g)
{
	gauge(out, "hash_jobs_waiting", g->waiting);
	gauge(out, "hash_jobs_running", g->running);
	gauge(out, "hash_queue_microseconds", (uint64_t)g->queued_us);
	counter(out, "hash_jobs_refused_total", g->refused);
	counter(out, "hash_jobs_finished_total", g->finished);
}

void gauges_write(
    struct service *service, const struct http_server *http, struct tls *tls, struct buf *out)
{
	struct http_gauges h = http_server_gauges(http);
	struct store_gauges s = store_gauges(service->store);
	struct lane_gauges l = lane_gauges(service->hash_lane);
	struct kv_gauges k = kv_gauges(service->kv);
	struct outbox_gauges o = outbox_gauges(service->outbox);

	write_http(out, &h);
	if (tls)
		gauge(out, "tls_certificate_expires_seconds",
		    (uint64_t)(tls_expires_us(tls) / US_PER_S));
	write_store(out, &s);
	write_hash_lane(out, &l);
	counter(out, "limits_admitted_total", k.admitted);
	counter(out, "limits_refused_total", k.refused);
	counter(out, "limits_evicted_total", k.evicted);
	gauge(out, "limits_subjects", k.subjects);
	gauge(out, "limits_bytes", k.bytes);
	counter(out, "redis_calls_total", k.shared_calls);
	counter(out, "redis_failures_total", k.shared_failures);
	gauge(out, "redis_away", k.shared_away);
	counter(out, "outbox_delivered_total", o.delivered);
	counter(out, "outbox_retried_total", o.retried);
	counter(out, "outbox_dead_total", o.dead);
	counter(out, "outbox_expired_total", o.expired);
}

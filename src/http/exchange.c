#include "http/exchange.h"

#include "base/log.h"
#include "base/secret.h"
#include "http/conn.h"

/* Most requests fit; the rest grow. */
#define FIRST_ROOM 2048
/* Kept a loop, so that a busy one does not ask malloc for every request. */
#define MAX_SPARE 32

static struct exchange *take_spare(struct http_loop *loop)
{
	struct exchange *ex = loop->spare;

	if (ex) {
		loop->spare = ex->next_spare;
		loop->n_spare--;
	}
	return ex;
}

/* Not realloc: what it leaves behind would not be wiped. */
static void allocate(struct exchange *ex, size_t room)
{
	char *in = malloc(room);

	if (!in)
		die("out of memory");
	if (ex->in) {
		memcpy(in, ex->in, ex->in_len);
		wipe(ex->in, ex->in_wet);
		free(ex->in);
	}
	ex->in = in;
	ex->in_cap = room;
	ex->in_wet = ex->in_len;
}

struct exchange *exchange_new(struct conn *conn, size_t room)
{
	struct exchange *ex = take_spare(conn->loop);

	if (!ex) {
		ex = calloc(1, sizeof(*ex));
		if (!ex)
			die("out of memory");
		ex->loop = conn->loop;
	}
	ex->in_len = ex->in_wet = 0;
	if (!ex->in || room > ex->in_cap)
		allocate(ex, room > FIRST_ROOM ? room : FIRST_ROOM);
	ex->conn = conn;
	ex->api = conn->listener->api;
	ex->request = (struct api_request){ .method = METHOD_GET };
	ex->match = (struct api_match){ .route = NULL };
	ex->arrived_us = 0;
	http_parser_init(&ex->parser, &ex->loop->server->config.limits);
	return ex;
}

void exchange_free(struct exchange *ex)
{
	struct http_loop *loop = ex->loop;

	if (ex->rq_live)
		request_done(&ex->rq);
	ex->rq_live = false;
	ex->begun = ex->left = 0;
	wipe(ex->in, ex->in_wet); /* passwords and tokens */
	free(ex->fields);
	ex->fields = NULL;
	if (loop->n_spare == MAX_SPARE || ex->in_cap > FIRST_ROOM) {
		free(ex->in);
		free(ex);
		return;
	}
	ex->next_spare = loop->spare;
	loop->spare = ex;
	loop->n_spare++;
}

void exchange_free_spare(struct http_loop *loop)
{
	struct exchange *ex;

	while ((ex = take_spare(loop))) {
		free(ex->in);
		free(ex);
	}
}

void exchange_received(struct exchange *ex, size_t n)
{
	ex->in_len += n;
	if (ex->in_wet < ex->in_len)
		ex->in_wet = ex->in_len;
}

size_t exchange_space(const struct exchange *ex)
{
	return ex->in_cap - ex->in_len;
}

void exchange_grow(struct exchange *ex)
{
	size_t most = http_parser_room(&ex->parser), room = 2 * ex->in_cap;

	if (ex->in_cap < most)
		allocate(ex, room < most ? room : most);
}

struct exchange *exchange_split(struct exchange *ex)
{
	size_t end = ex->parser.end, rest = ex->in_len - end;
	struct exchange *next;

	if (!rest)
		return NULL;
	next = exchange_new(ex->conn, rest);
	memcpy(next->in, ex->in + end, rest);
	exchange_received(next, rest);
	wipe(ex->in + end, rest);
	ex->in_len = end;
	return next;
}

static void read_request(struct exchange *ex)
{
	free(ex->fields);
	ex->fields = calloc(ex->parser.n_fields + 1, sizeof(*ex->fields));
	if (!ex->fields)
		die("out of memory");
	http_parser_request(&ex->parser, ex->in, ex->fields, &ex->request);
	ex->request.peer = ex->conn->address;
}

static void begin(struct exchange *ex)
{
	const struct http_config *config = &ex->loop->server->config;

	request_init(&ex->rq, ex->loop->server->service, ex->arrived_us + config->request_us);
	ex->rq.arrived_us = ex->arrived_us;
	ex->rq_live = true;
	ex->reply = (struct api_reply){ .status = 0 };
}

static void finish(struct exchange *ex)
{
	HTTP_COUNT(ex->loop->server, running, -1);
	if (ex->conn)
		conn_answer(ex->conn);
	else
		exchange_free(ex);
}

/* --- engines --- */

/* On the loop's thread, in a coroutine or, if it never parks, without one. */
static void run_here(void *arg)
{
	struct exchange *ex = arg;

	begin(ex);
	api_handle(ex->api, &ex->rq, &ex->request, &ex->match, &ex->reply);
	finish(ex);
}

static void on_finished(struct rt_mail *mail)
{
	struct exchange *ex = CONTAINER_OF(mail, struct exchange, finished);
	struct http_server *server = ex->loop->server;

	ex->on_worker = false;
	finish(ex);
	http_release(server, &server->on_workers);
}

/* On a worker's thread, which has the exchange to itself but for ex->left and ex->conn. */
static void run_worker(struct rt_work *work)
{
	struct exchange *ex = CONTAINER_OF(work, struct exchange, work);

	begin(ex);
	/* Either this thread sees that the client left, or exchange_cancel() sees that it began. */
	__atomic_store_n(&ex->begun, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ex->left, __ATOMIC_SEQ_CST))
		__atomic_store_n(&ex->rq.cancelled, 1, __ATOMIC_RELAXED);
	api_handle(ex->api, &ex->rq, &ex->request, &ex->match, &ex->reply);
	rt_loop_post(ex->loop->rt, &ex->finished);
}

static enum err submit(struct exchange *ex)
{
	struct http_server *server = ex->loop->server;
	enum err r;

	ex->work.fn = run_worker;
	ex->finished.fn = on_finished;
	ex->on_worker = true;
	http_hold(&server->on_workers);
	r = rt_workers_submit(server->workers, &ex->work);
	if (r != OK) {
		ex->on_worker = false;
		http_release(server, &server->on_workers);
	}
	return r;
}

void exchange_run(struct exchange *ex)
{
	enum err r = OK;

	ex->arrived_us = now_mono_us();
	read_request(ex);
	api_match(ex->api, &ex->request, &ex->match);
	HTTP_COUNT(ex->loop->server, requests, 1);
	HTTP_COUNT(ex->loop->server, running, 1);
	switch (ex->match.where) {
	case API_INLINE:
		run_here(ex);
		return;
	case API_WORKER:
		r = submit(ex);
		break;
	case API_COROUTINE:
		r = rt_loop_coroutine(ex->loop->rt, run_here, ex);
		break;
	}
	if (r == OK)
		return;
	HTTP_COUNT(ex->loop->server, refused_overloaded, 1);
	exchange_refuse(ex, r, "no worker or coroutine free");
	finish(ex);
}

void exchange_refuse(struct exchange *ex, enum err e, const char *why)
{
	const struct http_parser *p = &ex->parser;
	const struct api_request *in = NULL;

	if (!ex->arrived_us)
		ex->arrived_us = now_mono_us();
	if (p->phase > HTTP_REQUEST_LINE) {
		read_request(ex);
		in = &ex->request;
	}
	begin(ex);
	(void)fault(&ex->rq, e, "%s", why);
	api_refuse(ex->api, &ex->rq, in, e, &ex->reply);
	if (p->expectation_failed)
		ex->reply.status = 417;
}

bool exchange_cancel(struct exchange *ex)
{
	struct http_server *server = ex->loop->server;

	if (!ex->on_worker) {
		__atomic_store_n(&ex->rq.cancelled, 1, __ATOMIC_RELAXED);
		return false;
	}
	__atomic_store_n(&ex->left, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ex->begun, __ATOMIC_SEQ_CST))
		__atomic_store_n(&ex->rq.cancelled, 1, __ATOMIC_RELAXED);
	if (!rt_workers_cancel(server->workers, &ex->work))
		return false;
	ex->on_worker = false;
	HTTP_COUNT(server, cancelled, 1);
	HTTP_COUNT(server, running, -1);
	http_release(server, &server->on_workers);
	return true;
}

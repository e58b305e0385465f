#include <hiredis/hiredis.h>

#include "base/arena.h"
#include "base/log.h"
#include "kv/redis_priv.h"

#define READ_SIZE 4096
/* No reply of ours is larger by far; a server that sends more is none. */
#define REPLY_MAX ((size_t)1 << 20)

void redis_write_command(struct buf *out, const struct str *parts, size_t n)
{
	buf_printf(out, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "$%zu\r\n", parts[i].len);
		buf_add(out, parts[i]);
		buf_add(out, STR("\r\n"));
	}
}

static struct redis_value copy_value(struct arena *arena, const redisReply *reply)
{
	struct redis_value v = { .type = REDIS_NIL };
	struct redis_value *items;

	switch (reply->type) {
	case REDIS_REPLY_INTEGER:
		v.type = REDIS_INTEGER;
		v.integer = reply->integer;
		break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
	case REDIS_REPLY_ERROR:
		v.type = reply->type == REDIS_REPLY_ERROR ? REDIS_ERROR : REDIS_STRING;
		v.string = str_dup(arena, str_bytes(reply->str, (size_t)reply->len));
		break;
	case REDIS_REPLY_ARRAY:
		v.type = REDIS_LIST;
		v.n = reply->elements;
		items = ARENA_ARRAY(arena, v.n + 1, struct redis_value);
		for (size_t i = 0; i < v.n; i++)
			items[i] = copy_value(arena, reply->element[i]);
		v.items = items;
		break;
	default:
		break;
	}
	return v;
}

MAY_YIELD enum err redis_conn_reply(
    struct redis_conn *c, struct arena *arena, int64_t deadline_us, struct redis_value *ret)
{
	char room[READ_SIZE];
	void *reply = NULL;
	size_t n, total = 0;
	enum err r;

	for (;;) {
		if (redisReaderGetReply(c->reader, &reply) != REDIS_OK)
			return ERR_UNAVAILABLE;
		if (reply)
			break;
		r = stream_read(c->stream, room, sizeof(room), deadline_us, &n);
		if (r != OK)
			return r;
		total += n;
		if (total > REPLY_MAX || redisReaderFeed(c->reader, room, n) != REDIS_OK)
			return ERR_UNAVAILABLE;
	}
	*ret = copy_value(arena, reply);
	freeReplyObject(reply);
	return OK;
}

/* AUTH and SELECT where they are needed, and a PING: whoever answers it is ready. */
static size_t write_greeting(struct buf *out, const struct redis_place *place)
{
	struct str user = secret_reveal(place->user), password = secret_reveal(place->password);
	struct str auth[3] = { STR("AUTH"), user, password };
	char room[I64_TEXT_SIZE];
	const struct str select[] = { STR("SELECT"), i64_str(place->database, room) };
	const struct str ping = STR("PING");
	size_t n = 1;

	if (!str_empty(user)) {
		redis_write_command(out, auth, 3);
		n++;
	} else if (!str_empty(password)) {
		auth[1] = password;
		redis_write_command(out, auth, 2);
		n++;
	}
	if (place->database > 0) {
		redis_write_command(out, select, ARRAY_LEN(select));
		n++;
	}
	redis_write_command(out, &ping, 1);
	return n;
}

/* The server's words may hold what we sent, so only their kind is told. */
static struct str refusal(struct arena *arena, struct str text)
{
	ssize_t space = str_find(text, ' ');

	return str_printf(arena, "The server answered %.*s.",
	    STR_ARG(str_upto(text, space < 0 ? text.len : (size_t)space)));
}

MAY_YIELD static enum err greet(struct redis_conn *c, const struct redis_place *place,
    struct arena *arena, int64_t deadline_us, struct str *ret_problem)
{
	struct redis_value reply;
	struct buf out;
	size_t n;
	enum err r;

	buf_init(&out, arena, 256);
	n = write_greeting(&out, place);
	r = stream_write(c->stream, buf_str(&out), deadline_us);
	for (size_t i = 0; r == OK && i < n; i++) {
		r = redis_conn_reply(c, arena, deadline_us, &reply);
		if (r == OK && reply.type == REDIS_ERROR) {
			*ret_problem = refusal(arena, reply.string);
			return ERR_UNAVAILABLE;
		}
	}
	if (r != OK)
		*ret_problem = STR("The server does not answer.");
	return r;
}

MAY_YIELD enum err redis_conn_open(struct net *net, const struct redis_place *place,
    int64_t deadline_us, struct redis_conn **ret, struct str *ret_problem)
{
	const struct stream_target target = {
		.host = str_of(place->host),
		.port = place->port,
		.tls = place->tls,
	};
	struct redis_conn *c = calloc(1, sizeof(*c));
	struct arena *arena = arena_new(ARENA_WIPING, 1024);
	enum err r;

	if (!c)
		die("out of memory for a connection");
	c->reader = redisReaderCreate();
	if (!c->reader)
		die("out of memory for a connection");
	r = stream_open(net, &target, deadline_us, &c->stream, ret_problem);
	if (r == OK)
		r = greet(c, place, arena, deadline_us, ret_problem);
	if (r == OK)
		*ret = c;
	else
		redis_conn_close(&c);
	if (r != OK)
		log_debug("redis: %.*s", STR_ARG(*ret_problem));
	arena_free(&arena);
	return r;
}

void redis_conn_close(struct redis_conn **c)
{
	if (!*c)
		return;
	redisReaderFree((*c)->reader);
	stream_close(&(*c)->stream);
	free(*c);
	*c = NULL;
}

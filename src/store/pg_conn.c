#include "store/pg_conn.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

/* Types whose values come in binary form; anything else is text. */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
};

#define PARAMS_MAX 40
#define SQL_MAX 2560

static const char *const control_texts[PG_CONTROL_COUNT] = {
	[PG_BEGIN_WRITE] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
	[PG_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[PG_COMMIT] = "COMMIT",
	[PG_ROLLBACK] = "ROLLBACK",
};

/* --- how it went --- */

/* give_up() - nothing more can be learnt over this connection. */
static void give_up(struct pg_conn *c, enum pg_fate fate, const char *why)
{
	if (c->fate < PG_LATE) {
		c->fate = fate;
		c->sqlstate[0] = '\0';
		snprintf(c->message, sizeof(c->message), "%s", why);
	}
	c->n = 0;
}

bool pg_conn_useless(const struct pg_conn *c)
{
	return c->fate >= PG_LATE || PQstatus(c->pg) != CONNECTION_OK;
}

/* fate_of() - what a SQLSTATE means to us (PostgreSQL's manual, appendix A). */
static enum pg_fate fate_of(struct str sqlstate)
{
	static const struct {
		struct str prefix;
		enum pg_fate fate;
	} fates[] = {
		{ STR_INIT("40"), PG_AGAIN },     /* transaction rollback, deadlock */
		{ STR_INIT("25006"), PG_MOVED },  /* read-only transaction */
		{ STR_INIT("57P"), PG_LOST },     /* shutting down, crashed, starting */
		{ STR_INIT("08"), PG_LOST },      /* connection exception */
		{ STR_INIT("53"), PG_OUTAGE },    /* insufficient resources */
		{ STR_INIT("55P03"), PG_OUTAGE }, /* lock not available */
		{ STR_INIT("57014"), PG_OUTAGE }, /* statement timeout */
		{ STR_INIT("58"), PG_OUTAGE },    /* system error */
	};

	for (size_t i = 0; i < ARRAY_LEN(fates); i++)
		if (str_starts(sqlstate, fates[i].prefix))
			return fates[i].fate;
	return PG_WRONG;
}

/* failed() - keep the first failure: those after it only follow from it. */
static void failed(struct pg_conn *c, const struct pg_note *note, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (c->fate != PG_WELL)
		return;
	if (!sqlstate || PQstatus(c->pg) != CONNECTION_OK) {
		give_up(c, PG_LOST, "the connection broke");
		return;
	}
	snprintf(c->sqlstate, sizeof(c->sqlstate), "%s", sqlstate);
	snprintf(c->message, sizeof(c->message), "%s", message ? message : "");
	/* The text of a required write divides by the number of rows it wrote. */
	if (note->otherwise != OK && str_eq(str_of(sqlstate), STR("22012"))) {
		c->fate = PG_REFUSED;
		c->otherwise = note->otherwise;
	} else {
		c->fate = fate_of(str_of(sqlstate));
	}
}

/* --- waiting --- */

/* wait_for() - false when it is too late. */
static bool wait_for(struct pg_conn *c, short events)
{
	struct rt_fd fd = { .fd = PQsocket(c->pg), .events = events };
	int64_t until_us = c->deadline_us;

	if (c->patience_us > 0 && now_mono_us() + c->patience_us < until_us)
		until_us = now_mono_us() + c->patience_us;
	if (db_wait(&fd, until_us) == OK)
		return true;
	give_up(c, PG_LATE, "no answer in time");
	return false;
}

/* flush() - everything out, reading what comes: else both sides could wait for the other. */
static bool flush(struct pg_conn *c)
{
	int unsent;

	while ((unsent = PQflush(c->pg)) == 1) {
		if (!wait_for(c, POLLIN | POLLOUT))
			return false;
		if (!PQconsumeInput(c->pg))
			break;
	}
	if (unsent == 0)
		return true;
	give_up(c, PG_LOST, "the connection broke");
	return false;
}

/* next_result() - NULL at the end of a statement's; false when there can be none any more. */
static bool next_result(struct pg_conn *c, PGresult **ret)
{
	while (PQisBusy(c->pg)) {
		if (!wait_for(c, POLLIN))
			return false;
		if (!PQconsumeInput(c->pg)) {
			give_up(c, PG_LOST, "the connection broke");
			return false;
		}
	}
	*ret = PQgetResult(c->pg);
	return true;
}

/* --- values --- */

static int64_t read_be(const char *p, int size)
{
	uint64_t n = *p & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < size; i++)
		n = n << 8 | (uint8_t)p[i];
	return (int64_t)n;
}

static struct val column(struct arena *arena, const PGresult *result, int row, int i)
{
	const char *p = PQgetvalue(result, row, i);
	int len = PQgetlength(result, row, i);
	struct str bytes;

	if (PQgetisnull(result, row, i))
		return val_null();
	switch (PQftype(result, i)) {
	case OID_INT8:
	case OID_INT4:
	case OID_INT2:
	case OID_BOOL:
		return val_int(read_be(p, len));
	case OID_BYTEA:
		bytes = str_bytes(arena_copy(arena, p, (size_t)len), (size_t)len);
		return val_blob(bytes);
	default:
		bytes = str_bytes(arena_copy(arena, p, (size_t)len), (size_t)len);
		return val_text(bytes);
	}
}

static struct row row_of(struct arena *arena, const PGresult *result, int i)
{
	size_t n = (size_t)PQnfields(result);
	struct val *cols = ARENA_ARRAY(arena, n, struct val);

	for (size_t k = 0; k < n; k++)
		cols[k] = column(arena, result, i, (int)k);
	return (struct row){ .found = true, .n = n, .cols = cols };
}

/* --- receiving --- */

static void take_each(struct pg_conn *c, struct pg_each *each, const PGresult *result)
{
	for (int i = 0; i < PQntuples(result) && !each->enough; i++) {
		struct row row = row_of(c->tx->arena, result, i);

		each->enough = !each->each(each->arg, &row);
	}
}

static void take(struct pg_conn *c, const struct pg_note *note, PGresult *result)
{
	switch (note->want) {
	case PG_WANT_KNOWN:
		c->known[note->text] = true;
		break;
	case PG_WANT_ROW:
		if (PQntuples(result) > 0)
			*(struct row *)note->into = row_of(c->tx->arena, result, 0);
		break;
	case PG_WANT_COUNT:
		*(int64_t *)note->into = strtoll(PQcmdTuples(result), NULL, 10);
		break;
	case PG_WANT_EACH:
		take_each(c, note->into, result);
		break;
	case PG_WANT_COMMIT:
		/* COMMIT of a failed transaction says ROLLBACK, and is no error. */
		if (!str_eq(str_of(PQcmdStatus(result)), STR("COMMIT")) && c->fate == PG_WELL) {
			c->fate = PG_WRONG;
			snprintf(c->message, sizeof(c->message), "COMMIT rolled back");
		}
		break;
	case PG_WANT_DONE:
	case PG_WANT_SYNC:
		break;
	}
}

/* receive_one() - every result of the oldest note. */
static void receive_one(struct pg_conn *c)
{
	struct pg_note note = c->notes[c->first];
	PGresult *result;
	bool over = false, ended = false;

	if (note.want == PG_WANT_EACH)
		PQsetSingleRowMode(c->pg);
	while (!over && next_result(c, &result)) {
		if (!result) {
			/* One may stand between a statement and its sync. */
			over = note.want != PG_WANT_SYNC || ended;
			ended = true;
			continue;
		}
		switch (PQresultStatus(result)) {
		case PGRES_PIPELINE_SYNC:
			over = true;
			break;
		case PGRES_COMMAND_OK:
		case PGRES_TUPLES_OK:
		case PGRES_SINGLE_TUPLE:
			take(c, &note, result);
			break;
		case PGRES_PIPELINE_ABORTED:
			break;
		case PGRES_FATAL_ERROR:
		case PGRES_EMPTY_QUERY:
		case PGRES_COPY_OUT:
		case PGRES_COPY_IN:
		case PGRES_COPY_BOTH:
		case PGRES_BAD_RESPONSE:
		case PGRES_NONFATAL_ERROR:
		default:
			failed(c, &note, result);
			break;
		}
		PQclear(result);
		over |= c->fate >= PG_LATE;
	}
	if (c->fate < PG_LATE && PQstatus(c->pg) != CONNECTION_OK)
		give_up(c, PG_LOST, "the connection broke");
	if (c->n == 0)
		return;
	c->first = (c->first + 1) % PG_NOTES_MAX;
	c->n--;
}

enum pg_fate pg_receive(struct pg_conn *c, bool sync)
{
	if (c->n == 0 || c->fate >= PG_LATE)
		return c->fate;
	if (!sync && !PQsendFlushRequest(c->pg))
		give_up(c, PG_LOST, "the connection broke");
	c->trips++;
	if (flush(c))
		while (c->n > 0)
			receive_one(c);
	return c->fate;
}

void pg_conn_fresh(struct pg_conn *c, struct tx *tx, int64_t deadline_us)
{
	c->tx = tx;
	c->deadline_us = deadline_us;
	while (c->n > 0)
		receive_one(c);
	if (pg_conn_useless(c))
		return;
	if (PQtransactionStatus(c->pg) != PQTRANS_IDLE) {
		give_up(c, PG_LOST, "a transaction was left open");
		return;
	}
	c->fate = PG_WELL;
	c->message[0] = c->sqlstate[0] = '\0';
}

bool pg_conn_silent(const struct pg_conn *c)
{
	struct pollfd fd = { .fd = PQsocket(c->pg), .events = POLLIN };

	return c->n > 0 || poll(&fd, 1, 0) == 0;
}

/* --- sending --- */

static void put_note(struct pg_conn *c, const struct pg_note *note)
{
	c->notes[(c->first + c->n++) % PG_NOTES_MAX] = *note;
}

/* text_of() - the SQL behind a number; @room: for those that are made. */
static const char *text_of(unsigned text, char room[static SQL_MAX])
{
	int n;

	if (text < PG_CONTROL_COUNT)
		return control_texts[text];
	if (text < PG_CONTROL_COUNT + STMT_COUNT)
		return statement_sql_pg((enum statement)(text - PG_CONTROL_COUNT));
	n = snprintf(room, SQL_MAX,
	    "WITH written AS (%s RETURNING 1) SELECT 1 / count(*) FROM written",
	    statement_sql_pg((enum statement)(text - PG_CONTROL_COUNT - STMT_COUNT)));
	assert(n > 0 && n < SQL_MAX);
	return room;
}

static NOINLINE void prepare(struct pg_conn *c, unsigned text, const char *name)
{
	const struct pg_note note = { .want = PG_WANT_KNOWN, .text = text };
	char room[SQL_MAX];

	if (PQsendPrepare(c->pg, name, text_of(text, room), 0, NULL))
		put_note(c, &note);
	else
		give_up(c, PG_LOST, "the connection broke");
}

/* is_coming() - has the text been sent to be prepared, and not answered yet? */
static bool is_coming(const struct pg_conn *c, unsigned text)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct pg_note *note = &c->notes[(c->first + i) % PG_NOTES_MAX];

		if (note->want == PG_WANT_KNOWN && note->text == text)
			return true;
	}
	return false;
}

/* struct params - values as libpq takes them: whole numbers as text, bytes as they are. */
struct params {
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];
	char numbers[PARAMS_MAX][24];
};

static void fill(struct params *p, const struct val *v, size_t n)
{
	assert(n <= PARAMS_MAX);
	for (size_t i = 0; i < n; i++) {
		p->lengths[i] = 0;
		p->formats[i] = 1;
		switch (v[i].type) {
		case VAL_NULL:
			p->values[i] = NULL;
			break;
		case VAL_INT:
			/* Whatever width the server has inferred for it. */
			snprintf(p->numbers[i], sizeof(p->numbers[i]), "%lld", (long long)v[i].i);
			p->values[i] = p->numbers[i];
			p->formats[i] = 0;
			break;
		case VAL_TEXT:
		case VAL_BLOB:
			p->values[i] = v[i].s.ptr ? v[i].s.ptr : "";
			p->lengths[i] = (int)v[i].s.len;
			break;
		}
	}
}

static NOINLINE int send_unnamed(struct pg_conn *c, unsigned text, const struct params *p, size_t n)
{
	char room[SQL_MAX];

	return PQsendQueryParams(
	    c->pg, text_of(text, room), (int)n, NULL, p->values, p->lengths, p->formats, 1);
}

static int send_named(struct pg_conn *c, unsigned text, const struct params *p, size_t n)
{
	char name[16];

	snprintf(name, sizeof(name), "c%u", text);
	if (!c->known[text] && !is_coming(c, text))
		prepare(c, text, name);
	return c->fate == PG_WELL &&
	       PQsendQueryPrepared(c->pg, name, (int)n, p->values, p->lengths, p->formats, 1);
}

void pg_send(struct pg_conn *c, const struct pg_note *note, const struct val *params, size_t n)
{
	struct params p;
	int sent;

	if (c->n + 3 > PG_NOTES_MAX)
		pg_receive(c, false);
	if (c->fate != PG_WELL)
		return;
	fill(&p, params, n);
	if (c->unnamed)
		sent = send_unnamed(c, note->text, &p, n);
	else
		sent = send_named(c, note->text, &p, n);
	if (sent)
		put_note(c, note);
	else
		give_up(c, PG_LOST, "the connection broke");
}

void pg_send_control(struct pg_conn *c, enum pg_control control)
{
	const struct pg_note note = {
		.want = control == PG_COMMIT ? PG_WANT_COMMIT : PG_WANT_DONE,
		.text = control,
	};
	enum pg_fate so_far = c->fate;

	/* ROLLBACK is sent because something failed. */
	if (so_far >= PG_LATE)
		return;
	c->fate = PG_WELL;
	pg_send(c, &note, NULL, 0);
	if (c->fate == PG_WELL)
		c->fate = so_far;
}

void pg_send_sync(struct pg_conn *c)
{
	const struct pg_note note = { .want = PG_WANT_SYNC };

	if (c->fate >= PG_LATE)
		return;
	if (!PQpipelineSync(c->pg)) {
		give_up(c, PG_LOST, "the connection broke");
		return;
	}
	put_note(c, &note);
	flush(c);
}

/* --- opening and closing --- */

static void say_nothing(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/* connect_with() - drive PQconnectPoll(); libpq's descriptor may be another after each step. */
static bool connect_with(PGconn *pg, int64_t deadline_us)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
		struct rt_fd fd = { .fd = PQsocket(pg),
			.events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT };

		if (fd.fd < 0 || db_wait(&fd, deadline_us) != OK)
			return false;
		next = PQconnectPoll(pg);
	}
	return next == PGRES_POLLING_OK;
}

struct pg_conn *pg_conn_open(const char *url, const struct pg_address *address, int64_t deadline_us,
    struct arena *arena, struct str *ret_message)
{
	/* In a later place a word goes over what the URL says; the fallback is under it. */
	const char *const words[] = { "gssencmode", "dbname", "host", "hostaddr", "port",
		"client_encoding", "fallback_application_name", NULL };
	const char *const values[] = { "disable", url, address->host, address->hostaddr,
		address->port, "UTF8", "cloakroom", NULL };
	PGconn *pg = PQconnectStartParams(words, values, 1);
	struct pg_conn *c;

	if (!pg)
		abort();
	PQsetNoticeProcessor(pg, say_nothing, NULL);
	if (PQstatus(pg) == CONNECTION_BAD || !connect_with(pg, deadline_us)) {
		*ret_message = str_trim(str_dup(arena, str_of(PQerrorMessage(pg))));
		if (str_empty(*ret_message))
			*ret_message = STR("it does not answer");
		PQfinish(pg);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->pg = pg;
	c->deadline_us = deadline_us;
	PQsetnonblocking(pg, 1);
	return c;
}

bool pg_conn_pipeline(struct pg_conn *c, bool unnamed, int64_t patience_us)
{
	c->unnamed = unnamed;
	c->patience_us = patience_us;
	return PQenterPipelineMode(c->pg);
}

void pg_conn_close(struct pg_conn *c)
{
	PQfinish(c->pg);
	free(c);
}

PGresult *pg_conn_exec(struct pg_conn *c, const char *sql, int64_t deadline_us)
{
	PGresult *result, *last = NULL;

	c->deadline_us = deadline_us;
	if (!PQsendQuery(c->pg, sql) || !flush(c))
		return NULL;
	while (next_result(c, &result) && result) {
		/* The first failure ends the text; what comes after it would hide it. */
		PQclear(last);
		last = result;
	}
	return last;
}

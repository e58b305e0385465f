/*
 * One PostgreSQL connection in pipeline mode. What is sent is noted; answers come in the same
 * order and are read when one of them is needed. Used by one thread or coroutine at a time.
 */
#ifndef STORE_PG_CONN_H
#define STORE_PG_CONN_H

#include <libpq-fe.h>

#include "store/db.h"

/* Statements that are not about tables. */
enum pg_control {
	PG_BEGIN_WRITE,
	PG_BEGIN_READ,
	PG_COMMIT,
	PG_ROLLBACK,
	PG_CONTROL_COUNT,
};

/* A text the server may have prepared: a control, a statement, or a statement that must write. */
#define PG_TEXT_STATEMENT(id) (PG_CONTROL_COUNT + (unsigned)(id))
#define PG_TEXT_REQUIRED(id) (PG_CONTROL_COUNT + STMT_COUNT + (unsigned)(id))
#define PG_TEXT_COUNT (PG_CONTROL_COUNT + 2 * STMT_COUNT)

/* What has become of what was sent since pg_conn_fresh(). */
enum pg_fate {
	PG_WELL,
	PG_REFUSED, /* a write that had to happen did not: .otherwise */
	PG_AGAIN,   /* somebody else was in the way: the same may well work now */
	PG_OUTAGE,  /* the server has no room or no time */
	PG_MOVED,   /* it may only be read: another server is the primary now */
	PG_WRONG,   /* it does not understand us */
	PG_LATE,    /* no answer in time: nobody knows */
	PG_LOST,    /* the connection broke: nobody knows */
};

/** enum pg_want - what is made of an answer. */
enum pg_want {
	PG_WANT_DONE,   /* nothing */
	PG_WANT_KNOWN,  /* the text is prepared from here on */
	PG_WANT_ROW,    /* .into is a struct row */
	PG_WANT_COUNT,  /* .into is an int64_t */
	PG_WANT_EACH,   /* .into is a struct pg_each */
	PG_WANT_COMMIT, /* it must have been one */
	PG_WANT_SYNC,
};

struct pg_each {
	row_fn *each;
	void *arg;
	bool enough;
};

struct pg_note {
	enum pg_want want;
	unsigned text;
	enum err otherwise; /* OK: the statement need not write */
	void *into;
};

#define PG_NOTES_MAX 128

struct pg_conn {
	struct list link; /* in its pool */
	PGconn *pg;
	bool unnamed;         /* prepare nothing */
	int64_t patience_us;  /* for one answer; 0: as long as the deadline says */
	int64_t retire_at_us; /* monotonic: then it is replaced */

	/* Of the transaction it serves. */
	struct tx *tx;
	int64_t deadline_us;
	enum pg_fate fate;
	enum err otherwise;
	char sqlstate[6];
	char message[160];

	struct pg_note notes[PG_NOTES_MAX]; /* a ring of what is not answered yet */
	unsigned first, n;
	uint64_t trips; /* answers waited for */
	bool known[PG_TEXT_COUNT];
};

/** struct pg_address - where to connect: one server, its address looked up. */
struct pg_address {
	const char *host, *hostaddr, *port; /* hostaddr: "" when libpq needs none */
};

/**
 * pg_conn_open() - connect to one server
 * @url: as the operator wrote it; @address goes over what it says about the host
 * @message: on failure what libpq said, in @arena
 *
 * Returns: NULL on failure.
 */
MAY_YIELD struct pg_conn *pg_conn_open(const char *url, const struct pg_address *address,
    int64_t deadline_us, struct arena *arena, struct str *ret_message);
void pg_conn_close(struct pg_conn *c);

/** pg_conn_pipeline() - from here on in pipeline mode; before, pg_conn_exec() works. */
bool pg_conn_pipeline(struct pg_conn *c, bool unnamed, int64_t patience_us);
/** pg_conn_exec() - texts without parameters, the simple way; the last result, or NULL. */
MAY_YIELD PGresult *pg_conn_exec(struct pg_conn *c, const char *sql, int64_t deadline_us);

/** pg_conn_fresh() - forget how the last transaction went; answers still due are read first. */
MAY_YIELD void pg_conn_fresh(struct pg_conn *c, struct tx *tx, int64_t deadline_us);
/** pg_conn_useless() - may nothing be sent over it any more? */
bool pg_conn_useless(const struct pg_conn *c);
/** pg_conn_silent() - is there nothing to read? An idle server says something only to leave. */
bool pg_conn_silent(const struct pg_conn *c);

/** pg_send() - note and send; what fails shows in the fate. */
MAY_YIELD void pg_send(
    struct pg_conn *c, const struct pg_note *note, const struct val *params, size_t n);
/** pg_send_control() - likewise. */
MAY_YIELD void pg_send_control(struct pg_conn *c, enum pg_control control);
/** pg_send_sync() - the end of what stands or falls together; flushed at once. */
MAY_YIELD void pg_send_sync(struct pg_conn *c);
/** pg_receive() - read every answer that is due. @sync: it ends with one to pg_send_sync(). */
MAY_YIELD enum pg_fate pg_receive(struct pg_conn *c, bool sync);

#endif

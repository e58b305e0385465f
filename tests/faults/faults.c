/*
 * Faults on purpose, put between our object files by the linker (--wrap): the sources of the server
 * know nothing of them.
 *
 *	TEST_FAULT=early_return   a password check for somebody unknown costs nothing
 *	TEST_FAULT=ack_early      COMMIT says "done" at once and is done a little later
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/pwhash.h"

#define LATE_US 20000

enum err __real_pwhash_verify(struct pwhash *p, struct secret password, struct str encoded,
    const struct pwhash_caller *caller, bool *ret_match);
enum err __wrap_pwhash_verify(struct pwhash *p, struct secret password, struct str encoded,
    const struct pwhash_caller *caller, bool *ret_match);
int __real_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __real_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);

static bool fault_is(const char *name)
{
	const char *chosen = getenv("TEST_FAULT");

	return chosen && strcmp(chosen, name) == 0;
}

enum err __wrap_pwhash_verify(struct pwhash *p, struct secret password, struct str encoded,
    const struct pwhash_caller *caller, bool *ret_match)
{
	if (fault_is("early_return") && str_empty(encoded)) {
		*ret_match = false;
		return OK;
	}
	return __real_pwhash_verify(p, password, encoded, caller, ret_match);
}

/* The COMMIT this thread has promised and not yet made. */
static _Thread_local sqlite3_stmt *promised;

/* Migrations commit too, in another thread, and look at what they did. */
static bool is_writer(void)
{
	char name[16] = "";

	return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
	       strcmp(name, "store-writer") == 0;
}

static void keep_promise(void)
{
	sqlite3_stmt *stmt = promised;

	promised = NULL;
	if (stmt) {
		__real_sqlite3_step(stmt);
		sqlite3_reset(stmt);
	}
}

int __wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	const char *sql = sqlite3_sql(stmt);

	if (fault_is("ack_early") && is_writer() && strcmp(sql, "COMMIT") == 0 &&
	    sqlite3_txn_state(sqlite3_db_handle(stmt), NULL) == SQLITE_TXN_WRITE) {
		promised = stmt;
		return SQLITE_DONE;
	}
	keep_promise();
	return __real_sqlite3_step(stmt);
}

/* The writer has nothing to do: everybody has had their answer by now. */
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	if (!promised)
		return __real_pthread_cond_wait(cond, mutex);
	pthread_mutex_unlock(mutex);
	usleep(LATE_US);
	keep_promise();
	pthread_mutex_lock(mutex);
	return 0; /* a spurious wake-up, as POSIX allows */
}

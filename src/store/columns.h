/*
 * The column lists of the tables and how a row of each becomes a struct. A list is written once:
 * INSERT binds in this order, SELECT and RETURNING give this order, the decode function reads it.
 * @t is "" or the table's name with a dot, for joins (SQLite's RETURNING takes no alias).
 */
#ifndef STORE_COLUMNS_H
#define STORE_COLUMNS_H

#include "store/store.h"

struct audit_row;
struct audit_seal;
struct flow_row;
struct identity_row;
struct outbox_row;
struct session_row;
struct user_row;

#define USER_COLUMNS(t)                                                                           \
	t "id, " t "external_id, " t "email, " t "email_index, " t "phone, " t "phone_index, " t  \
	  "index_version, " t "data_key, " t "profile, " t "password, " t "password_at, " t       \
	  "role, " t "auth_provider, " t "is_verified, " t "state, " t "state_at, " t "epoch, " t \
	  "last_login, " t "created_at, " t "updated_at"

#define IDENTITY_COLUMNS                                                                   \
	"id, user_id, provider, subject_index, index_version, subject, email, linked_at, " \
	"last_used_at"

#define SESSION_COLUMNS(t)                                                                       \
	t "id, " t "user_id, " t "client, " t "amr, " t "engine, " t "device_id, " t             \
	  "user_agent, " t "address, " t "created_at, " t "auth_time, " t "idle_expires_at, " t  \
	  "expires_at, " t "cur_hash, " t "prev_hash, " t "prev2_hash, " t "hash_key, " t        \
	  "generation, " t "rotated_at, " t "prev_rotated_at, " t "successor, " t "ended_at, " t \
	  "end_reason, " t "idempotency_hash, " t "idempotency_body, " t "idempotency_until, " t \
	  "impersonator_id"

#define NOTE_COLUMNS "id, user_id, author_id, created_at, note"

#define FLOW_COLUMNS                                                                            \
	"id, purpose, user_id, subject_index, index_version, channel, destination, code_hash, " \
	"code_key, attempts, max_attempts, sends, created_at, code_expires_at, resend_at, "     \
	"expires_at, voided_at, consumed_at, session_id, pending, idempotency_hash, "           \
	"idempotency_body, idempotency_until"

/* Without id (the store gives it) and mac (it covers the rest). */
#define AUDIT_SIGNED_COLUMNS                                                                   \
	"at, event, outcome, count, actor_id, subject_id, subject_index, session_id, "         \
	"object_type, object_id, operation, engine, request_id, address, user_agent, device, " \
	"geo, changes, reason, key_id"
#define AUDIT_COLUMNS "id, " AUDIT_SIGNED_COLUMNS ", mac"

#define SEAL_COLUMNS "n, at, first_id, last_id, count, root, prev, key_id, mac"

#define OUTBOX_INSERT_COLUMNS \
	"event_id, sink, kind, user_id, payload, created_at, expires_at, state, next_at"
#define OUTBOX_COLUMNS "id, " OUTBOX_INSERT_COLUMNS ", attempts, last_error, finished_at"

/** struct cursor - reads a row's columns one after the other. */
struct cursor {
	const struct val *next;
};

static inline int64_t take_int(struct cursor *c)
{
	return (c->next++)->i;
}

static inline struct str take_str(struct cursor *c)
{
	return (c->next++)->s;
}

/** take_uuid() - false when the column is NULL. */
bool take_uuid(struct cursor *c, struct uuid *ret);
/** take_mac() - 32 bytes; all zero when the column has another length. */
struct mac;
void take_mac(struct cursor *c, struct mac *ret);

/* Rows to structs, in the order of the lists above: user_decode() identity_decode()
 * session_decode() flow_decode() audit_decode() seal_decode() outbox_decode(). Each moves the
 * cursor past its columns. */

void user_decode(struct cursor *c, struct user_row *ret);
void identity_decode(struct cursor *c, struct identity_row *ret);
void session_decode(struct cursor *c, struct session_row *ret);
void flow_decode(struct cursor *c, struct flow_row *ret);
void audit_decode(struct cursor *c, struct audit_row *ret);
void seal_decode(struct cursor *c, struct audit_seal *ret);
void outbox_decode(struct cursor *c, struct outbox_row *ret);

/* Optional parameters: what is empty or zero is NULL in the database. */
static inline struct val opt_int(int64_t i)
{
	return i ? val_int(i) : val_null();
}

static inline struct val opt_text(struct str s)
{
	return s.len ? val_text(s) : val_null();
}

static inline struct val opt_blob(struct str s)
{
	return s.len ? val_blob(s) : val_null();
}

static inline struct val opt_uuid(bool has, const struct uuid *id)
{
	return has ? val_uuid(id) : val_null();
}

/** tx_exists() - does the query give a row? */
MUST_CHECK enum err tx_exists(
    struct tx *tx, enum statement id, const struct val *params, size_t n, bool *ret);
/** tx_changed() - did the statement write a row? For a conditional write that decides something. */
MUST_CHECK enum err tx_changed(
    struct tx *tx, enum statement id, const struct val *params, size_t n, bool *ret);
/** tx_int() - the one number the statement gives; 0 when there is no row. */
MUST_CHECK enum err tx_int(
    struct tx *tx, enum statement id, const struct val *params, size_t n, int64_t *ret);

/** struct rows - decoded rows of @size bytes each, collected by tx_list(). */
struct rows {
	struct arena *arena;
	void (*decode)(struct cursor *c, void *ret);
	size_t size;
	char *items;
	size_t n, room;
};
/** tx_list() - decode every row of a statement into an array in the arena. */
MUST_CHECK enum err tx_list(
    struct tx *tx, enum statement id, const struct val *params, size_t n, struct rows *rows);

#endif

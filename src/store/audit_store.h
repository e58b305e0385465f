/*
 * The audit trail's rows and seals. Rows are only ever appended. Each carries a MAC over its
 * canonical bytes; each batch is closed by a seal over the (id, mac) pairs since the last one.
 */
#ifndef STORE_AUDIT_STORE_H
#define STORE_AUDIT_STORE_H

#include "crypto/keyring.h"
#include "store/store.h"

struct audit_row {
	int64_t id; /* given by the store */
	int64_t at_us;
	struct str event;   /* "user.registered", … */
	struct str outcome; /* "ok" or an error's slug */
	int64_t count;      /* 1, or how many refusals an aggregated row stands for */
	bool has_actor, has_subject, has_session;
	struct uuid actor_id, subject_id, session_id;
	struct str subject_index; /* of an identifier nobody has */
	struct str object_type, object_id;
	struct str operation, engine, request_id;
	struct str address, user_agent; /* sealed */
	struct str device;              /* keyed hash */
	struct str geo;
	struct str changes; /* sealed JSON: {"field": {"before":…,"after":…}} */
	struct str reason;
	int64_t key_id;
	struct mac mac;
};

/** audit_row_mac() - MAC of the canonical form; pure. False when @key_id is unknown. */
bool audit_row_mac(const struct keyring *keys, const struct audit_row *row, struct mac *ret);
/** audit_append() - MAC @row under the active key and insert it. */
MUST_CHECK enum err audit_append(struct tx *tx, const struct keyring *keys, struct audit_row *row);

struct audit_seal {
	int64_t n, at_us, first_id, last_id, count;
	struct mac root, prev, mac;
	int64_t key_id;
};
/** audit_seal_batch() - seal every row not sealed yet; for store_config.before_commit. */
MUST_CHECK enum err audit_seal_batch(struct tx *tx, const struct keyring *keys, int64_t now_us);
/**
 * audit_seal_upto() - only rows up to @last_id; no row below it may appear later
 *
 * Returns: ERR_CONFLICT, perhaps only from store_tx(), when somebody else has sealed some of them.
 */
MUST_CHECK enum err audit_seal_upto(
    struct tx *tx, const struct keyring *keys, int64_t now_us, int64_t last_id);

/** audit_make_room() - partitions for this month and the next ones, where the trail has any. */
MUST_CHECK enum err audit_make_room(struct tx *tx, int64_t now_us);

/** struct audit_sealer - seals after the commit, where store_seals_late(); all zero at first. */
struct audit_sealer {
	int64_t last_id; /* ids up to here are given out */
	int64_t running; /* by transactions below this one; 0: nothing noted */
};
/**
 * audit_sealer_step() - seal what can be sealed now; to be called about once a second
 *
 * Ids are given out in one order and committed in another. What had been given out at one step is
 * sealed at a later one, when all transactions of that moment have ended. Several nodes may do so
 * at once.
 */
MAY_YIELD MUST_CHECK enum err audit_sealer_step(
    struct audit_sealer *sealer, struct store *store, struct request *rq);

/** audit_head() - the newest seal; @ret_found false when there is none. */
MUST_CHECK enum err audit_head(struct tx *tx, struct audit_seal *ret, bool *ret_found);

/** audit_seal_at() - seal number @n, which somebody has noted. */
MUST_CHECK enum err audit_seal_at(
    struct tx *tx, int64_t n, struct audit_seal *ret, bool *ret_found);

struct audit_verdict {
	int64_t rows, seals;
	int64_t unsealed; /* of the rows: too young for a seal (store_seals_late()) */
	bool intact;
	int64_t broken_row, broken_seal; /* the first one found; 0: none */
	struct str problem;              /* a sentence */
	struct audit_seal head;
};
/**
 * audit_verify_rows() - recompute every MAC and seal, oldest first
 * @progress: called now and then with rows done and in all; may be NULL
 */
MUST_CHECK enum err audit_verify_rows(struct tx *tx, const struct keyring *keys,
    void (*progress)(void *arg, int64_t done, int64_t all), void *arg, struct audit_verdict *ret);
/** audit_list() - rows with id > @after, @limit at most, optionally of one subject. */
MUST_CHECK enum err audit_list(struct tx *tx, const struct uuid *subject, int64_t after,
    int64_t limit, struct audit_row **ret, size_t *ret_n);

#endif

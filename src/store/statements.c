/*
 * One SQL text for both databases. Rules that keep it so: $N only; RETURNING for values, and never
 * only to count (SQLite makes a table for what is returned); ON CONFLICT DO NOTHING instead of
 * caught errors; bigint times and 0/1 booleans; a parameter's first use says its type; no dialect's
 * casts, functions or LIMIT on DELETE.
 */
#include "store/statements.h"

#include "base/defs.h"
#include "store/columns.h"

#define IDEMPOTENCY_CLEAR                                                                 \
	" SET idempotency_hash = NULL, idempotency_body = NULL, idempotency_until = NULL" \
	" WHERE idempotency_hash = $1 AND idempotency_until <= $2"
#define USER_PAGE " FROM users WHERE id > $1"
#define USER_PAGE_END " ORDER BY id LIMIT $2"
#define AUDIT_PAGE "SELECT " AUDIT_COLUMNS " FROM audit WHERE id < $1 AND id >= $2"
#define AUDIT_PAGE_END " ORDER BY id DESC LIMIT $3"
#define SEARCH_COLUMNS(t) t "id, " t "role, " t "state, " t "auth_provider, " t "created_at"
#define SEARCH_PAGE " FROM users WHERE id < $1"
#define SEARCH_PAGE_END " ORDER BY id DESC LIMIT $2"
/* What takes an active superadmin away leaves another one. */
#define ANOTHER_SUPERADMIN                                                                 \
	" AND (role <> 'superadmin' OR state <> 'active' OR EXISTS (SELECT 1 FROM users o" \
	" WHERE o.role = 'superadmin' AND o.state = 'active' AND o.id <> users.id))"
#define SESSION_JOIN                                              \
	"SELECT " SESSION_COLUMNS("sessions.") ", " USER_COLUMNS( \
	    "users.") " FROM sessions JOIN users ON users.id = sessions.user_id"
/* A row with a user waits while an older one to the same sink is pending. */
#define OUTBOX_NOT_BLOCKED                                                                      \
	" AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.state = 'pending' AND p.sink = o.sink" \
	" AND p.user_id = o.user_id AND p.id < o.id)"

/* clang-format off */
static const char *const texts[STMT_COUNT] = {
	[STMT_META_GET] =
		"SELECT value FROM meta WHERE key = $1",
	[STMT_META_PUT_NEW] =
		"INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",

	[STMT_USER_INSERT] =
		"INSERT INTO users (" USER_COLUMNS("") ")"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
		" $17, $18, $19, $20)"
		" ON CONFLICT DO NOTHING",
	[STMT_CLIENT_INSERT] =
		"INSERT INTO clients (user_id, created_at) VALUES ($1, $2)"
		" ON CONFLICT DO NOTHING",
	[STMT_VENDOR_INSERT] =
		"INSERT INTO vendors (user_id, created_at) VALUES ($1, $2)"
		" ON CONFLICT DO NOTHING",
	[STMT_USER_BY_EMAIL] =
		"SELECT " USER_COLUMNS("") " FROM users WHERE email_index = $1",
	[STMT_USER_BY_PHONE] =
		"SELECT " USER_COLUMNS("") " FROM users WHERE phone_index = $1",
	[STMT_USER_BY_ID] =
		"SELECT " USER_COLUMNS("") " FROM users WHERE id = $1",
	[STMT_USER_BY_EXTERNAL_ID] =
		"SELECT " USER_COLUMNS("") " FROM users WHERE external_id = $1",
	[STMT_USER_SET_VERIFIED] =
		"UPDATE users SET is_verified = 1, updated_at = $2"
		" WHERE id = $1 AND is_verified = 0",
	[STMT_USER_SET_PASSWORD] =
		"UPDATE users SET password = $2, password_at = $3, updated_at = $3"
		" WHERE id = $1",
	[STMT_USER_REPLACE_PASSWORD] =
		"UPDATE users SET password = $2, updated_at = $3"
		" WHERE id = $1 AND password = $4",
	[STMT_USER_CHANGE_PASSWORD] =
		"UPDATE users SET password = $2, password_at = $3, updated_at = $4"
		" WHERE id = $1 AND state = 'active' AND coalesce(password_at, 0) = $5",
	[STMT_USER_WITHHOLD_PASSWORD] =
		"UPDATE users SET password = '!', password_at = $2, updated_at = $2"
		" WHERE id = $1 AND is_verified = 0",
	[STMT_USER_SETTLE] =
		"UPDATE users SET password = $2, password_at = $5, profile = $3, role = $4,"
		" names_at = NULL, updated_at = $5 WHERE id = $1 AND is_verified = 0",
	[STMT_USER_SET_PROFILE] =
		"UPDATE users SET profile = $2, names_at = NULL, updated_at = $3"
		" WHERE id = $1 AND updated_at = $4 AND state = 'active'",
	/* The unique indexes stand behind it, for who comes at the very same moment. */
	[STMT_USER_SET_IDENTIFIER] =
		"UPDATE users SET email = $2, email_index = $3, phone = $4, phone_index = $5,"
		" index_version = $6, is_verified = 1, updated_at = $7"
		" WHERE id = $1 AND state = 'active'"
		" AND (email_index = $8 OR phone_index = $8)",
	[STMT_USER_NOTE_LOGIN] =
		"UPDATE users SET last_login = $2 WHERE id = $1 AND state = 'active'"
		" AND epoch = $3 AND coalesce(password_at, 0) = $4",
	[STMT_USER_SET_STATE] =
		"UPDATE users SET state = $2, state_at = $3, epoch = epoch + 1,"
		" updated_at = $3 WHERE id = $1 AND state <> $2 AND state <> 'erased'"
		ANOTHER_SUPERADMIN,
	[STMT_USER_SET_ROLE] =
		"UPDATE users SET role = $2, epoch = epoch + 1, updated_at = $3"
		" WHERE id = $1 AND role <> $2" ANOTHER_SUPERADMIN,
	[STMT_USER_BUMP_EPOCH] =
		"UPDATE users SET epoch = epoch + 1, updated_at = $2 WHERE id = $1",
	[STMT_USER_LIST] =
		"SELECT " USER_COLUMNS("") USER_PAGE USER_PAGE_END,
	[STMT_USER_LIST_ROLE] =
		"SELECT " USER_COLUMNS("") USER_PAGE " AND role = $3" USER_PAGE_END,
	[STMT_USER_LIST_STATE] =
		"SELECT " USER_COLUMNS("") USER_PAGE " AND state = $3" USER_PAGE_END,
	[STMT_USER_LIST_ROLE_STATE] =
		"SELECT " USER_COLUMNS("") USER_PAGE
		" AND role = $3 AND state = $4" USER_PAGE_END,
	[STMT_USER_COUNT_ROLE] =
		"SELECT count(*) FROM users WHERE role = $1 AND state = 'active'",
	/* Whoever takes a superadmin away waits here for whoever else does. */
	[STMT_SUPERADMINS_LOCK] =
		"INSERT INTO meta (key, value) VALUES ('superadmins', $1)"
		" ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[STMT_USER_SEARCH_ALL] =
		"SELECT " SEARCH_COLUMNS("") SEARCH_PAGE SEARCH_PAGE_END,
	[STMT_USER_SEARCH_ROLE] =
		"SELECT " SEARCH_COLUMNS("") SEARCH_PAGE " AND role = $3" SEARCH_PAGE_END,
	[STMT_USER_SEARCH_STATE] =
		"SELECT " SEARCH_COLUMNS("") SEARCH_PAGE " AND state = $3" SEARCH_PAGE_END,
	[STMT_USER_SEARCH_PROVIDER] =
		"SELECT " SEARCH_COLUMNS("") SEARCH_PAGE
		" AND auth_provider = $3" SEARCH_PAGE_END,
	[STMT_USER_SEARCH_CREATED] =
		"SELECT " SEARCH_COLUMNS("") " FROM users WHERE created_at <= $3"
		" AND created_at >= $4 AND (created_at < $3 OR id < $1)"
		" ORDER BY created_at DESC, id DESC LIMIT $2",
	[STMT_USER_SEARCH_NAME] =
		"SELECT " SEARCH_COLUMNS("users.") " FROM user_names JOIN users"
		" ON users.id = user_names.user_id WHERE user_names.user_id < $1"
		" AND user_names.hash = $3 ORDER BY user_names.user_id DESC LIMIT $2",
	[STMT_USER_NAMES_STALE] =
		"SELECT " USER_COLUMNS("") " FROM users WHERE names_at IS NULL"
		" ORDER BY id LIMIT $1",
	[STMT_USER_NAMES_DONE] =
		"UPDATE users SET names_at = $2 WHERE id = $1 AND updated_at = $3",
	[STMT_USER_NAMES_CLEAR] =
		"DELETE FROM user_names WHERE user_id = $1",
	[STMT_USER_NAMES_INSERT] =
		"INSERT INTO user_names (hash, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
	[STMT_NOTE_INSERT] =
		"INSERT INTO user_notes (" NOTE_COLUMNS ") VALUES ($1, $2, $3, $4, $5)",
	[STMT_NOTE_LIST] =
		"SELECT " NOTE_COLUMNS " FROM user_notes WHERE user_id = $1"
		" ORDER BY id DESC LIMIT $2",
	[STMT_CONSENT_CLEAR] =
		"DELETE FROM consents WHERE user_id = $1",
	[STMT_CONSENT_LIST] =
		"SELECT document, version, given_at FROM consents WHERE user_id = $1"
		" ORDER BY document, given_at, version",
	[STMT_CLIENT_GET] =
		"SELECT profile, created_at, updated_at FROM clients WHERE user_id = $1",
	[STMT_CLIENT_SET] =
		"UPDATE clients SET profile = $2, updated_at = $3"
		" WHERE user_id = $1 AND updated_at = $4",
	[STMT_VENDOR_GET] =
		"SELECT profile, created_at, updated_at, slug, verification_state FROM vendors"
		" WHERE user_id = $1",
	[STMT_VENDOR_SET] =
		"UPDATE vendors SET profile = $2, updated_at = $3, slug = $5"
		" WHERE user_id = $1 AND updated_at = $4"
		" AND NOT EXISTS (SELECT 1 FROM vendors v WHERE v.slug = $5 AND v.user_id <> $1)",
	[STMT_VENDOR_SLUG_TAKEN] =
		"SELECT 1 FROM vendors WHERE slug = $1 AND user_id <> $2",

	[STMT_USER_LIST_CLOSED] =
		"SELECT " USER_COLUMNS("") " FROM users WHERE state = 'deleted' AND state_at < $1"
		" ORDER BY state_at, id LIMIT $2",
	[STMT_ERASE_USER] =
		"UPDATE users SET state = 'erased', state_at = $2, updated_at = $2,"
		" epoch = epoch + 1, external_id = NULL, email = NULL, email_index = NULL,"
		" phone = NULL, phone_index = NULL, data_key = NULL, profile = NULL,"
		" password = NULL, password_at = NULL, last_login = NULL"
		" WHERE id = $1 AND state <> 'erased'",
	[STMT_ERASE_SESSIONS] =
		"DELETE FROM sessions WHERE user_id = $1",
	[STMT_ERASE_FLOWS] =
		"DELETE FROM flows WHERE user_id = $1",
	[STMT_ERASE_FLOWS_ABOUT] =
		"DELETE FROM flows WHERE subject_index = $1",
	/* Events stay: they hold ids only, and others want to know that this person is gone. */
	[STMT_ERASE_MESSAGES] =
		"DELETE FROM outbox WHERE user_id = $1 AND sink IN ('email', 'sms')",
	[STMT_ERASE_CLIENT] =
		"DELETE FROM clients WHERE user_id = $1",
	[STMT_ERASE_NOTES] =
		"DELETE FROM user_notes WHERE user_id = $1",
	[STMT_ERASE_PASSWORDS] =
		"DELETE FROM password_history WHERE user_id = $1",
	[STMT_ERASE_VENDOR] =
		"DELETE FROM vendors WHERE user_id = $1",
	[STMT_CONSENT_INSERT] =
		"INSERT INTO consents (user_id, document, version, given_at)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",

	[STMT_IDENTITY_INSERT] =
		"INSERT INTO identities (" IDENTITY_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7,"
		" $8, $9) ON CONFLICT DO NOTHING",
	[STMT_IDENTITY_BY_INDEX] =
		"SELECT " IDENTITY_COLUMNS " FROM identities WHERE subject_index = $1",
	[STMT_IDENTITY_LIST] =
		"SELECT " IDENTITY_COLUMNS " FROM identities WHERE user_id = $1 ORDER BY id",
	[STMT_IDENTITY_USED] =
		"UPDATE identities SET last_used_at = $2 WHERE id = $1",
	[STMT_IDENTITY_REMOVE] =
		"DELETE FROM identities WHERE user_id = $1 AND id = $2",
	[STMT_IDENTITY_REMOVE_NOT_LAST] =
		"DELETE FROM identities WHERE user_id = $1 AND id = $2 AND EXISTS ("
		"SELECT 1 FROM identities o WHERE o.user_id = $1 AND o.id <> $2)",
	[STMT_IDENTITY_CLEAR] =
		"DELETE FROM identities WHERE user_id = $1",

	[STMT_PASSWORD_OLD_ADD] =
		"INSERT INTO password_history (user_id, replaced_at, password)"
		" VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	[STMT_PASSWORD_OLD_TRIM] =
		"DELETE FROM password_history WHERE user_id = $1 AND replaced_at NOT IN"
		" (SELECT replaced_at FROM password_history WHERE user_id = $1"
		" ORDER BY replaced_at DESC LIMIT $2)",
	[STMT_PASSWORD_OLD_LIST] =
		"SELECT password FROM password_history WHERE user_id = $1"
		" ORDER BY replaced_at DESC LIMIT $2",

	[STMT_SESSION_FREE_KEY] =
		"UPDATE sessions" IDEMPOTENCY_CLEAR,
	[STMT_SESSION_INSERT] =
		"INSERT INTO sessions (" SESSION_COLUMNS("") ")"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
		" $17, $18, $19, $20, $21,"
		" $22, $23, $24, $25, $26) ON CONFLICT DO NOTHING",
	[STMT_SESSION_WITH_USER] =
		SESSION_JOIN " WHERE sessions.id = $1",
	[STMT_SESSION_FOR_ACCESS] =
		"SELECT sessions.id, sessions.user_id, sessions.auth_time, sessions.expires_at,"
		" sessions.ended_at, sessions.impersonator_id, " USER_COLUMNS("users.")
		" FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id = $1",
	[STMT_SESSION_BY_IDEMPOTENCY] =
		SESSION_JOIN " WHERE sessions.idempotency_hash = $1"
		" AND sessions.idempotency_until > $2 AND sessions.ended_at IS NULL",
	[STMT_SESSION_ROTATE] =
		"UPDATE sessions SET prev2_hash = prev_hash, prev_hash = cur_hash,"
		" cur_hash = $3, hash_key = $4, successor = $5, prev_rotated_at = rotated_at,"
		" rotated_at = $6, idle_expires_at = $7, generation = generation + 1"
		" WHERE id = $1 AND cur_hash = $2 AND ended_at IS NULL",
	[STMT_SESSION_END] =
		"UPDATE sessions SET ended_at = $3, end_reason = $2"
		" WHERE id = $1 AND ended_at IS NULL",
	[STMT_SESSION_END_OF] =
		"UPDATE sessions SET ended_at = $3, end_reason = $2"
		" WHERE id = $1 AND user_id = $4 AND ended_at IS NULL",
	[STMT_SESSION_END_ALL] =
		"UPDATE sessions SET ended_at = $4, end_reason = $3"
		" WHERE user_id = $1 AND ended_at IS NULL AND id <> $2",
	[STMT_SESSION_LIST_LIVE] =
		"SELECT " SESSION_COLUMNS("") " FROM sessions WHERE user_id = $1"
		" AND ended_at IS NULL AND expires_at > $2 AND idle_expires_at > $2 ORDER BY id",
	[STMT_SESSION_PAGE] =
		"SELECT " SESSION_COLUMNS("") " FROM sessions WHERE user_id = $1"
		" AND ended_at IS NULL AND expires_at > $2 AND idle_expires_at > $2 AND id < $3"
		" ORDER BY id DESC LIMIT $4",
	[STMT_SESSION_DEVICE_SEEN] =
		"SELECT 1 FROM sessions WHERE user_id = $1 AND device_id = $2"
		" LIMIT 1",
	[STMT_SESSION_SWEEP] =
		"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions"
		" WHERE expires_at < $1 UNION ALL SELECT id FROM sessions WHERE ended_at < $1"
		" LIMIT $2)",

	[STMT_FLOW_FREE_KEY] =
		"UPDATE flows" IDEMPOTENCY_CLEAR,
	[STMT_FLOW_INSERT] =
		"INSERT INTO flows (" FLOW_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7,"
		" $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)"
		" ON CONFLICT DO NOTHING",
	[STMT_FLOW_BY_ID] =
		"SELECT " FLOW_COLUMNS " FROM flows WHERE id = $1",
	[STMT_FLOW_NEWEST] =
		"SELECT " FLOW_COLUMNS " FROM flows WHERE subject_index = $1"
		" AND purpose = $2 ORDER BY voided_at IS NOT NULL, created_at DESC, id DESC LIMIT 1",
	[STMT_FLOW_BY_IDEMPOTENCY] =
		"SELECT " FLOW_COLUMNS " FROM flows WHERE idempotency_hash = $1"
		" AND idempotency_until > $2",
	[STMT_FLOW_TRY] =
		"UPDATE flows SET"
		" consumed_at = CASE WHEN code_hash = $2 THEN $3 ELSE consumed_at END,"
		" attempts = CASE WHEN code_hash = $2 THEN attempts ELSE attempts + 1 END"
		" WHERE id = $1 AND consumed_at IS NULL AND voided_at IS NULL"
		" AND code_expires_at > $3 AND expires_at > $3 AND attempts < max_attempts"
		" RETURNING " FLOW_COLUMNS,
	[STMT_FLOW_SET_SESSION] =
		"UPDATE flows SET session_id = $2 WHERE id = $1",
	[STMT_FLOW_RENEW_CODE] =
		"UPDATE flows SET code_hash = $2, code_key = $3, code_expires_at = $5,"
		" resend_at = $6, sends = sends + 1,"
		" pending = CASE WHEN $10 = 1 THEN NULL ELSE pending END,"
		" idempotency_hash = coalesce($7, idempotency_hash),"
		" idempotency_body = coalesce($8, idempotency_body),"
		" idempotency_until = coalesce($9, idempotency_until)"
		" WHERE id = $1 AND consumed_at IS NULL"
		" AND voided_at IS NULL AND expires_at > $4 AND resend_at <= $4"
		" AND NOT EXISTS (SELECT 1 FROM flows WHERE idempotency_hash = $7)",
	[STMT_FLOW_VOID_OLDER] =
		"UPDATE flows SET voided_at = $4 WHERE subject_index = $1"
		" AND purpose = $2 AND id <> $3 AND consumed_at IS NULL AND voided_at IS NULL"
		" AND expires_at > $4",
	[STMT_FLOW_VOID_USER] =
		"UPDATE flows SET voided_at = $3 WHERE subject_index = $1 AND user_id = $2"
		" AND consumed_at IS NULL AND voided_at IS NULL",
	[STMT_FLOW_ATTEMPTS] =
		"SELECT CAST(coalesce(sum(attempts), 0) AS bigint) FROM flows"
		" WHERE subject_index = $1 AND purpose = $2 AND created_at >= $3",
	[STMT_FLOW_SWEEP] =
		"DELETE FROM flows WHERE id IN (SELECT id FROM flows WHERE expires_at < $1"
		" LIMIT $2)",

	[STMT_AUDIT_INSERT] =
		"INSERT INTO audit (" AUDIT_SIGNED_COLUMNS ", mac) VALUES ($1, $2, $3,"
		" $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
	[STMT_AUDIT_LIST] =
		"SELECT " AUDIT_COLUMNS " FROM audit WHERE id > $1 ORDER BY id LIMIT $2",
	[STMT_AUDIT_LIST_SUBJECT] =
		"SELECT " AUDIT_COLUMNS " FROM audit WHERE subject_id = $3"
		" AND id > $1 ORDER BY id LIMIT $2",
	[STMT_AUDIT_RANGE] =
		"SELECT " AUDIT_COLUMNS " FROM audit WHERE id > $1 AND id <= $2"
		" ORDER BY id",
	[STMT_AUDIT_MACS] =
		"SELECT id, mac FROM audit WHERE id > $1 AND id <= $3 ORDER BY id LIMIT $2",
	[STMT_AUDIT_COUNT] =
		"SELECT count(*) FROM audit",
	[STMT_AUDIT_NEWEST] =
		"SELECT coalesce(max(id), 0) FROM audit",
	/* Make room for the @$2 months from @$1 on, where each has its own: here they have not. */
	[STMT_AUDIT_AHEAD] =
		"SELECT 0 WHERE $1 < $2",
	/* The transactions that run: from, to. There are none beside the writer. */
	[STMT_AUDIT_RUNNING] =
		"SELECT 0, 0",
	[STMT_AUDIT_QUERY_ALL] =
		AUDIT_PAGE AUDIT_PAGE_END,
	[STMT_AUDIT_QUERY_SUBJECT] =
		AUDIT_PAGE " AND subject_id = $4" AUDIT_PAGE_END,
	[STMT_AUDIT_QUERY_ACTOR] =
		AUDIT_PAGE " AND actor_id = $4 AND (subject_id IS NULL OR"
		" subject_id <> actor_id)" AUDIT_PAGE_END,
	[STMT_AUDIT_QUERY_OBJECT] =
		AUDIT_PAGE " AND object_type = $4 AND object_id = $5" AUDIT_PAGE_END,
	[STMT_AUDIT_QUERY_EVENT] =
		AUDIT_PAGE " AND event = $4 AND event <> 'session.refreshed'" AUDIT_PAGE_END,
	[STMT_AUDIT_SINCE] =
		"SELECT id FROM audit WHERE at >= $1 ORDER BY at LIMIT 1",
	[STMT_AUDIT_REPORT] =
		"INSERT INTO audit_reports (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
	[STMT_AUDIT_REPORT_SWEEP] =
		"DELETE FROM audit_reports WHERE id IN (SELECT id FROM audit_reports"
		" WHERE at < $1 LIMIT $2)",
	[STMT_SEAL_INSERT] =
		"INSERT INTO audit_seals (" SEAL_COLUMNS
		") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
	[STMT_SEAL_HEAD] =
		"SELECT " SEAL_COLUMNS " FROM audit_seals ORDER BY n DESC LIMIT 1",
	[STMT_SEAL_LIST] =
		"SELECT " SEAL_COLUMNS " FROM audit_seals WHERE n > $1 ORDER BY n LIMIT $2",

	[STMT_OUTBOX_INSERT] =
		"INSERT INTO outbox (" OUTBOX_INSERT_COLUMNS ") VALUES ($1, $2, $3, $4,"
		" $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
	/*
	 * A leased row is due again when its lease ends: then whoever held it has died. What the row
	 * must be is asked twice: of two nodes that found it at once, the second waits for the first
	 * and then sees that it is leased.
	 */
	[STMT_OUTBOX_LEASE] =
		"UPDATE outbox SET lease_until = $2, next_at = $2 WHERE state = 'pending'"
		" AND next_at <= $1 AND id IN ("
		"SELECT o.id FROM outbox o WHERE o.sink = $3 AND o.state = 'pending'"
		" AND o.next_at <= $1" OUTBOX_NOT_BLOCKED " ORDER BY o.next_at, o.id LIMIT $4)"
		" RETURNING " OUTBOX_COLUMNS
		", (SELECT users.data_key FROM users WHERE users.id = outbox.user_id)",
	[STMT_OUTBOX_FINISH] =
		"UPDATE outbox SET state = $2, last_error = $3, finished_at = $4,"
		" lease_until = NULL, payload = CASE WHEN $2 = 'dead'"
		" OR sink NOT IN ('email', 'sms') THEN payload ELSE NULL END"
		" WHERE id = $1 AND state = 'pending'",
	[STMT_OUTBOX_RETRY] =
		"UPDATE outbox SET attempts = attempts + 1, last_error = $2,"
		" next_at = $3, lease_until = NULL WHERE id = $1 AND state = 'pending'",
	[STMT_OUTBOX_REPLAY] =
		"UPDATE outbox SET state = 'pending', next_at = $1, attempts = 0,"
		" finished_at = NULL WHERE id = $2 AND (state = 'dead'"
		" OR (state = 'delivered' AND payload IS NOT NULL))",
	[STMT_OUTBOX_REPLAY_ALL] =
		"UPDATE outbox SET state = 'pending', next_at = $1, attempts = 0,"
		" finished_at = NULL WHERE state = 'dead' AND finished_at IS NOT NULL",
	[STMT_OUTBOX_REPLAY_SINK] =
		"UPDATE outbox SET state = 'pending', next_at = $1, attempts = 0,"
		" finished_at = NULL WHERE finished_at >= $3 AND sink = $2 AND (state = 'dead'"
		" OR ($4 = 1 AND state = 'delivered' AND payload IS NOT NULL))",
	[STMT_OUTBOX_LIST] =
		"SELECT " OUTBOX_COLUMNS " FROM outbox WHERE id > $1 ORDER BY id LIMIT $2",
	[STMT_OUTBOX_LIST_STATE] =
		"SELECT " OUTBOX_COLUMNS " FROM outbox WHERE id > $1"
		" AND state = $3 ORDER BY id LIMIT $2",
	[STMT_OUTBOX_NEXT_DUE] =
		"SELECT o.next_at FROM outbox o WHERE o.sink = $1 AND o.state = 'pending'"
		OUTBOX_NOT_BLOCKED " ORDER BY o.next_at, o.id LIMIT 1",
	[STMT_OUTBOX_SWEEP] =
		"DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
		" WHERE finished_at < $1 LIMIT $2)",

	[STMT_LIMIT_INSERT] =
		"INSERT INTO limit_admissions (subject, at, amount, expires_at)"
		" VALUES ($1, $2, $3, $4)",
	[STMT_LIMIT_LIVE] =
		"SELECT subject, at, amount, expires_at FROM limit_admissions"
		" WHERE expires_at > $1 ORDER BY id",
	[STMT_LIMIT_OF] =
		"SELECT subject, at, amount, expires_at FROM limit_admissions"
		" WHERE expires_at > $1 AND subject IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
		" $12, $13, $14, $15, $16, $17) ORDER BY id",
	[STMT_LIMIT_FORGET] = "DELETE FROM limit_admissions WHERE subject = $1 AND at <= $2",
	[STMT_LIMIT_SWEEP] =
		"DELETE FROM limit_admissions WHERE id IN (SELECT id"
		" FROM limit_admissions WHERE expires_at <= $1 LIMIT $2)",
};
/* clang-format on */

/* clang-format off */
static const char *const pg_texts[STMT_COUNT] = {
	/* Also ids of transactions that run still, or were rolled back. */
	[STMT_AUDIT_NEWEST] =
		"SELECT last_value FROM audit_id",
	[STMT_AUDIT_AHEAD] =
		"SELECT audit_partitions($1, $2)",
	[STMT_AUDIT_RUNNING] =
		"SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
		" FROM pg_current_snapshot() s",
	/* What another node is leasing just now is passed over, not waited for. */
	[STMT_OUTBOX_LEASE] =
		"UPDATE outbox SET lease_until = $2, next_at = $2 WHERE id IN ("
		"SELECT o.id FROM outbox o WHERE o.sink = $3 AND o.state = 'pending'"
		" AND o.next_at <= $1" OUTBOX_NOT_BLOCKED
		" ORDER BY o.next_at, o.id LIMIT $4 FOR UPDATE SKIP LOCKED)"
		" RETURNING " OUTBOX_COLUMNS
		", (SELECT users.data_key FROM users WHERE users.id = outbox.user_id)",
};
/* clang-format on */

const char *statement_sql_pg(enum statement id)
{
	return pg_texts[id] ? pg_texts[id] : texts[id];
}

const char *statement_sql(enum statement id)
{
	return texts[id];
}

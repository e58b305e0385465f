-- The first schema. Everything personal is sealed under the person's data key; look-ups go through
-- keyed blind indexes. Times are microseconds since 1970 (UTC), ids are 16 bytes.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    external_id TEXT UNIQUE,
    -- Exactly one of e-mail and phone: the sealed value and its blind index come and go together.
    email BLOB,
    email_index BLOB UNIQUE,
    phone BLOB,
    phone_index BLOB UNIQUE,
    index_version INTEGER NOT NULL,
    data_key BLOB,
    profile BLOB,
    password TEXT,
    password_at INTEGER,
    role TEXT NOT NULL,
    auth_provider TEXT NOT NULL,
    is_verified INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled', 'deleted', 'erased')),
    state_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 1,
    last_login INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (((email_index IS NULL) <> (phone_index IS NULL)) OR state = 'erased'),
    CHECK ((email IS NULL) = (email_index IS NULL)),
    CHECK ((phone IS NULL) = (phone_index IS NULL)),
    CHECK (state = 'erased' OR data_key IS NOT NULL)
) STRICT;
CREATE INDEX users_by_role ON users (role, id);
CREATE INDEX users_by_state ON users (state, id);
CREATE INDEX users_by_index_version ON users (index_version);

-- Typed one-to-one profiles; their columns come with later migrations.
CREATE TABLE clients (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE vendors (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
    user_id BLOB NOT NULL REFERENCES users (id),
    document TEXT NOT NULL,
    version TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, document, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    client TEXT NOT NULL,
    amr TEXT NOT NULL,
    engine TEXT NOT NULL,
    device_id BLOB,
    user_agent BLOB,
    address BLOB,
    created_at INTEGER NOT NULL,
    auth_time INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Keyed hashes of the current refresh token's id and of the two before it.
    cur_hash BLOB NOT NULL,
    prev_hash BLOB,
    prev2_hash BLOB,
    hash_key INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    rotated_at INTEGER NOT NULL,
    prev_rotated_at INTEGER,
    successor BLOB,
    ended_at INTEGER,
    end_reason TEXT,
    idempotency_hash BLOB UNIQUE,
    idempotency_body BLOB,
    idempotency_until INTEGER,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id, ended_at, id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- One-time codes and links. A flow without a user is a decoy: nobody there, same behaviour.
CREATE TABLE flows (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    purpose TEXT NOT NULL,
    user_id BLOB REFERENCES users (id),
    subject_index BLOB NOT NULL,
    index_version INTEGER NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
    destination BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    code_key INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    sends INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    code_expires_at INTEGER NOT NULL,
    resend_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    voided_at INTEGER,
    consumed_at INTEGER,
    session_id BLOB,
    pending BLOB,
    idempotency_hash BLOB UNIQUE,
    idempotency_body BLOB,
    idempotency_until INTEGER,
    CHECK (attempts <= max_attempts)
) STRICT;
CREATE INDEX flows_by_subject ON flows (subject_index, purpose, created_at);
CREATE INDEX flows_by_expiry ON flows (expires_at);

-- Limits that outlive the process: one row an admission (small limits) or a leased block of them.
CREATE TABLE limit_admissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject BLOB NOT NULL,
    at INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX limit_admissions_by_expiry ON limit_admissions (expires_at);
CREATE INDEX limit_admissions_by_subject ON limit_admissions (subject);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 1,
    actor_id BLOB,
    subject_id BLOB,
    subject_index BLOB,
    session_id BLOB,
    object_type TEXT,
    object_id TEXT,
    operation TEXT NOT NULL,
    engine TEXT NOT NULL,
    request_id TEXT NOT NULL,
    address BLOB,
    user_agent BLOB,
    device BLOB,
    geo TEXT,
    changes BLOB,
    reason TEXT,
    key_id INTEGER NOT NULL,
    mac BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject_id, id) WHERE subject_id IS NOT NULL;
-- Of people acting on others; what somebody does for himself is found by subject. Each index costs
-- every audited call a page.
CREATE INDEX audit_by_actor ON audit (actor_id, id)
    WHERE actor_id IS NOT NULL AND (subject_id IS NULL OR subject_id <> actor_id);
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE audit_seals (
    n INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    count INTEGER NOT NULL,
    root BLOB NOT NULL,
    prev BLOB NOT NULL,
    key_id INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    sink TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_id BLOB,
    payload BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'expired', 'dead')),
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    last_error TEXT,
    finished_at INTEGER,
    UNIQUE (event_id, sink)
) STRICT;
CREATE INDEX outbox_pending ON outbox (next_at, id) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (sink, user_id, id) WHERE state = 'pending';
CREATE INDEX outbox_by_user ON outbox (user_id, id);
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;

-- oldest: 1
-- What staff need, as in sqlite/0004_staff.sql.

ALTER TABLE users ADD COLUMN names_at bigint;
CREATE INDEX users_without_names ON users (id) WHERE names_at IS NULL;
CREATE INDEX users_by_provider ON users (auth_provider, id);
CREATE INDEX users_by_creation ON users (created_at, id);

CREATE TABLE user_names (
    hash bytea NOT NULL CHECK (octet_length(hash) = 16),
    user_id bytea NOT NULL REFERENCES users (id),
    PRIMARY KEY (hash, user_id)
);
CREATE INDEX user_names_by_user ON user_names (user_id);

CREATE TABLE user_notes (
    id bytea NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    user_id bytea NOT NULL REFERENCES users (id),
    author_id bytea NOT NULL REFERENCES users (id),
    created_at bigint NOT NULL,
    note bytea NOT NULL
);
CREATE INDEX user_notes_by_user ON user_notes (user_id, id);

ALTER TABLE sessions ADD COLUMN impersonator_id bytea;

CREATE TABLE audit_reports (
    id bytea NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    at bigint NOT NULL
);
CREATE INDEX audit_reports_by_time ON audit_reports (at);

CREATE INDEX audit_by_object ON audit (object_type, object_id, id) WHERE object_id IS NOT NULL;
CREATE INDEX audit_by_event ON audit (event, id) WHERE event <> 'session.refreshed';
-- A page that begins at a time needs its first row; the BRIN index finds the range, not the row.
CREATE INDEX audit_since ON audit (at, id);

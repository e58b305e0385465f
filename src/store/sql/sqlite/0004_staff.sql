-- What staff need to find people and to act on them, and to look things up in the audit trail.

-- When the person's names went into user_names; NULL: they are not there yet, or have changed.
ALTER TABLE users ADD COLUMN names_at INTEGER;
CREATE INDEX users_without_names ON users (id) WHERE names_at IS NULL;
CREATE INDEX users_by_provider ON users (auth_provider, id);
CREATE INDEX users_by_creation ON users (created_at, id);

-- Keyed hashes of the beginnings of names (docs/adr/0013-name-search.md).
CREATE TABLE user_names (
    hash BLOB NOT NULL CHECK (length(hash) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    PRIMARY KEY (hash, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_names_by_user ON user_names (user_id);

-- What staff noted about somebody; the text is sealed under that person's data key.
CREATE TABLE user_notes (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    author_id BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT;
CREATE INDEX user_notes_by_user ON user_notes (user_id, id);

-- A session somebody else holds: staff, looking at the account as its owner does.
ALTER TABLE sessions ADD COLUMN impersonator_id BLOB;

-- Ids of audit events other services have reported: each is taken once.
CREATE TABLE audit_reports (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_reports_by_time ON audit_reports (at);

CREATE INDEX audit_by_object ON audit (object_type, object_id, id) WHERE object_id IS NOT NULL;
-- A refresh is most of the rows and the one call that must cost least: found by time, not by name.
CREATE INDEX audit_by_event ON audit (event, id) WHERE event <> 'session.refreshed';

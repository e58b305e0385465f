-- Who somebody is elsewhere: at Google, at GitHub, at any OpenID Connect issuer. The key is issuer
-- and subject, folded into one blind index; the address is the one seen when it was linked.
CREATE TABLE identities (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    provider TEXT NOT NULL,
    subject_index BLOB NOT NULL UNIQUE,
    index_version INTEGER NOT NULL,
    subject BLOB NOT NULL,
    email BLOB,
    linked_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX identities_by_user ON identities (user_id, id);
CREATE INDEX identities_by_index_version ON identities (index_version);

-- Keys that sign access tokens under ES256 and RS256. Which of them signs is a matter of time alone,
-- so that all nodes switch at the same moment.
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('ES256', 'RS256')),
    serial INTEGER NOT NULL,
    private_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    gone_at INTEGER,
    UNIQUE (algorithm, serial)
) STRICT;

-- oldest: 1
-- Who somebody is elsewhere: at Google, at GitHub, at any OpenID Connect issuer. The key is issuer
-- and subject, folded into one blind index; the address is the one seen when it was linked.
CREATE TABLE identities (
    id bytea NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    user_id bytea NOT NULL REFERENCES users (id),
    provider text NOT NULL,
    subject_index bytea NOT NULL UNIQUE,
    index_version bigint NOT NULL,
    subject bytea NOT NULL,
    email bytea,
    linked_at bigint NOT NULL,
    last_used_at bigint
);
CREATE INDEX identities_by_user ON identities (user_id, id);
CREATE INDEX identities_by_index_version ON identities (index_version);

-- Keys that sign access tokens under ES256 and RS256. Which of them signs is a matter of time alone,
-- so that all nodes switch at the same moment.
CREATE TABLE signing_keys (
    kid text NOT NULL PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm IN ('ES256', 'RS256')),
    serial bigint NOT NULL,
    private_key bytea NOT NULL,
    created_at bigint NOT NULL,
    active_at bigint NOT NULL,
    gone_at bigint,
    UNIQUE (algorithm, serial)
);

-- oldest: 1
-- What somebody's password was before, so that it does not come back.

CREATE TABLE password_history (
    user_id bytea NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    replaced_at bigint NOT NULL,
    password text NOT NULL,
    PRIMARY KEY (user_id, replaced_at)
);

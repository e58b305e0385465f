-- What somebody's password was before, so that it does not come back.

CREATE TABLE password_history (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    replaced_at INTEGER NOT NULL,
    password TEXT NOT NULL,
    PRIMARY KEY (user_id, replaced_at)
) STRICT, WITHOUT ROWID;

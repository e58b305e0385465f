-- What vendors and clients say about themselves, and what erasing a person has to find.

-- Sealed under the person's data key, but for what others look a vendor up by.
ALTER TABLE clients ADD COLUMN profile BLOB;
ALTER TABLE clients ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vendors ADD COLUMN profile BLOB;
ALTER TABLE vendors ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vendors ADD COLUMN slug TEXT;
ALTER TABLE vendors ADD COLUMN verification_state TEXT NOT NULL DEFAULT 'unverified'
    CHECK (verification_state IN ('unverified', 'pending', 'verified', 'rejected'));
CREATE UNIQUE INDEX vendors_by_slug ON vendors (slug);

CREATE INDEX flows_by_user ON flows (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX users_closed ON users (state_at, id) WHERE state = 'deleted';

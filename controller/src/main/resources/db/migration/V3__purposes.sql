-- What a machine is for: a user's, kept ready for anybody, or made for a template. Only a user's has a user and a session; one that was
-- kept ready becomes a user's in one update.
ALTER TABLE machines ADD COLUMN purpose text NOT NULL DEFAULT 'user';
UPDATE machines SET purpose = 'pool' WHERE user_id IS NULL;
ALTER TABLE machines
    ALTER COLUMN purpose DROP DEFAULT,
    ADD CONSTRAINT machines_purpose_check CHECK (purpose IN ('user', 'pool', 'template')),
    ADD CONSTRAINT machines_purpose_user CHECK ((purpose = 'user') = (user_id IS NOT NULL)),
    ADD CONSTRAINT machines_purpose_session CHECK (session_id IS NULL OR purpose = 'user');
CREATE INDEX machines_unclaimed ON machines (host, vm_type) WHERE purpose = 'pool' AND state = 'ready';

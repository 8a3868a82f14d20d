-- The store of Sallyport. The tables belong to the role that runs the migrations; the controller works as ${application},
-- which owns nothing, so that row-level security holds for it. What a transaction may see is the setting sallyport.user:
-- a user's id, or '*' (no user's id can be that) for the controller's own work and the admin's. Unset, it sees nothing.

CREATE FUNCTION sallyport_sees(owner text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT current_setting('sallyport.user', true) = '*' OR owner = current_setting('sallyport.user', true) $$;

CREATE FUNCTION sallyport_sees_all() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT current_setting('sallyport.user', true) = '*' $$;

-- One row a timeline. Its row lock makes the order of sequence numbers the order of commits: a reader that has seen number n
-- never misses a smaller one that is committed later.
CREATE TABLE timelines (
    kind text NOT NULL CHECK (kind IN ('session', 'machine')),
    id text NOT NULL CHECK (length(id) <= 64),
    user_id text CHECK (length(user_id) <= 64),
    last_sequence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, id)
);

CREATE TABLE events (
    kind text NOT NULL,
    id text NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    at timestamptz NOT NULL,
    step text NOT NULL CHECK (length(step) BETWEEN 1 AND 64),
    text text NOT NULL CHECK (length(text) <= 1000),
    details jsonb NOT NULL,
    PRIMARY KEY (kind, id, sequence),
    FOREIGN KEY (kind, id) REFERENCES timelines (kind, id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    id text PRIMARY KEY CHECK (id ~ '^s-[a-z2-7]{20}$'),
    user_id text NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
    provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 32),
    status text NOT NULL CHECK (status IN ('initializing', 'vm_created', 'awaiting_user', 'transferring',
                                           'completed', 'failed', 'cancelled', 'expired')),
    browser_machine text,
    cli_machine text,
    version bigint NOT NULL DEFAULT 1,
    cause jsonb,
    proof text CHECK (length(proof) <= 4000),
    viewers integer NOT NULL DEFAULT 0 CHECK (viewers >= 0),
    last_viewed timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled', 'expired')))
);
CREATE UNIQUE INDEX sessions_one_running ON sessions (user_id, provider) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_time ON sessions (created_at DESC, id DESC);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC, id DESC);
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE machines (
    id text PRIMARY KEY CHECK (id ~ '^m-[a-z2-7]{12}$'),
    vm_type text NOT NULL CHECK (vm_type IN ('browser', 'cli')),
    state text NOT NULL CHECK (state IN ('planned', 'starting', 'ready', 'destroying', 'destroyed')),
    user_id text CHECK (length(user_id) BETWEEN 1 AND 64),
    session_id text REFERENCES sessions (id) ON DELETE SET NULL,
    image_id text NOT NULL CHECK (length(image_id) <= 200),
    driver text NOT NULL CHECK (length(driver) <= 64),
    version bigint NOT NULL DEFAULT 1,
    agent_token bytea,
    agent_host text CHECK (length(agent_host) <= 255),
    agent_port integer CHECK (agent_port BETWEEN 1 AND 65535),
    streams_host text CHECK (length(streams_host) <= 255),
    streams_port integer CHECK (streams_port BETWEEN 1 AND 65535),
    end_reason text CHECK (length(end_reason) <= 400),
    cause jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ready_at timestamptz,
    ended_at timestamptz,
    CHECK ((ended_at IS NOT NULL) = (state = 'destroyed')),
    -- A token is of use as long as there is a machine that takes it.
    CHECK ((agent_token IS NULL) = (state = 'destroyed'))
);
CREATE INDEX machines_alive ON machines (created_at) WHERE ended_at IS NULL;
CREATE INDEX machines_by_time ON machines (created_at DESC, id DESC);
CREATE INDEX machines_by_user ON machines (user_id, created_at DESC, id DESC);
CREATE INDEX machines_by_session ON machines (session_id);
CREATE INDEX machines_by_end ON machines (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE sessions
    ADD FOREIGN KEY (browser_machine) REFERENCES machines (id) ON DELETE SET NULL,
    ADD FOREIGN KEY (cli_machine) REFERENCES machines (id) ON DELETE SET NULL;
CREATE INDEX sessions_by_browser_machine ON sessions (browser_machine);
CREATE INDEX sessions_by_cli_machine ON sessions (cli_machine);

-- What was made for machines in the world outside, written down before it is made. A machine whose things are not all undone
-- cannot be forgotten.
CREATE TABLE resources (
    ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id text NOT NULL REFERENCES machines (id),
    driver text NOT NULL CHECK (length(driver) <= 64),
    kind text NOT NULL CHECK (length(kind) <= 64),
    name text NOT NULL CHECK (length(name) <= 2000),
    intended_at timestamptz NOT NULL,
    undone_at timestamptz
);
CREATE UNIQUE INDEX resources_not_undone ON resources (machine_id, driver, kind, name) WHERE undone_at IS NULL;
CREATE INDEX resources_by_machine ON resources (machine_id, ordinal DESC);

CREATE TABLE tokens (
    id text PRIMARY KEY CHECK (id ~ '^t-[a-z2-7]{12}$'),
    sha256 text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    user_id text NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
    label text NOT NULL CHECK (length(label) <= 200),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX tokens_by_user ON tokens (user_id, created_at DESC, id DESC);
CREATE INDEX tokens_by_time ON tokens (created_at DESC, id DESC);

-- A deletion empties the cipher text and leaves the row, so that versions never begin anew.
CREATE TABLE credentials (
    user_id text NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
    provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 32),
    version bigint NOT NULL CHECK (version >= 1),
    sealed bytea NOT NULL,
    key_id text NOT NULL CHECK (length(key_id) <= 32),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider)
);
CREATE INDEX credentials_by_key ON credentials (key_id);

CREATE TABLE vault_keyset (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL CHECK (version >= 1),
    sealed bytea NOT NULL
);

ALTER TABLE timelines ENABLE ROW LEVEL SECURITY;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE machines ENABLE ROW LEVEL SECURITY;
ALTER TABLE resources ENABLE ROW LEVEL SECURITY;
ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault_keyset ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON timelines USING (sallyport_sees(user_id)) WITH CHECK (sallyport_sees(user_id));
-- The inner query is under the policy of timelines.
CREATE POLICY own ON events
    USING (EXISTS (SELECT 1 FROM timelines t WHERE t.kind = events.kind AND t.id = events.id))
    WITH CHECK (EXISTS (SELECT 1 FROM timelines t WHERE t.kind = events.kind AND t.id = events.id));
CREATE POLICY own ON sessions USING (sallyport_sees(user_id)) WITH CHECK (sallyport_sees(user_id));
CREATE POLICY own ON machines USING (sallyport_sees(user_id)) WITH CHECK (sallyport_sees(user_id));
CREATE POLICY controller_only ON resources USING (sallyport_sees_all()) WITH CHECK (sallyport_sees_all());
CREATE POLICY own ON tokens USING (sallyport_sees(user_id)) WITH CHECK (sallyport_sees(user_id));
CREATE POLICY own ON credentials USING (sallyport_sees(user_id)) WITH CHECK (sallyport_sees(user_id));
CREATE POLICY controller_only ON vault_keyset USING (sallyport_sees_all()) WITH CHECK (sallyport_sees_all());

GRANT USAGE ON SCHEMA public TO "${application}";
GRANT SELECT, INSERT, UPDATE, DELETE ON timelines, sessions, machines, resources TO "${application}";
-- Events are appended, never changed; they go with their timeline.
GRANT SELECT, INSERT ON events TO "${application}";
GRANT SELECT, INSERT, UPDATE ON tokens, credentials, vault_keyset TO "${application}";

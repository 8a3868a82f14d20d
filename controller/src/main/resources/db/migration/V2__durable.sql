-- What outlives a controller: hosts with their leases, what is needed to take a running machine over, how far a hand-over came, and
-- timers.

-- A host is a controller with its data folder. Its lease is by the database's clock. Each taking of the lease raises the epoch.
CREATE TABLE hosts (
    id text PRIMARY KEY CHECK (id ~ '^h-[a-z2-7]{12}$'),
    name text NOT NULL CHECK (length(name) <= 255),
    address text NOT NULL CHECK (length(address) <= 255),
    epoch bigint NOT NULL CHECK (epoch >= 1),
    state text NOT NULL CHECK (state IN ('held', 'released', 'lost')),
    lease_until timestamptz NOT NULL,
    started_at timestamptz NOT NULL
);

-- The time of a timeline's last event.
ALTER TABLE timelines ADD COLUMN last_at timestamptz;

ALTER TABLE machines
    ADD COLUMN host text REFERENCES hosts (id),
    ADD COLUMN egress jsonb NOT NULL DEFAULT '[]',
    -- What its driver needs to find it again; null until it runs.
    ADD COLUMN handle text CHECK (length(handle) <= 4000),
    -- Whether a CLI machine was given what the vault holds for its user.
    ADD COLUMN furnished boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT machines_state_check,
    ADD CONSTRAINT machines_state_check
        CHECK (state IN ('planned', 'starting', 'ready', 'destroying', 'destroyed', 'lost'));
CREATE INDEX resources_left ON resources (machine_id) WHERE undone_at IS NULL;
CREATE INDEX machines_by_host ON machines (host) WHERE ended_at IS NULL;

ALTER TABLE sessions
    ADD COLUMN host text REFERENCES hosts (id),
    ADD COLUMN status_since timestamptz,
    -- When the user's time is over; null while it has not begun.
    ADD COLUMN expires_at timestamptz,
    -- The version of the credentials in the vault that this session sealed.
    ADD COLUMN sealed_version bigint CHECK (sealed_version >= 1),
    -- Its page said that the browser machine is needed no more.
    ADD COLUMN released boolean NOT NULL DEFAULT false,
    -- Somebody asked for the browser machine to stay until then.
    ADD COLUMN kept_until timestamptz;
UPDATE sessions SET status_since = updated_at;
ALTER TABLE sessions ALTER COLUMN status_since SET NOT NULL;
CREATE INDEX sessions_by_host ON sessions (host) WHERE ended_at IS NULL;

-- The table of db-scheduler, as its documentation gives it for PostgreSQL.
CREATE TABLE scheduled_tasks (
    task_name text NOT NULL,
    task_instance text NOT NULL,
    task_data bytea,
    execution_time timestamptz NOT NULL,
    picked boolean NOT NULL,
    picked_by text,
    last_success timestamptz,
    last_failure timestamptz,
    consecutive_failures integer,
    last_heartbeat timestamptz,
    version bigint NOT NULL,
    priority smallint,
    PRIMARY KEY (task_name, task_instance)
);
CREATE INDEX scheduled_tasks_by_time ON scheduled_tasks (execution_time);
CREATE INDEX scheduled_tasks_by_heartbeat ON scheduled_tasks (last_heartbeat);

GRANT SELECT, INSERT, UPDATE, DELETE ON hosts, scheduled_tasks TO "${application}";

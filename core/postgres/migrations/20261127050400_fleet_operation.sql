-- +goose Up
-- What an edge tells of itself beside its configuration, and whose merchants it may serve.
ALTER TABLE edge
    ADD COLUMN merchants       uuid[], -- NULL = all, those that come later too
    ADD COLUMN program         text NOT NULL DEFAULT '',
    ADD COLUMN trouble         smallint NOT NULL DEFAULT 0,
    ADD COLUMN spool_bytes     bigint NOT NULL DEFAULT 0,
    ADD COLUMN spool_limit     bigint NOT NULL DEFAULT 0,
    ADD COLUMN modules_version bigint NOT NULL DEFAULT 0,
    ADD COLUMN modules_refused bigint NOT NULL DEFAULT 0,
    ADD COLUMN modules_reason  text NOT NULL DEFAULT '';

ALTER TABLE edge_code
    ADD COLUMN id         uuid UNIQUE,
    ADD COLUMN name       text NOT NULL DEFAULT '',
    ADD COLUMN merchants  uuid[];

-- One row for each edge and minute, kept for a day: what the operator's charts draw. Global.
CREATE TABLE edge_minute (
    edge_id        uuid NOT NULL,
    minute         timestamptz NOT NULL,
    events         bigint NOT NULL DEFAULT 0, -- that the core took in this minute
    waiting        bigint NOT NULL DEFAULT 0, -- most records that waited at the edge
    oldest_seconds bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (edge_id, minute)
);
CREATE INDEX edge_minute_minute_idx ON edge_minute (minute);

-- What operators did and what became of edges. It only grows. Global.
CREATE TABLE fleet_log (
    id          uuid PRIMARY KEY,
    edge_id     uuid,
    operator_id uuid, -- NULL = the command line, or nobody
    action      text NOT NULL,
    data        jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at  timestamptz NOT NULL
);
CREATE INDEX fleet_log_edge_id_id_idx ON fleet_log (edge_id, id DESC);

-- Signed module sets. A set without time of publication is a roll-back that was signed along
-- with the set it undoes and that nobody has asked for. Global.
CREATE TABLE module_set (
    version      bigint PRIMARY KEY CHECK (version > 0),
    manifest     bytea NOT NULL,
    signature    bytea NOT NULL,
    undoes       bigint REFERENCES module_set (version),
    created_at   timestamptz NOT NULL,
    published_at timestamptz,
    published_by uuid
);

-- Files of module sets by their hash. Global.
CREATE TABLE module_file (
    sha256     bytea PRIMARY KEY,
    file       bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- While the row is there nothing is sent for anybody. Global.
CREATE TABLE system_hold (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    operator_id uuid NOT NULL,
    name        text NOT NULL,
    reason      text NOT NULL,
    stopped_at  timestamptz NOT NULL
);

ALTER TABLE operator ADD COLUMN name text NOT NULL DEFAULT '';

REVOKE UPDATE, DELETE ON fleet_log FROM lumo_app;

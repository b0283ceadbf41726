-- +goose Up
-- The order in which edges get committed changes. A change has no number until its
-- transaction is committed: numbers are given afterwards, by one process at a time, so that
-- none can become visible below one that was sent already.
ALTER TABLE edge_change ADD COLUMN sequence bigint UNIQUE;
CREATE INDEX edge_change_pending_idx ON edge_change (version) WHERE sequence IS NULL;
CREATE SEQUENCE edge_change_sequence AS bigint;
GRANT USAGE ON SEQUENCE edge_change_sequence TO lumo_app;

ALTER TABLE edge ADD COLUMN connected_at timestamptz;

-- Records of edges that cannot be taken, for a person to see. Global: who they belong to may
-- be what cannot be read. The body is sealed under the master key.
CREATE TABLE edge_kept (
    id         uuid NOT NULL,
    edge_id    uuid NOT NULL,
    kind       int NOT NULL,
    body_enc   bytea NOT NULL,
    problem    text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (edge_id, id)
);

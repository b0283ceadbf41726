-- +goose Up
-- What happened hour by hour, for the small trends of Home; a few days are kept.
CREATE TABLE counter_hour (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    hour        timestamptz NOT NULL,
    kind        text NOT NULL,
    slot        smallint NOT NULL DEFAULT 0, -- see counter
    n           bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, channel_id, hour, kind, slot)
);
ALTER TABLE counter_hour ENABLE ROW LEVEL SECURITY;
ALTER TABLE counter_hour FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON counter_hour USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON counter_hour TO lumo_app;

-- Whoever comes by such a code is one of the team's own: a test friend.
ALTER TABLE qr_code ADD COLUMN own boolean NOT NULL DEFAULT false;

-- A member may hide the first steps from her Home.
ALTER TABLE member ADD COLUMN steps_hidden_at timestamptz;

-- A person sees and ends her own sessions. What is ended stays until it would have expired, so
-- that a request under way cannot bring it back.
ALTER TABLE session
    ADD COLUMN id         uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN members    uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN device     text NOT NULL DEFAULT '', -- kind of browser and system, no more
    ADD COLUMN started_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN seen_at    timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN ended_at   timestamptz;
CREATE INDEX session_members_idx ON session USING gin (members);

CREATE INDEX delivery_merchant_id_channel_id_test_idx ON delivery (merchant_id, channel_id, logical_id) WHERE logical_kind = 'test';
CREATE INDEX friend_merchant_id_channel_id_tester_idx ON friend (merchant_id, channel_id, id) WHERE tester;
CREATE INDEX run_merchant_id_going_idx ON run (merchant_id, id) WHERE state IN ('waiting', 'running', 'paused');
CREATE INDEX run_merchant_id_ended_at_idx ON run (merchant_id, ended_at);

-- +goose Up
-- How an account sends: whether a person stopped it, and the merchant's rules.
CREATE TABLE sending (
    merchant_id       uuid NOT NULL,
    channel_id        uuid NOT NULL,
    stop_scope        text CHECK (stop_scope IN ('broadcasts', 'everything')), -- null = not stopped
    stopped_at        timestamptz, -- of the stop in force, else of the last one
    stopped_by        uuid,
    resumed_at        timestamptz,
    hold_seconds      int NOT NULL DEFAULT 21600 CHECK (hold_seconds BETWEEN 600 AND 259200), -- too late after
    reserve_percent   int NOT NULL DEFAULT 10 CHECK (reserve_percent BETWEEN 0 AND 90), -- of the month, for flow sends
    quiet_from        int CHECK (quiet_from BETWEEN 0 AND 1439), -- minute of the merchant's day; null = off
    quiet_until       int CHECK (quiet_until BETWEEN 0 AND 1439),
    quiet_days        int NOT NULL DEFAULT 127 CHECK (quiet_days BETWEEN 0 AND 127), -- bit 0 = Monday; the day it begins
    quiet_flows       text NOT NULL DEFAULT 'wait' CHECK (quiet_flows IN ('wait', 'skip', 'send')),
    quiet_broadcasts  text NOT NULL DEFAULT 'wait' CHECK (quiet_broadcasts IN ('wait', 'skip', 'send')),
    cap_messages      int CHECK (cap_messages BETWEEN 1 AND 1000), -- to one person in cap_days; null = off
    cap_days          int CHECK (cap_days BETWEEN 1 AND 90),
    cap_flows         boolean NOT NULL DEFAULT false, -- flow sends are limited too
    approval_over     bigint CHECK (approval_over >= 0), -- recipients from which a broadcast needs a second person
    typed_number_over bigint NOT NULL DEFAULT 1000 CHECK (typed_number_over >= 0),
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- The month's messages as the senders count them. LINE's own figure is read now and then; what
-- was accepted since, and what is on its way, is counted here.
CREATE TABLE quota (
    merchant_id      uuid NOT NULL,
    channel_id       uuid NOT NULL,
    month            date NOT NULL,
    base             bigint NOT NULL DEFAULT 0, -- used when LINE's figure was last taken
    since            bigint NOT NULL DEFAULT 0, -- accepted after that
    held             bigint NOT NULL DEFAULT 0, -- on its way: may have been accepted
    read_at          timestamptz, -- channel.quota_read_at that base came from
    last_accepted_at timestamptz,
    blocked_at       timestamptz, -- the limit was reached
    PRIMARY KEY (merchant_id, channel_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- What LINE accepted per day (merchant's time zone) and route.
CREATE TABLE sent_day (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    day         date NOT NULL,
    route       text NOT NULL CHECK (route IN ('flow', 'broadcast', 'test', 'reply', 'welcome')),
    n           bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, channel_id, day, route)
);

-- A logical message to many: what it says stands here once, not in each delivery.
CREATE TABLE logical_message (
    merchant_id uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('flow', 'broadcast', 'test', 'reply', 'welcome')),
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    input_enc   bytea NOT NULL,
    shared      boolean NOT NULL, -- the same for all: sent to many in one request
    too_late_at timestamptz,
    received_at timestamptz NOT NULL,
    planned     bigint NOT NULL DEFAULT 0,
    complete    boolean NOT NULL DEFAULT false, -- every recipient is planned
    dropped_at  timestamptz, -- a person dropped what was left of it
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, kind, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- Deliveries that go in one request. Who is in it is frozen with its bytes.
CREATE TABLE delivery_chunk (
    merchant_id     uuid NOT NULL,
    id              uuid NOT NULL, -- subject of the retry key
    channel_id      uuid NOT NULL,
    logical_kind    text NOT NULL,
    logical_id      uuid NOT NULL,
    recipients      int NOT NULL,
    state           text NOT NULL CHECK (state IN ('sending', 'accepted', 'rejected', 'deferred', 'quota_blocked',
                                                   'unknown', 'unknown_expired')),
    retry_key       uuid NOT NULL,
    body_enc        bytea, -- exact bytes (zstd, sealed), only while in flight
    first_try_at    timestamptz,
    last_try_at     timestamptz,
    tries           int NOT NULL DEFAULT 0,
    due_at          timestamptz, -- null = ended
    fence           bigint NOT NULL DEFAULT 0,
    line_request_id text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE INDEX delivery_chunk_merchant_id_channel_id_due_at_idx ON delivery_chunk (merchant_id, channel_id, due_at)
    WHERE due_at IS NOT NULL;

-- Which deliveries are due is told by due_at alone (null = ended, or in a chunk). The state, which
-- changes with every step, is in no index, so that most steps touch no index at all.
ALTER TABLE delivery
    ADD COLUMN rank smallint NOT NULL DEFAULT 0, -- 0 before 1: a flow send never waits for a broadcast
    ADD COLUMN chunk_id uuid,
    ADD COLUMN round smallint NOT NULL DEFAULT 0, -- how often a person had it sent again
    ADD COLUMN failures smallint NOT NULL DEFAULT 0, -- tries that our own fault ended
    ADD COLUMN unsure boolean NOT NULL DEFAULT false, -- LINE may have it: unknown, unknown_expired
    ALTER COLUMN due_at DROP NOT NULL;
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
UPDATE delivery SET due_at = NULL WHERE state IN ('accepted', 'skipped', 'rejected', 'unknown_expired');
UPDATE delivery SET unsure = true WHERE state IN ('unknown', 'unknown_expired');
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
DROP INDEX delivery_merchant_id_channel_id_due_at_idx;
CREATE INDEX delivery_merchant_id_channel_id_rank_due_at_id_idx ON delivery (merchant_id, channel_id, rank, due_at, id)
    WHERE due_at IS NOT NULL;
CREATE INDEX delivery_merchant_id_channel_id_unsure_idx ON delivery (merchant_id, channel_id) WHERE unsure;
CREATE INDEX delivery_merchant_id_chunk_id_idx ON delivery (merchant_id, chunk_id) WHERE chunk_id IS NOT NULL;
ALTER TABLE delivery SET (fillfactor = 70);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['sending', 'quota', 'sent_day', 'logical_message', 'delivery_chunk']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant())', t);
    END LOOP;
END $$;
-- +goose StatementEnd

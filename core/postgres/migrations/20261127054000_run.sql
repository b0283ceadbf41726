-- +goose Up
-- Long work of a merchant. Parameters and counts hold ids and fixed words, never personal data.
CREATE TABLE run (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    kind        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('waiting', 'running', 'paused', 'stopped', 'done', 'failed')),
    params      jsonb NOT NULL DEFAULT '{}',
    cursor      text NOT NULL DEFAULT '',
    total       bigint, -- null while it is being counted
    done        bigint NOT NULL DEFAULT 0,
    problems    bigint NOT NULL DEFAULT 0,
    counts      jsonb NOT NULL DEFAULT '{}',
    waits       text NOT NULL DEFAULT '', -- for whom, as a code
    started_by  uuid,
    fence       bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    undone_at   timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE INDEX run_merchant_id_channel_id_id_idx ON run (merchant_id, channel_id, id DESC);
CREATE INDEX run_merchant_id_open_idx ON run (merchant_id, channel_id, id) WHERE state IN ('waiting', 'running');

-- What came of one customer or friend; 30 days.
CREATE TABLE run_item (
    merchant_id uuid NOT NULL,
    run_id      uuid NOT NULL,
    n           bigint NOT NULL,
    result      text NOT NULL,
    profile_id  text NOT NULL DEFAULT '',
    friend_id   uuid,
    link_id     uuid, -- made by this run
    user_enc    bytea, -- a LINE user id that nobody here is known by
    PRIMARY KEY (merchant_id, run_id, n),
    FOREIGN KEY (merchant_id, run_id) REFERENCES run (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX run_item_merchant_id_result_idx ON run_item (merchant_id, run_id, result, n);
CREATE INDEX run_item_merchant_id_friend_id_idx ON run_item (merchant_id, friend_id) WHERE friend_id IS NOT NULL;

-- Which LINE account has long work to do; one process at a time does it. Global.
CREATE TABLE run_turn (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    due_at      timestamptz NOT NULL,
    owner       text,
    lease_until timestamptz,
    fence       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, channel_id)
);
CREATE INDEX run_turn_due_at_idx ON run_turn (due_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON run_turn TO lumo_app;

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['run', 'run_item'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant())
                        WITH CHECK (merchant_id = lumo_merchant())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO lumo_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- When LINE was last asked about a friend, or listed them.
ALTER TABLE friend ADD COLUMN checked_at timestamptz;
CREATE INDEX friend_merchant_id_channel_id_consent_at_idx ON friend (merchant_id, channel_id, consent_at);

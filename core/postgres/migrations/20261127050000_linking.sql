-- +goose Up
-- What a QR code does when it links somebody, and whose form it serves.
ALTER TABLE qr_code
    ADD COLUMN tags    uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN welcome text NOT NULL DEFAULT '',
    ADD COLUMN form_id uuid;

-- A code's numbers by day of the merchant's zone.
CREATE TABLE qr_code_day (
    merchant_id uuid NOT NULL,
    qr_code_id  uuid NOT NULL,
    day         date NOT NULL,
    scans       bigint NOT NULL DEFAULT 0,
    friends     bigint NOT NULL DEFAULT 0,
    links       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, qr_code_id, day),
    FOREIGN KEY (merchant_id, qr_code_id) REFERENCES qr_code (merchant_id, id)
);

-- A form of a shop page. Its links use a QR code of its own, which no list of codes shows.
CREATE TABLE form (
    merchant_id   uuid NOT NULL,
    id            uuid NOT NULL,
    channel_id    uuid NOT NULL,
    qr_code_id    uuid NOT NULL,
    public_key    text NOT NULL UNIQUE,
    name          text NOT NULL,
    klaviyo_form  text NOT NULL DEFAULT '', -- Klaviyo's id, empty = any form of the page
    shows         text NOT NULL CHECK (shows IN ('button', 'qr', 'both')),
    texts         jsonb NOT NULL DEFAULT '{}',
    origins       text[] NOT NULL DEFAULT '{}',
    state         text NOT NULL CHECK (state IN ('live', 'paused')),
    submitted     bigint NOT NULL DEFAULT 0,
    shown         bigint NOT NULL DEFAULT 0,
    last_submit_at timestamptz,
    page_url      text NOT NULL DEFAULT '', -- where the merchant had us look for the script
    page_state    text NOT NULL DEFAULT 'unchecked'
                  CHECK (page_state IN ('unchecked', 'found', 'missing', 'other_form', 'unreachable')),
    page_checked_at timestamptz,
    page_found_at timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id),
    FOREIGN KEY (merchant_id, qr_code_id) REFERENCES qr_code (merchant_id, id)
);
CREATE INDEX form_merchant_id_channel_id_idx ON form (merchant_id, channel_id, id DESC);

-- What a merchant chose about linking on one LINE account.
CREATE TABLE linking_setting (
    merchant_id    uuid NOT NULL,
    channel_id     uuid NOT NULL,
    goal_percent   int NOT NULL DEFAULT 60 CHECK (goal_percent BETWEEN 1 AND 100),
    unlink_words   text[] NOT NULL DEFAULT '{連携解除,unlink}',
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- A person's own LINE Login token, kept as long as LINE takes it (30 days), for one purpose:
-- LINE wants to be told when a link ends. due_at says that it is to be told.
CREATE TABLE login_token (
    merchant_id uuid NOT NULL,
    friend_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,
    token_enc   bytea NOT NULL,
    expires_at  timestamptz NOT NULL,
    due_at      timestamptz,
    PRIMARY KEY (merchant_id, friend_id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX login_token_merchant_id_due_at_idx ON login_token (merchant_id, due_at) WHERE due_at IS NOT NULL;

-- A conflict knows both sides, how it was decided, and what undoing that takes.
ALTER TABLE link_conflict
    ADD COLUMN other_friend_id uuid,
    ADD COLUMN evidence    jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN decision    text NOT NULL DEFAULT ''
               CHECK (decision IN ('', 'use_first', 'use_second', 'leave_unlinked', 'unlink', 'gone')),
    ADD COLUMN resolution  jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN resolved_by uuid,
    ADD COLUMN deferred_at timestamptz,
    DROP CONSTRAINT link_conflict_kind_check,
    ADD CONSTRAINT link_conflict_kind_check CHECK (kind IN ('two_profiles', 'two_friends', 'shared_phone'));
CREATE INDEX link_conflict_merchant_id_channel_id_open_idx
    ON link_conflict (merchant_id, channel_id, (coalesce(deferred_at, created_at)), id) WHERE state = 'open';

ALTER TABLE link_history
    DROP CONSTRAINT link_history_step_check,
    ADD CONSTRAINT link_history_step_check CHECK (step IN ('linked', 'raised', 'unlinked', 'conflict', 'resolved',
                                                           'undone', 'moved'));
CREATE INDEX IF NOT EXISTS link_history_merchant_id_link_id_idx ON link_history (merchant_id, link_id, id DESC);
CREATE INDEX IF NOT EXISTS identity_link_merchant_id_channel_id_linked_at_idx
    ON identity_link (merchant_id, channel_id, linked_at);

-- The system webhook that Klaviyo tells merges through.
ALTER TABLE klaviyo_account
    ADD COLUMN webhook_id text NOT NULL DEFAULT '',
    ADD COLUMN webhook_state text NOT NULL DEFAULT 'none' CHECK (webhook_state IN ('none', 'on', 'failed'));

ALTER TABLE edge_event DROP CONSTRAINT edge_event_type_check;
ALTER TABLE edge_event ADD CONSTRAINT edge_event_type_check
    CHECK (type IN ('click', 'open', 'scan', 'refused_hook', 'form'));

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['qr_code_day', 'form', 'linking_setting', 'login_token'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant())
                        WITH CHECK (merchant_id = lumo_merchant())', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Up
-- A message is a draft that its writers change, and versions that never change. What it says
-- is text: JSON columns would not keep it byte for byte.
ALTER TABLE message
    ADD COLUMN body text,
    ADD COLUMN revision int NOT NULL DEFAULT 1,
    ADD COLUMN updated_by uuid,
    ADD COLUMN published_revision int NOT NULL DEFAULT 0, -- of the draft that the newest version was
    ADD COLUMN archived_at timestamptz;
ALTER TABLE message_version
    ADD COLUMN body text,
    ADD COLUMN published_by uuid;

-- Until now every block was a text, and every change a version.
-- +goose StatementBegin
CREATE FUNCTION lumo_text_blocks(blocks jsonb) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT jsonb_build_object('utm', '{}'::jsonb, 'blocks', coalesce(
          jsonb_agg(jsonb_build_object('type', 'text', 'text', b.value ->> 'text')::text ORDER BY b.ordinality), '[]'))::text
        FROM jsonb_array_elements(blocks) WITH ORDINALITY AS b $$;
-- +goose StatementEnd
ALTER TABLE message NO FORCE ROW LEVEL SECURITY;
ALTER TABLE message_version NO FORCE ROW LEVEL SECURITY;
UPDATE message SET body = lumo_text_blocks(blocks), published_revision = 1,
    archived_at = CASE WHEN state = 'archived' THEN updated_at END;
UPDATE message_version SET body = lumo_text_blocks(blocks);
ALTER TABLE message FORCE ROW LEVEL SECURITY;
ALTER TABLE message_version FORCE ROW LEVEL SECURITY;
DROP FUNCTION lumo_text_blocks(jsonb);
ALTER TABLE message
    ALTER COLUMN body SET NOT NULL,
    ALTER COLUMN version SET DEFAULT 0,
    DROP COLUMN blocks,
    DROP COLUMN state;
ALTER TABLE message_version
    ALTER COLUMN body SET NOT NULL,
    DROP COLUMN blocks;
CREATE INDEX message_merchant_id_channel_id_id_idx ON message (merchant_id, channel_id, id DESC);
CREATE INDEX delivery_merchant_id_message_id_accepted_at_idx ON delivery (merchant_id, message_id, accepted_at)
    WHERE message_id IS NOT NULL AND state = 'accepted';
CREATE INDEX delivery_merchant_id_channel_id_accepted_at_idx ON delivery (merchant_id, channel_id, accepted_at)
    WHERE state = 'accepted';

-- UTM parameters of tracked links, where a message has none of its own.
ALTER TABLE channel
    ADD COLUMN utm jsonb NOT NULL DEFAULT '{"source": "line", "medium": "flow"}',
    ADD COLUMN image_seq bigint NOT NULL DEFAULT 0; -- last image number given out

-- The link that stands for this one in statistics: the address as the merchant wrote it.
ALTER TABLE tracked_link ADD COLUMN stands_for bigint;

-- Files, named by their hash. They are kept for ever: messages on phones show them.
CREATE TABLE media (
    merchant_id uuid NOT NULL REFERENCES merchant,
    sha256      bytea NOT NULL,
    media_type  text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png')),
    data        bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, sha256)
);
ALTER TABLE media ALTER COLUMN data SET STORAGE EXTERNAL; -- compressed already

-- Who has a file that an edge asks for. Global and without personal data, like hook_route.
CREATE TABLE media_route (
    sha256      bytea PRIMARY KEY,
    merchant_id uuid NOT NULL
);

-- A picture of a channel, and its file in each size: 0 original, 1 preview, 2 for cards, or a width.
CREATE TABLE image (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    number      bigint NOT NULL,
    sha256      bytea NOT NULL, -- of the original
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, number),
    UNIQUE (merchant_id, channel_id, sha256),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE TABLE image_file (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    number      bigint NOT NULL,
    use         int NOT NULL,
    sha256      bytea NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, number, use),
    FOREIGN KEY (merchant_id, channel_id, number) REFERENCES image (merchant_id, channel_id, number),
    FOREIGN KEY (merchant_id, sha256) REFERENCES media (merchant_id, sha256)
);

-- Automatic replies: the greeting on follow, and to words that people write.
CREATE TABLE reply_rule (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('greeting', 'keyword')),
    keyword     text NOT NULL DEFAULT '',
    match       text NOT NULL DEFAULT 'exact' CHECK (match IN ('exact', 'contains')),
    position    int NOT NULL DEFAULT 0,
    message_id  uuid NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id),
    FOREIGN KEY (merchant_id, message_id) REFERENCES message (merchant_id, id)
);
CREATE UNIQUE INDEX reply_rule_merchant_id_channel_id_idx ON reply_rule (merchant_id, channel_id) WHERE kind = 'greeting';
CREATE INDEX reply_rule_merchant_id_channel_id_position_idx ON reply_rule (merchant_id, channel_id, position, id);

-- One answer to one event of LINE's. A reply token works once and for a minute, so what is not
-- begun by expires_at never is.
CREATE TABLE reply (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    friend_id   uuid NOT NULL,
    rule_id     uuid NOT NULL,
    event       text NOT NULL, -- LINE's webhookEventId
    token_enc   bytea, -- until it was used
    state       text NOT NULL CHECK (state IN ('planned', 'sending', 'accepted', 'rejected', 'unknown_expired', 'skipped')),
    reason      text,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, channel_id, event),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id)
);
CREATE INDEX reply_merchant_id_state_idx ON reply (merchant_id, channel_id, id) WHERE state IN ('planned', 'sending');

-- LINE's own figures of a message's sends, as last read; null = LINE hides them.
CREATE TABLE line_figure (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    message_id  uuid NOT NULL,
    from_day    date NOT NULL,
    to_day      date NOT NULL,
    figures     jsonb NOT NULL,
    read_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, message_id, from_day, to_day),
    FOREIGN KEY (merchant_id, message_id) REFERENCES message (merchant_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['media', 'image', 'image_file', 'reply_rule', 'reply', 'line_figure']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant())', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Up
-- What the Flow doctor needs beside the calls: how flows stand in Klaviyo, when the event of
-- a call happened, sums of days whose calls are gone, and which findings shall keep quiet.

ALTER TABLE work DROP CONSTRAINT work_kind_check,
    ADD CONSTRAINT work_kind_check CHECK (kind IN ('send', 'outbox', 'refresh', 'flow'));
INSERT INTO work (merchant_id, channel_id, kind, due_at)
SELECT merchant_id, channel_id, 'flow', due_at
FROM work
WHERE kind = 'refresh';

ALTER TABLE flow_request
    ADD COLUMN event_at timestamptz, -- when the event happened, as Klaviyo says
    ADD COLUMN event_asked boolean NOT NULL DEFAULT false;
CREATE INDEX flow_request_merchant_id_channel_id_received_at_idx ON flow_request (merchant_id, channel_id, received_at);

CREATE TABLE klaviyo_flow (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    flow_id     text NOT NULL,
    name        text NOT NULL,
    status      text NOT NULL CHECK (status IN ('live', 'manual', 'draft', 'gone')),
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, flow_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

CREATE TABLE flow_day (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    flow_id     text NOT NULL,
    day         date NOT NULL, -- UTC
    calls       bigint NOT NULL,
    sent        bigint NOT NULL,
    not_sent    bigint NOT NULL,
    refused     bigint NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, flow_id, day),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

CREATE TABLE finding_pause (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    code        text NOT NULL,
    subject     text NOT NULL,
    until       timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, code, subject),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['klaviyo_flow', 'flow_day', 'finding_pause']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO lumo_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd

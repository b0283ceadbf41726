-- +goose Up
-- A click or an open that counts is written once, as the event that it is: the timeline's line
-- and what Klaviyo is told are read from it. Lines written beside events go.
ALTER TABLE friend_event NO FORCE ROW LEVEL SECURITY;
DELETE FROM friend_event WHERE kind IN ('clicked', 'opened') AND source = 'edge';
ALTER TABLE friend_event FORCE ROW LEVEL SECURITY;

-- Events that Klaviyo is still to be told of, many in a row, in the order in which they came.
-- Their rows in the outbox are made when there is room for them at Klaviyo.
CREATE TABLE outbox_bundle (
    merchant_id        uuid NOT NULL,
    id                 uuid NOT NULL,
    klaviyo_account_id uuid NOT NULL,
    events             uuid[] NOT NULL,
    n                  integer NOT NULL,
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
-- Ids do not get smaller by compressing.
ALTER TABLE outbox_bundle ALTER COLUMN events SET STORAGE EXTERNAL;
ALTER TABLE outbox_bundle ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_bundle FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox_bundle USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_bundle TO lumo_app;

-- All events of a delivery stand under one key of the index, which holds it once.
DROP INDEX edge_event_merchant_id_delivery_id_idx;
CREATE INDEX edge_event_merchant_id_delivery_id_idx ON edge_event (merchant_id, delivery_id)
    WHERE delivery_id IS NOT NULL;

-- +goose Up
-- When a friend was last sent something or clicked changes with every message. In a narrow
-- table without further indexes that is a change in place; in the friend's own row it would
-- rewrite all of that row's indexes.
CREATE TABLE friend_activity (
    merchant_id     uuid NOT NULL,
    friend_id       uuid NOT NULL,
    last_sent_at    timestamptz,
    last_clicked_at timestamptz,
    PRIMARY KEY (merchant_id, friend_id)
) WITH (fillfactor = 70);
ALTER TABLE friend_activity ENABLE ROW LEVEL SECURITY;
ALTER TABLE friend_activity FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON friend_activity USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON friend_activity TO lumo_app;
ALTER TABLE friend NO FORCE ROW LEVEL SECURITY;
ALTER TABLE friend_activity NO FORCE ROW LEVEL SECURITY;
INSERT INTO friend_activity (merchant_id, friend_id, last_sent_at, last_clicked_at)
SELECT merchant_id, id, last_sent_at, last_clicked_at
  FROM friend
 WHERE last_sent_at IS NOT NULL OR last_clicked_at IS NOT NULL;
ALTER TABLE friend_activity FORCE ROW LEVEL SECURITY;
ALTER TABLE friend FORCE ROW LEVEL SECURITY;
ALTER TABLE friend DROP COLUMN last_sent_at, DROP COLUMN last_clicked_at;

-- Both tables take a row for everything that happens. A look at the parent's row for each of
-- them, with a lock there, costs more than the row itself; and what LINE accepted must be
-- recorded even when the person was erased meanwhile.
ALTER TABLE friend_event DROP CONSTRAINT friend_event_merchant_id_friend_id_fkey;
ALTER TABLE outbox DROP CONSTRAINT outbox_merchant_id_klaviyo_account_id_fkey;

-- One index answers for a delivery's events, counted or not.
DROP INDEX edge_event_merchant_id_counted_idx;
DROP INDEX edge_event_merchant_id_delivery_id_type_link_idx;
CREATE INDEX edge_event_merchant_id_delivery_id_idx ON edge_event (merchant_id, delivery_id, type, link)
    WHERE delivery_id IS NOT NULL;

-- +goose Up
-- Filters of lists that a member keeps for herself under a name. They hold ids and fixed words.
CREATE TABLE saved_filter (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    member_id   uuid NOT NULL, -- or an API key, which keeps its own
    channel_id  uuid NOT NULL,
    list        text NOT NULL CHECK (list IN ('friends', 'review', 'flow_requests')),
    name        text NOT NULL,
    filter      jsonb NOT NULL, -- filter -> id or fixed word
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE UNIQUE INDEX saved_filter_member_id_channel_id_list_name_idx
    ON saved_filter (merchant_id, member_id, channel_id, list, lower(name));
ALTER TABLE saved_filter ENABLE ROW LEVEL SECURITY;
ALTER TABLE saved_filter FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON saved_filter USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_filter TO lumo_app;

-- +goose Up
-- A merchant's own host for tracked links. It leads to the edges, and new links begin with it
-- only while that is so (state 'used'). No two merchants have the same one.
CREATE TABLE link_host (
    merchant_id uuid PRIMARY KEY,
    url         text NOT NULL CONSTRAINT link_host_url_key UNIQUE, -- https://go.shop.example
    state       text NOT NULL CHECK (state IN ('waiting', 'used', 'lost')),
    since       timestamptz NOT NULL,
    checked_at  timestamptz,
    reason      text NOT NULL, -- why the last check failed; empty = it did not
    found       text NOT NULL, -- what it found instead
    failures    integer NOT NULL
);
ALTER TABLE link_host ENABLE ROW LEVEL SECURITY;
ALTER TABLE link_host FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON link_host USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON link_host TO lumo_app;
ALTER TABLE work DROP CONSTRAINT work_kind_check;
ALTER TABLE work ADD CONSTRAINT work_kind_check
    CHECK (kind IN ('send', 'outbox', 'refresh', 'flow', 'flow_event', 'link_host'));

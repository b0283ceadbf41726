-- +goose Up
-- A profile item is replaced while an earlier version of it may be on its way: what was
-- sent counts only for the revision that was sent.
ALTER TABLE outbox ADD COLUMN revision int NOT NULL DEFAULT 1;
CREATE INDEX outbox_merchant_id_profile_id_idx ON outbox (merchant_id, klaviyo_account_id, profile_id)
    WHERE state = 'waiting' AND kind = 'profile';
CREATE INDEX outbox_merchant_id_kept_idx ON outbox (merchant_id, klaviyo_account_id) WHERE state = 'kept';

-- What makes the unique id in Klaviyo: LINE's webhook event id, an edge's event id, a delivery number.
ALTER TABLE friend_event ADD COLUMN ref text NOT NULL DEFAULT '';

-- Why a hook was refused at an edge; code of CONTRACTS.md part A.
ALTER TABLE edge_event ADD COLUMN reason int NOT NULL DEFAULT 0;

-- Which counted click or open of a delivery was the first, found without reading its events.
CREATE INDEX edge_event_merchant_id_counted_idx ON edge_event (merchant_id, delivery_id, type, link, occurred_at)
    WHERE counted;

-- How many links of a channel are new today, found without reading all.
CREATE INDEX tracked_link_merchant_id_channel_id_created_at_idx ON tracked_link (merchant_id, channel_id, created_at);

-- Several rows make one number, so that transactions do not wait for each other's: each
-- connection adds to a row of its own, readers add them up.
ALTER TABLE counter
    ADD COLUMN slot smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT counter_pkey,
    ADD PRIMARY KEY (merchant_id, channel_id, day, kind, slot);

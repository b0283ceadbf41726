-- +goose Up
-- Each flow call and each delivery asked whether its LINE account exists, with a lock on the
-- account's one row: calls at the same moment then queued there. Accounts are never removed.
ALTER TABLE delivery DROP CONSTRAINT delivery_merchant_id_channel_id_fkey;
ALTER TABLE delivery_chunk DROP CONSTRAINT delivery_chunk_merchant_id_channel_id_fkey;
ALTER TABLE flow_request DROP CONSTRAINT flow_request_merchant_id_channel_id_fkey;

-- A delivery on its way changes its state alone. Where no index names the state, that is a
-- change in place, if the page has room for it; accepted_at says the same.
DROP INDEX delivery_merchant_id_channel_id_accepted_at_idx;
DROP INDEX delivery_merchant_id_message_id_accepted_at_idx;
CREATE INDEX delivery_merchant_id_channel_id_accepted_at_idx ON delivery (merchant_id, channel_id, accepted_at)
    WHERE accepted_at IS NOT NULL;
CREATE INDEX delivery_merchant_id_message_id_accepted_at_idx ON delivery (merchant_id, message_id, accepted_at)
    WHERE message_id IS NOT NULL AND accepted_at IS NOT NULL;
ALTER TABLE delivery SET (fillfactor = 60);

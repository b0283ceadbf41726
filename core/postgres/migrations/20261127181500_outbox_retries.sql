-- While a large backlog goes in bulk, what has to be tried again is looked for each half second:
-- it is found without reading the backlog.

-- +goose Up
CREATE INDEX outbox_merchant_id_retry_idx ON outbox (merchant_id, klaviyo_account_id, due_at)
    WHERE state = 'waiting' AND tries > 0;

-- +goose Up
-- What Klaviyo refuses stands aside until a person takes it up, or says that nothing needs to be
-- done about it.
ALTER TABLE outbox DROP CONSTRAINT outbox_state_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_state_check
    CHECK (state IN ('waiting', 'sent', 'kept', 'dismissed')) NOT VALID;
ALTER TABLE outbox VALIDATE CONSTRAINT outbox_state_check;
CREATE INDEX outbox_merchant_id_dismissed_idx ON outbox (merchant_id, klaviyo_account_id, id)
    WHERE state = 'dismissed';

-- +goose Up
-- What LINE sent and nobody could work off stands aside until a person takes it up, or says that
-- nothing needs to be done about it.
ALTER TABLE hook_request DROP CONSTRAINT hook_request_state_check;
ALTER TABLE hook_request ADD CONSTRAINT hook_request_state_check
    CHECK (state IN ('waiting', 'done', 'refused', 'kept', 'dismissed'));

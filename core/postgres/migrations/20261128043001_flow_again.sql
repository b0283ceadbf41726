-- +goose Up
-- A message that a member had sent for a call has a logical id of its own, which leads back to the call.
ALTER TABLE flow_request ADD COLUMN again_id uuid;
CREATE INDEX flow_request_again_id_idx ON flow_request (merchant_id, again_id) WHERE again_id IS NOT NULL;

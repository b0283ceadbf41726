-- +goose Up
-- What the event was that started a call, as Klaviyo names its metric; empty = not known.
ALTER TABLE flow_request
    ADD COLUMN event_name text NOT NULL DEFAULT '';

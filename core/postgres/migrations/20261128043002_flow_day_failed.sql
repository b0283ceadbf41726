-- +goose Up
-- A day's sums tell what LINE refused apart from what was left out on purpose.
ALTER TABLE flow_day ADD COLUMN failed bigint NOT NULL DEFAULT 0;

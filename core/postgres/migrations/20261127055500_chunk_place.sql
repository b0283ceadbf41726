-- +goose Up
-- Where in its chunk's body a delivery's recipient stands, from 1: LINE names the one it refuses
-- by place.
ALTER TABLE delivery ADD COLUMN place smallint;

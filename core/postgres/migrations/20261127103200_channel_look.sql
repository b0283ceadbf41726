-- +goose Up
-- The colour that tells an account from the merchant's others; null = by its number. Whether
-- LINE calls the account verified, as far as its answers tell.
ALTER TABLE channel
    ADD COLUMN ring     text CHECK (ring IN ('teal', 'blue', 'amber', 'violet', 'pink', 'olive')),
    ADD COLUMN verified text NOT NULL DEFAULT 'unknown' CHECK (verified IN ('unknown', 'yes', 'no'));

-- +goose Up
-- A Klaviyo account has one merchant, whatever merchants cannot see of each other. Global
-- and without personal data, like hook_route.
CREATE TABLE klaviyo_site (
    site_id     text PRIMARY KEY, -- Klaviyo's public key of the account
    merchant_id uuid NOT NULL,
    account_id  uuid NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX oauth_try_merchant_id_expires_at_idx ON oauth_try (merchant_id, expires_at);

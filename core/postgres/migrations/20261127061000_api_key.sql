-- +goose Up
-- Which merchant a presented API key belongs to. Global: nothing but a hash is known of a caller.
CREATE TABLE api_key (
    hash        bytea PRIMARY KEY, -- SHA-256 of the whole key
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON api_key TO lumo_app;

-- What a key may do. The key itself is shown once and not kept.
CREATE TABLE api_access (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    last4        text NOT NULL,
    rights       jsonb NOT NULL, -- area -> read, write or manage
    channels     uuid[] NOT NULL DEFAULT '{}', -- empty = all
    created_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    PRIMARY KEY (merchant_id, id)
);
ALTER TABLE api_access ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_access FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_access USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON api_access TO lumo_app;

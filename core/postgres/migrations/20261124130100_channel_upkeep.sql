-- +goose Up
-- A refused LINE request keeps its signature, to be tried with a new channel secret.
ALTER TABLE hook_request
    ADD COLUMN signature text NOT NULL DEFAULT '',
    ADD COLUMN tries int NOT NULL DEFAULT 0;

-- What the first scan proves: both channels under one provider, and joined to each other.
ALTER TABLE channel
    ADD COLUMN provider text NOT NULL DEFAULT 'unknown' CHECK (provider IN ('unknown', 'same', 'different')),
    ADD COLUMN login_joined text NOT NULL DEFAULT 'unknown' CHECK (login_joined IN ('unknown', 'yes', 'no')),
    ADD COLUMN webhook_url text NOT NULL DEFAULT '', -- as LINE last told it
    ADD COLUMN webhook_test_ms int; -- null = the last test failed or there was none

-- Null = LINE was never asked who the friend is.
ALTER TABLE friend ADD COLUMN profile_read_at timestamptz;
CREATE INDEX friend_merchant_id_channel_id_profile_read_at_idx ON friend (merchant_id, channel_id, id)
    WHERE profile_read_at IS NULL AND follow_status = 'following';

-- Set once the login and the follow event of one person were joined.
ALTER TABLE login_state ADD COLUMN joined_at timestamptz;

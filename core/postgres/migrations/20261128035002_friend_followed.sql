-- +goose Up
-- Friends of a time are listed by that time, page by page.
CREATE INDEX friend_merchant_id_channel_id_followed_idx ON friend (merchant_id, channel_id, followed_at, id);
DROP INDEX friend_merchant_id_channel_id_followed_at_idx;

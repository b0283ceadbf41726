-- +goose Up
-- Who was sent nothing stands behind the figures also where nobody is linked: such a row belongs to
-- no friend's timeline. Figures find what was not sent, and what failed, by its time.
ALTER TABLE friend_event ALTER COLUMN friend_id DROP NOT NULL;
CREATE INDEX friend_event_unsent_idx ON friend_event (merchant_id, channel_id, occurred_at)
    WHERE kind IN ('not_sent', 'failed');

-- +goose Up
-- A conflict goes with either of its friends, and is found by both.
CREATE INDEX link_conflict_merchant_id_other_friend_id_idx ON link_conflict (merchant_id, other_friend_id)
    WHERE other_friend_id IS NOT NULL;

-- What was left of people who had been erased named a friend who is not there any more.
ALTER TABLE link_conflict NO FORCE ROW LEVEL SECURITY;
ALTER TABLE friend NO FORCE ROW LEVEL SECURITY;
DELETE FROM link_conflict c
 WHERE c.other_friend_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM friend f WHERE f.merchant_id = c.merchant_id AND f.id = c.other_friend_id);
ALTER TABLE friend FORCE ROW LEVEL SECURITY;
ALTER TABLE link_conflict FORCE ROW LEVEL SECURITY;

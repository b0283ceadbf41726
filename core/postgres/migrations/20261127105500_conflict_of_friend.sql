-- +goose Up
-- Conflicts are looked up by friend, many at once while an import runs; those that a person
-- left unlinked, by both their friends.
CREATE INDEX link_conflict_merchant_id_friend_id_idx ON link_conflict (merchant_id, friend_id);
CREATE INDEX link_conflict_merchant_id_left_idx ON link_conflict (merchant_id) WHERE decision = 'leave_unlinked';

-- Replies were written as ended, and yet due: they counted among what waits.

-- +goose Up
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
UPDATE delivery
SET due_at = NULL
WHERE logical_kind = 'reply' AND state IN ('accepted', 'rejected', 'unknown_expired');
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;

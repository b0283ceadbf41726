-- Edges get the look of the accounts that were there before: key of table 4, channel (u32, low byte
-- first) and 1.

-- +goose Up
ALTER TABLE channel NO FORCE ROW LEVEL SECURITY;
INSERT INTO edge_change (merchant_id, edge_table, edge_key, changed_at)
SELECT merchant_id, 4,
    substring(b FROM 4 FOR 1) || substring(b FROM 3 FOR 1) || substring(b FROM 2 FOR 1) || substring(b FROM 1 FOR 1) || '\x01'::bytea,
    now()
FROM channel, LATERAL (SELECT decode(lpad(to_hex(number), 8, '0'), 'hex') AS b) AS big;
ALTER TABLE channel FORCE ROW LEVEL SECURITY;

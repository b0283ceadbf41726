-- +goose Up
-- What waits to be written about a customer's properties, or stands aside, is found by the
-- customer: the newest takes the place of what another friend left.
CREATE INDEX outbox_merchant_id_profile_open_idx ON outbox (merchant_id, klaviyo_account_id, profile_id)
    WHERE kind = 'profile' AND state <> 'sent';
DROP INDEX outbox_merchant_id_profile_id_idx;

ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identity_link NO FORCE ROW LEVEL SECURITY;
DELETE FROM outbox o
 USING identity_link l
 WHERE o.kind = 'profile' AND o.state <> 'sent' AND l.merchant_id = o.merchant_id AND l.channel_id = o.channel_id
   AND l.profile_id = o.profile_id AND l.state = 'linked' AND l.friend_id IS DISTINCT FROM o.friend_id;
ALTER TABLE identity_link FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;

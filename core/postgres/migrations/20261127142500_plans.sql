-- +goose Up
-- A plan that is made while a table is nearly empty finds all of its indexes alike and takes
-- the newest; it then stays in use while the table grows, and reads all of a merchant's rows
-- for each one that it looks up by its id. So the index by id is the newest of those tables
-- that grow with every message.
ALTER TABLE delivery DROP CONSTRAINT delivery_pkey, ADD PRIMARY KEY (merchant_id, id);
ALTER TABLE flow_request DROP CONSTRAINT flow_request_pkey, ADD PRIMARY KEY (merchant_id, id);
ALTER TABLE friend_event DROP CONSTRAINT friend_event_pkey, ADD PRIMARY KEY (merchant_id, id);
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ADD PRIMARY KEY (merchant_id, id);

-- The links of a customer on all accounts, asked for when Klaviyo does not know the customer.
CREATE INDEX identity_link_merchant_id_profile_id_idx ON identity_link (merchant_id, profile_id) WHERE state = 'linked';

-- +goose Up
-- What an import found out of one customer: who else has the same LINE id or is matched to the
-- same customer (twin), the other customer of a friend, what a match goes by, and which version
-- of its link it made.
ALTER TABLE run_item
    ADD COLUMN twin             bytea,
    ADD COLUMN other_profile_id text NOT NULL DEFAULT '',
    ADD COLUMN claim            text NOT NULL DEFAULT '' CHECK (claim IN ('', 'email', 'phone')),
    ADD COLUMN version          int NOT NULL DEFAULT 0;
CREATE INDEX run_item_merchant_id_twin_idx ON run_item (merchant_id, run_id, twin) WHERE twin IS NOT NULL;

-- Two customers may fit one friend before any link stands.
ALTER TABLE link_conflict ADD COLUMN other_profile_id text NOT NULL DEFAULT '';

-- Whether friends are linked by their own email or phone, per LINE account; and whether LINE
-- Login is asked for the email.
CREATE TABLE automatic_linking (
    merchant_id uuid NOT NULL,
    channel_id  uuid NOT NULL,
    email       boolean NOT NULL DEFAULT false,
    phone       boolean NOT NULL DEFAULT false,
    ask_email   boolean NOT NULL DEFAULT false,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, channel_id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE INDEX friend_contact_merchant_id_due_idx ON friend_contact (merchant_id, channel_id, friend_id)
    WHERE looked_at IS NULL;

ALTER TABLE automatic_linking ENABLE ROW LEVEL SECURITY;
ALTER TABLE automatic_linking FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON automatic_linking USING (merchant_id = lumo_merchant())
    WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON automatic_linking TO lumo_app;

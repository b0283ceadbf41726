-- +goose Up
-- The exact bytes of broadcasts stand batch by batch, beside their deliveries: bytes in a
-- delivery's own row left its page no room, so that each step of it wrote all of its indexes.
-- A delivery leaves its bundle with the first answer, or when another sender takes it up; the
-- last one takes the bundle away.
CREATE TABLE delivery_bundle (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    bodies_enc  bytea NOT NULL, -- in the order of delivery.place (zstd, sealed)
    remaining   int NOT NULL,   -- deliveries that name it
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
ALTER TABLE delivery_bundle ALTER COLUMN bodies_enc SET STORAGE EXTERNAL; -- sealed bytes do not shrink
ALTER TABLE delivery_bundle ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery_bundle FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON delivery_bundle USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery_bundle TO lumo_app;

ALTER TABLE delivery ADD COLUMN bundle_id uuid; -- null = its bytes, if it has any, stand in its row
ALTER TABLE delivery SET (fillfactor = 45);     -- room for one more version of each row of a page

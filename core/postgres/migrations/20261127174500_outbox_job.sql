-- A large backlog of customers' properties goes to Klaviyo as a job of its bulk import. An
-- account has one at a time; its items say their place in it, so that what Klaviyo has against
-- one of them finds its way back.

-- +goose Up
CREATE TABLE outbox_job (
    merchant_id        uuid NOT NULL,
    id                 uuid NOT NULL,
    klaviyo_account_id uuid NOT NULL,
    vendor_id          text NOT NULL DEFAULT '', -- Klaviyo's; empty = it may or may not have it
    due_at             timestamptz NOT NULL,
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, klaviyo_account_id),
    FOREIGN KEY (merchant_id, klaviyo_account_id) REFERENCES klaviyo_account (merchant_id, id)
);
ALTER TABLE outbox_job ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_job FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox_job USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_job TO lumo_app;

ALTER TABLE outbox
    ADD COLUMN job_place    int, -- in the account's job; null = in none
    ADD COLUMN job_revision int; -- what the job says of it
CREATE INDEX outbox_merchant_id_job_place_idx ON outbox (merchant_id, klaviyo_account_id, job_place)
    WHERE job_place IS NOT NULL;

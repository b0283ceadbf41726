-- +goose Up
-- Webhooks of Shopify: which shop, what about, and Shopify's id of what happened, which comes
-- again when Shopify sends one twice.
ALTER TABLE hook_request
    ADD COLUMN shop text,
    ADD COLUMN topic text,
    ADD COLUMN vendor_event text;
CREATE UNIQUE INDEX hook_request_merchant_id_shop_vendor_event_key
    ON hook_request (merchant_id, shop, vendor_event) WHERE kind = 'shopify' AND vendor_event IS NOT NULL;

-- +goose Up
-- What a code says is a text of its own, or a saved message.
ALTER TABLE qr_code
    ADD COLUMN message_id uuid,
    ADD CONSTRAINT qr_code_merchant_id_message_id_fkey
        FOREIGN KEY (merchant_id, message_id) REFERENCES message (merchant_id, id),
    ADD CONSTRAINT qr_code_says_one_check CHECK (message_id IS NULL OR welcome = '');

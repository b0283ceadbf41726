-- +goose Up
-- An image that shows a part of another one: which, and what part, in pixels of its original.
ALTER TABLE image
    ADD COLUMN cut_of bytea,
    ADD COLUMN cut_x integer,
    ADD COLUMN cut_y integer,
    ADD COLUMN cut_width integer,
    ADD COLUMN cut_height integer,
    ADD CONSTRAINT image_cut_check CHECK (num_nulls(cut_of, cut_x, cut_y, cut_width, cut_height) IN (0, 5)),
    ADD CONSTRAINT image_merchant_id_channel_id_cut_of_fkey FOREIGN KEY (merchant_id, channel_id, cut_of)
        REFERENCES image (merchant_id, channel_id, sha256);
-- The editor knows the address of a file and asks for its image.
CREATE INDEX image_file_merchant_id_channel_id_sha256_idx ON image_file (merchant_id, channel_id, sha256);

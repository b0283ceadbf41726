-- +goose Up
-- How many different tracked links a delivery went out with: whoever follows all of them within
-- seconds is most likely a machine that checks links.
ALTER TABLE delivery ADD COLUMN links smallint NOT NULL DEFAULT 0;

-- +goose Up
-- Names stand apart for searching: whatever else changes of a friend, the index over names is not
-- written again. A friend's name is what the friend's own row says.
CREATE TABLE friend_name (
    merchant_id  uuid NOT NULL,
    friend_id    uuid NOT NULL,
    channel_id   uuid NOT NULL,
    display_name text NOT NULL,
    PRIMARY KEY (merchant_id, friend_id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id) ON DELETE CASCADE
);
ALTER TABLE friend NO FORCE ROW LEVEL SECURITY;
INSERT INTO friend_name
SELECT merchant_id, id, channel_id, display_name
  FROM friend
 WHERE display_name <> '';
ALTER TABLE friend FORCE ROW LEVEL SECURITY;
ALTER TABLE friend_name ENABLE ROW LEVEL SECURITY;
ALTER TABLE friend_name FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON friend_name USING (merchant_id = lumo_merchant()) WITH CHECK (merchant_id = lumo_merchant());
GRANT SELECT, INSERT, UPDATE, DELETE ON friend_name TO lumo_app;

-- +goose StatementBegin
CREATE FUNCTION lumo_friend_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO friend_name (merchant_id, friend_id, channel_id, display_name)
    VALUES (NEW.merchant_id, NEW.id, NEW.channel_id, NEW.display_name)
        ON CONFLICT (merchant_id, friend_id) DO UPDATE SET display_name = excluded.display_name;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER friend_named AFTER INSERT ON friend FOR EACH ROW WHEN (NEW.display_name <> '')
    EXECUTE FUNCTION lumo_friend_named();
CREATE TRIGGER friend_renamed AFTER UPDATE OF display_name ON friend FOR EACH ROW
    WHEN (OLD.display_name IS DISTINCT FROM NEW.display_name) EXECUTE FUNCTION lumo_friend_named();

DROP INDEX friend_grams_idx;
CREATE INDEX friend_name_grams_idx ON friend_name USING gin (lumo_grams(channel_id, display_name)) WITH (fastupdate = off);
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION lumo_friends_named(channel uuid, word text, most int) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 2000
AS $$ SELECT n.friend_id
        FROM friend_name n
       WHERE n.merchant_id = lumo_merchant() AND n.channel_id = channel
         AND lumo_grams(n.channel_id, n.display_name) @> lumo_grams(channel, word)
         AND strpos(lumo_name(n.display_name), lumo_name(word)) > 0
       LIMIT most $$;
-- +goose StatementEnd

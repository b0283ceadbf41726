-- +goose Up

-- ---------------------------------------------------------------- ULIDs made by the database
-- +goose StatementBegin
CREATE FUNCTION lumo_ulid(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE
AS $$ SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
              || right(replace(gen_random_uuid()::text, '-', ''), 20))::uuid $$;
-- +goose StatementEnd

-- ---------------------------------------------------------------- names
-- Names are compared without case and width, so that half-width kana find full-width ones.
-- +goose StatementBegin
CREATE FUNCTION lumo_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT lower(normalize(name, NFKC)) $$;
-- +goose StatementEnd

-- The single characters and the pairs of a name, each hashed together with the LINE account:
-- one account's names are found without reading another's, whatever the word's length or script.
-- +goose StatementBegin
-- Newer versions build indexes with an empty search path, so the function it uses is named in full.
CREATE FUNCTION lumo_grams(channel uuid, name text) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT array_agg(DISTINCT hashtextextended(substr(n.name, i, w), uuid_hash_extended(channel, 0)))
        FROM (SELECT public.lumo_name(lumo_grams.name) AS name) AS n, generate_series(1, length(n.name)) AS i,
             (VALUES (1), (2)) AS s (w)
       WHERE i + w - 1 <= length(n.name) $$;
-- +goose StatementEnd
CREATE INDEX friend_grams_idx ON friend USING gin (lumo_grams(channel_id, display_name)) WITH (fastupdate = off);

-- Friends whose name holds a word, newest first, at most so many. Row-level security keeps the
-- planner from using an index for operators that might tell something; so this runs with the
-- owner's rights and names the merchant itself.
-- +goose StatementBegin
CREATE FUNCTION lumo_friends_named(channel uuid, word text, most int) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 2000
AS $$ SELECT f.id
        FROM friend f
       WHERE f.merchant_id = lumo_merchant() AND f.channel_id = channel
         AND lumo_grams(f.channel_id, f.display_name) @> lumo_grams(channel, word)
         AND strpos(lumo_name(f.display_name), lumo_name(word)) > 0
       LIMIT most $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION lumo_friends_named(uuid, text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lumo_friends_named(uuid, text, int) TO lumo_app;

-- ---------------------------------------------------------------- what lists filter by
ALTER TABLE friend
    ADD COLUMN linked boolean NOT NULL DEFAULT false, -- follows identity_link
    ADD COLUMN qr_code_id uuid;                        -- the code that brought this person first
UPDATE friend f
   SET linked = true
  FROM identity_link l
 WHERE l.merchant_id = f.merchant_id AND l.friend_id = f.id AND l.state = 'linked';
CREATE INDEX friend_merchant_id_channel_id_state_idx ON friend (merchant_id, channel_id, follow_status, linked, id DESC);
CREATE INDEX friend_merchant_id_channel_id_consent_idx ON friend (merchant_id, channel_id, consent, id DESC);
CREATE INDEX friend_merchant_id_channel_id_followed_at_idx ON friend (merchant_id, channel_id, followed_at);
CREATE INDEX friend_merchant_id_qr_code_id_idx ON friend (merchant_id, qr_code_id, id DESC) WHERE qr_code_id IS NOT NULL;
CREATE INDEX friend_merchant_id_tester_idx ON friend (merchant_id, channel_id, id DESC) WHERE tester;

-- How many friends there are of each kind. Several rows make one number, so that transactions do
-- not wait for each other's.
CREATE TABLE friend_total (
    merchant_id   uuid NOT NULL,
    channel_id    uuid NOT NULL,
    follow_status text NOT NULL,
    consent       text NOT NULL,
    linked        boolean NOT NULL,
    slot          smallint NOT NULL,
    n             bigint NOT NULL,
    PRIMARY KEY (merchant_id, channel_id, follow_status, consent, linked, slot)
);
INSERT INTO friend_total
SELECT merchant_id, channel_id, follow_status, consent, linked, 0, count(*)
  FROM friend
 GROUP BY 1, 2, 3, 4, 5;

-- +goose StatementBegin
CREATE FUNCTION lumo_friend_total(m uuid, c uuid, status text, agreed text, is_linked boolean, by bigint) RETURNS void
LANGUAGE sql
AS $$ INSERT INTO friend_total AS t (merchant_id, channel_id, follow_status, consent, linked, slot, n)
      SELECT m, c, status, agreed, is_linked, pg_backend_pid() % 8, by
       WHERE status IS NOT NULL AND c IS NOT NULL
          ON CONFLICT (merchant_id, channel_id, follow_status, consent, linked, slot) DO UPDATE SET n = t.n + by $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION lumo_friends_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lumo_friend_total(merchant_id, channel_id, follow_status, consent, linked, count(*))
       FROM fresh
      GROUP BY merchant_id, channel_id, follow_status, consent, linked;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION lumo_friends_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lumo_friend_total(merchant_id, channel_id, follow_status, consent, linked, -count(*))
       FROM gone
      GROUP BY merchant_id, channel_id, follow_status, consent, linked;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION lumo_friend_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lumo_friend_total(OLD.merchant_id, OLD.channel_id, OLD.follow_status, OLD.consent, OLD.linked, -1);
    PERFORM lumo_friend_total(NEW.merchant_id, NEW.channel_id, NEW.follow_status, NEW.consent, NEW.linked, 1);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER friend_added AFTER INSERT ON friend REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION lumo_friends_added();
CREATE TRIGGER friend_removed AFTER DELETE ON friend REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION lumo_friends_removed();
CREATE TRIGGER friend_changed AFTER UPDATE OF follow_status, consent, linked ON friend FOR EACH ROW
    WHEN ((OLD.follow_status, OLD.consent, OLD.linked) IS DISTINCT FROM (NEW.follow_status, NEW.consent, NEW.linked))
    EXECUTE FUNCTION lumo_friend_changed();

-- A friend is linked while one of its links stands.
-- +goose StatementBegin
CREATE FUNCTION lumo_link_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE friend
       SET linked = (NEW.state = 'linked')
     WHERE merchant_id = NEW.merchant_id AND id = NEW.friend_id AND linked <> (NEW.state = 'linked');
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER link_added AFTER INSERT ON identity_link FOR EACH ROW WHEN (NEW.state = 'linked')
    EXECUTE FUNCTION lumo_link_changed();
CREATE TRIGGER link_changed AFTER UPDATE OF state ON identity_link FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION lumo_link_changed();

-- ---------------------------------------------------------------- a friend's own email and phone
CREATE TABLE friend_contact (
    merchant_id uuid NOT NULL,
    friend_id   uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('email', 'phone')),
    channel_id  uuid NOT NULL,
    value_enc   bytea NOT NULL,
    value_bidx  bytea NOT NULL,
    source      text NOT NULL CHECK (source IN ('line_login', 'form', 'csv', 'api')),
    looked_at   timestamptz, -- when Klaviyo was last asked who this is
    found       text,        -- what came of it: linked, nobody, review, not_friend
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, friend_id, kind),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX friend_contact_merchant_id_value_idx ON friend_contact (merchant_id, channel_id, kind, value_bidx);

-- ---------------------------------------------------------------- tags
CREATE TABLE tag (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    name        text NOT NULL,
    color       smallint NOT NULL CHECK (color BETWEEN 1 AND 8),
    friends     bigint NOT NULL DEFAULT 0, -- follows friend_tag
    merged_into uuid,
    archived_at timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, channel_id) REFERENCES channel (merchant_id, id)
);
CREATE UNIQUE INDEX tag_merchant_id_channel_id_name_idx ON tag (merchant_id, channel_id, lumo_name(name))
    WHERE archived_at IS NULL;

CREATE TABLE friend_tag (
    merchant_id uuid NOT NULL,
    tag_id      uuid NOT NULL,
    friend_id   uuid NOT NULL,
    source      text NOT NULL CHECK (source IN ('hand', 'qr', 'csv', 'api')),
    merged_from uuid, -- came by merging this tag; taking the merge back takes it away
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, tag_id, friend_id),
    FOREIGN KEY (merchant_id, tag_id) REFERENCES tag (merchant_id, id),
    FOREIGN KEY (merchant_id, friend_id) REFERENCES friend (merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX friend_tag_merchant_id_friend_id_idx ON friend_tag (merchant_id, friend_id);

-- +goose StatementBegin
CREATE FUNCTION lumo_tags_given() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tag t
       SET friends = t.friends + c.n
      FROM (SELECT merchant_id, tag_id, count(*) AS n FROM fresh GROUP BY 1, 2) AS c
     WHERE t.merchant_id = c.merchant_id AND t.id = c.tag_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION lumo_tags_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tag t
       SET friends = t.friends - c.n
      FROM (SELECT merchant_id, tag_id, count(*) AS n FROM gone GROUP BY 1, 2) AS c
     WHERE t.merchant_id = c.merchant_id AND t.id = c.tag_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER friend_tag_added AFTER INSERT ON friend_tag REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION lumo_tags_given();
CREATE TRIGGER friend_tag_removed AFTER DELETE ON friend_tag REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION lumo_tags_taken();

-- ---------------------------------------------------------------- the erased
-- What is left of an erased person: that there was somebody, and when. Deliveries keep counting.
CREATE TABLE friend_tombstone (
    merchant_id    uuid NOT NULL,
    id             uuid NOT NULL, -- the friend's
    channel_id     uuid NOT NULL,
    line_user_bidx bytea NOT NULL,
    erased_at      timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE INDEX friend_tombstone_merchant_id_user_idx ON friend_tombstone (merchant_id, channel_id, line_user_bidx);

-- The history of links only grows; it goes with the person alone, once there is a tombstone.
-- +goose StatementBegin
CREATE FUNCTION lumo_forget_links(m uuid, f uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF m <> lumo_merchant() OR NOT EXISTS (SELECT FROM friend_tombstone WHERE merchant_id = m AND id = f) THEN
        RAISE EXCEPTION 'only an erased friend''s links can be forgotten';
    END IF;
    DELETE FROM link_history h
     USING identity_link l
     WHERE l.merchant_id = m AND l.friend_id = f AND h.merchant_id = m AND h.link_id = l.id;
    DELETE FROM identity_link WHERE merchant_id = m AND friend_id = f;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION lumo_forget_links(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lumo_forget_links(uuid, uuid) TO lumo_app;
ALTER TABLE delivery DROP CONSTRAINT IF EXISTS delivery_merchant_id_friend_id_fkey;

ALTER TABLE friend_event DROP CONSTRAINT friend_event_kind_check;
ALTER TABLE friend_event ADD CONSTRAINT friend_event_kind_check
    CHECK (kind IN ('followed', 'blocked', 'scanned', 'linked', 'unlinked', 'sent', 'not_sent', 'failed', 'opened',
                    'clicked', 'consent', 'said', 'tagged', 'untagged'));

-- +goose StatementBegin
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['friend_total', 'friend_contact', 'tag', 'friend_tag', 'friend_tombstone'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant())
                        WITH CHECK (merchant_id = lumo_merchant())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO lumo_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd

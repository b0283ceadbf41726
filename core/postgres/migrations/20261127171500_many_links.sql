-- Many links made at once change many friends at once: totals move by sums, once a statement,
-- not twice a friend.

-- +goose Up
DROP TRIGGER friend_changed ON friend;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION lumo_friend_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lumo_friend_total(merchant_id, channel_id, follow_status, consent, linked, n)
       FROM (SELECT merchant_id, channel_id, follow_status, consent, linked, sum(by)::bigint AS n
               FROM (SELECT merchant_id, channel_id, follow_status, consent, linked, -1 AS by
                       FROM gone
                      UNION ALL
                     SELECT merchant_id, channel_id, follow_status, consent, linked, 1
                       FROM fresh) AS each
              GROUP BY merchant_id, channel_id, follow_status, consent, linked
             HAVING sum(by) <> 0
              ORDER BY merchant_id, channel_id, follow_status, consent, linked) AS moved;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER friend_changed AFTER UPDATE ON friend REFERENCING OLD TABLE AS gone NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION lumo_friend_changed();

-- A friend is linked while one of its links stands. Friends are found by their ids in an array:
-- a plan made while there were few must not read all of them once there are many.
DROP TRIGGER link_added ON identity_link;
-- +goose StatementBegin
CREATE FUNCTION lumo_links_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE friend
       SET linked = true
     WHERE merchant_id = ANY (ARRAY(SELECT DISTINCT merchant_id FROM fresh))
       AND id = ANY (ARRAY(SELECT friend_id FROM fresh WHERE state = 'linked')) AND NOT linked;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER link_added AFTER INSERT ON identity_link REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION lumo_links_added();

-- What long work fills fast is measured again each time it has grown fourfold: a plan made while such a
-- table was nearly empty reads all of a merchant's rows for each one that it looks up, and the
-- server's own measuring comes a minute late. Only the tables' owner may measure them.
-- +goose StatementBegin
CREATE FUNCTION lumo_measure() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path TO 'public', 'pg_temp' AS $$
DECLARE
    grown regclass;
BEGIN
    FOR grown IN
        SELECT c.oid
          FROM pg_class c
         WHERE c.oid IN ('friend_event'::regclass, 'identity_link'::regclass, 'link_history'::regclass,
                         'outbox'::regclass, 'run_item'::regclass)
           AND pg_relation_size(c.oid) / current_setting('block_size')::int > 4 * c.relpages + 15
         ORDER BY c.oid
    LOOP
        EXECUTE format('ANALYZE %s', grown);
    END LOOP;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION lumo_measure() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lumo_measure() TO lumo_app;

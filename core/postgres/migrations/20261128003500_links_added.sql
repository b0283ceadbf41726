-- Many links made at once find their friends each by its key. With the ids in an array the planner
-- could take the index over linked and unlinked friends instead, and look through the whole array
-- for each of them: the work grew with the square of the links.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION lumo_links_added() RETURNS trigger LANGUAGE plpgsql
    SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$ -- a plan made while there were few is kept
BEGIN
    UPDATE friend AS f
       SET linked = true
      FROM (SELECT DISTINCT merchant_id, friend_id
              FROM fresh
             WHERE state = 'linked') AS l
     WHERE f.merchant_id = l.merchant_id AND f.id = l.friend_id AND NOT f.linked;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Up
-- The operator's last stop stays, so that what waited through it can say so. While resumed_at
-- is NULL nothing is sent for anybody.
ALTER TABLE system_hold ADD COLUMN resumed_at timestamptz;

-- What operators did, for the overview.
CREATE INDEX fleet_log_id_idx ON fleet_log (id DESC) WHERE edge_id IS NULL OR operator_id IS NOT NULL;

-- The daily run forgets what became of edges; what operators did is kept. The application's
-- role may delete nothing of the log itself.
CREATE FUNCTION lumo_fleet_log_drop(before timestamptz, most int) RETURNS int
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM fleet_log
         WHERE ctid = ANY (ARRAY(
                   SELECT ctid
                     FROM fleet_log
                    WHERE id < lumo_ulid_floor(before) AND edge_id IS NOT NULL AND operator_id IS NULL
                    LIMIT most))
        RETURNING 1)
    SELECT count(*)::int FROM gone
$$;

REVOKE ALL ON FUNCTION lumo_fleet_log_drop(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lumo_fleet_log_drop(timestamptz, int) TO lumo_app;

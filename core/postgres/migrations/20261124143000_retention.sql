-- +goose Up
-- Daily runs, each done once a day by one process; the row is the lease. Global.
CREATE TABLE daily_run (
    name        text PRIMARY KEY,
    day         date NOT NULL,
    lease_until timestamptz NOT NULL,
    done        boolean NOT NULL DEFAULT false
);

-- The smallest ULID of a time.
-- +goose StatementBegin
CREATE FUNCTION lumo_ulid_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE
AS $$ SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;
-- +goose StatementEnd

-- Keeps the months of edge_event: this one and those ahead are there, those that ended before
-- so many months are gone. The application does not own tables, so this runs with the
-- owner's rights; a month whose rows lie in the rest already stays there.
-- +goose StatementBegin
CREATE FUNCTION lumo_edge_event_months(at timestamptz, ahead int, kept int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this timestamp := date_trunc('month', at AT TIME ZONE 'UTC');
    month timestamp;
    part text;
BEGIN
    FOR i IN 0..least(ahead, 12) LOOP
        month := this + make_interval(months => i);
        part := 'edge_event_' || to_char(month, 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF edge_event FOR VALUES FROM (%L) TO (%L)', part,
                           lumo_ulid_floor(month AT TIME ZONE 'UTC'),
                           lumo_ulid_floor((month + interval '1 month') AT TIME ZONE 'UTC'));
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
            EXECUTE format('CREATE POLICY tenant ON %I USING (merchant_id = lumo_merchant())
                            WITH CHECK (merchant_id = lumo_merchant())', part);
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO lumo_app', part);
        EXCEPTION WHEN check_violation OR duplicate_table THEN NULL;
        END;
    END LOOP;
    FOR part IN
        SELECT c.relname
          FROM pg_inherits AS i
          JOIN pg_class AS c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'edge_event'::regclass AND c.relname ~ '^edge_event_[0-9]{6}$'
           AND c.relname < 'edge_event_' || to_char(this - make_interval(months => greatest(kept, 1)), 'YYYYMM')
    LOOP
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION lumo_edge_event_months(timestamptz, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lumo_edge_event_months(timestamptz, int, int) TO lumo_app;

-- What the daily run looks for.
CREATE INDEX hook_request_merchant_id_received_at_idx ON hook_request (merchant_id, received_at);
CREATE INDEX line_event_merchant_id_created_at_idx ON line_event (merchant_id, created_at);
CREATE INDEX idempotency_key_merchant_id_created_at_idx ON idempotency_key (merchant_id, created_at);

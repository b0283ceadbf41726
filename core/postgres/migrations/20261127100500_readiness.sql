-- +goose Up
-- The application itself tells whether the schema is its own.
GRANT SELECT ON goose_db_version TO lumo_app;

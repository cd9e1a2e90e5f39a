-- Our own schema, and the table in which `quel migrate` notes what it has applied.

CREATE SCHEMA IF NOT EXISTS quel;
COMMENT ON SCHEMA quel IS 'Attempts, slots and bookkeeping of quel_dagster; the front end uses nothing here.';

CREATE TABLE quel.migration (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE quel.migration IS 'The files of sql/migrations that this database has seen, each applied once.';
COMMENT ON COLUMN quel.migration.checksum IS 'SHA-256 of the file as it was applied, in hexadecimal.';

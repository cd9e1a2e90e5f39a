-- The statistics: what happened on each path in each hour, and which finished hours are to be counted again.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.path_hour (
    path text NOT NULL,
    hour timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    arrived int NOT NULL,
    started int NOT NULL,
    fallbacks int NOT NULL,
    completed int NOT NULL,
    partly_completed int NOT NULL,
    failed int NOT NULL,
    failed_by_kind jsonb NOT NULL,
    cancelled int NOT NULL,
    pictures int NOT NULL,
    failed_pictures int NOT NULL,
    credits bigint NOT NULL,
    wait_p50 double precision,
    wait_p95 double precision,
    wait_p99 double precision,
    run_p50 double precision,
    run_p95 double precision,
    run_p99 double precision,
    render_seconds numeric NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hour, path)
);

COMMENT ON TABLE quel.path_hour IS
'What happened on a path in an hour. An event belongs to the hour of its own time: an order to created_at, a start to '
'started_at, an end to completed_at, a picture to the time it was delivered.';
COMMENT ON COLUMN quel.path_hour.path IS
'The path that serves the job; before it is let in the one its row names, and none where it names none.';
COMMENT ON COLUMN quel.path_hour.hour IS 'When the hour begins.';
COMMENT ON COLUMN quel.path_hour.fallbacks IS 'Of the started, those that asked for another path, or for none.';
COMMENT ON COLUMN quel.path_hour.completed IS 'Jobs that ended with every picture.';
COMMENT ON COLUMN quel.path_hour.partly_completed IS 'Jobs that ended with some.';
COMMENT ON COLUMN quel.path_hour.failed_by_kind IS
'How many failed of each kind (quel.attempt.failure): refused were never let in, unknown were not served by us.';
COMMENT ON COLUMN quel.path_hour.failed_pictures IS 'Pictures that jobs which ended in this hour did not get.';
COMMENT ON COLUMN quel.path_hour.credits IS 'What was charged for the pictures.';
COMMENT ON COLUMN quel.path_hour.wait_p50 IS
'Seconds from the order to the start, of the jobs that started; NULL where none did.';
COMMENT ON COLUMN quel.path_hour.run_p50 IS
'Seconds from the start to the end, of the jobs that completed or failed; NULL where none did.';
COMMENT ON COLUMN quel.path_hour.render_seconds IS
'Seconds of rendering that the pictures took, each to the millisecond.';

CREATE TABLE quel.late_hour (
    hour timestamptz NOT NULL
);

CREATE INDEX late_hour_hour ON quel.late_hour (hour);

COMMENT ON TABLE quel.late_hour IS
'A note for each change of rows that belong to a finished hour. Whoever counts the hour again takes its notes away in '
'the same transaction.';

-- The path a job counts for. Case and blanks in a row are forgiven, as where jobs are let in.
CREATE FUNCTION quel.path_of(served text, named text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(served, nullif(lower(btrim(named, E' \t\n\r\f\v')), ''), 'none')
$$;

-- What happened so often: kept here because the processes in which it happens live for one job, and nobody asks them.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.counter (
    name text NOT NULL,
    path text NOT NULL,
    kind text NOT NULL,
    n bigint NOT NULL,
    seconds double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (name, path, kind)
);

COMMENT ON TABLE quel.counter IS
'Counts since the first migration, which only rise; `quel api` shows them at /metrics.';
COMMENT ON COLUMN quel.counter.path IS 'The production path; empty where none is concerned.';
COMMENT ON COLUMN quel.counter.kind IS 'What kind of it; for a span of time the upper bound in seconds of its bucket.';
COMMENT ON COLUMN quel.counter.seconds IS 'For spans of time, the sum of them.';

ALTER TABLE quel.attempt ADD COLUMN IF NOT EXISTS failure text;

COMMENT ON COLUMN quel.attempt.failure IS
'Of a job that failed, the kind of failure, such as invalid_job or backend_away; NULL for every other.';

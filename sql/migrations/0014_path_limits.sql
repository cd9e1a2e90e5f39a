-- How many jobs of a path may run at once, as the front door last read it from the Dagster pool of that name.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.path_limit (
    path text PRIMARY KEY,
    max_workers integer NOT NULL CHECK (max_workers >= 0),
    previous integer,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE quel.path_limit IS
'A copy for those who do not ask Dagster: quel status, metrics, statistics. To change a limit, change its pool.';
COMMENT ON COLUMN quel.path_limit.max_workers IS 'Jobs of the path that may run at once; 0 is a paused path.';
COMMENT ON COLUMN quel.path_limit.previous IS 'What it was before; NULL for the first value.';

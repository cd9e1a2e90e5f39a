-- How far the build of an index is. While it waits, current_locker_pid is whom it waits for.
-- :pid integer.

SELECT
    p.phase,
    p.blocks_done,
    p.blocks_total,
    p.tuples_done,
    p.tuples_total,
    nullif(p.current_locker_pid, 0) AS waits_for
FROM pg_stat_progress_create_index AS p
WHERE p.pid = :pid;

-- Jobs that are not getting on, the longest first: in progress without anybody alive who holds them, reserved for a
-- run that does not come, or running for longer than anything should.
-- Cost: the jobs in progress and the living attempts, by index.
-- :lapsed and :running interval, :most integer.

SELECT
    stuck.job_id,
    stuck.path,
    stuck.run_id,
    stuck.why,
    clock_timestamp() - stuck.since AS age
FROM (
    SELECT
        j.job_id,
        quel.path_of(a.path, j.quel_production_path) AS path,
        a.run_id,
        CASE
            WHEN coalesce(a.phase, 'none') <> 'started' THEN 'nobody holds it'
            WHEN a.leased_until < clock_timestamp() - CAST(:lapsed AS interval) THEN 'its lease is over'
            ELSE 'it runs long'
        END AS why,
        coalesce(j.started_at, j.updated_at) AS since,
        CASE
            WHEN a.phase = 'started'
                THEN
                    a.leased_until < clock_timestamp() - CAST(:lapsed AS interval)
                    OR j.started_at < clock_timestamp() - CAST(:running AS interval)
            ELSE coalesce(j.started_at, j.updated_at) < clock_timestamp() - CAST(:lapsed AS interval)
        END AS holds
    FROM quel_production_jobs AS j
    LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
    WHERE j.job_status = 'processing'
    UNION ALL
    SELECT
        a.job_id,
        a.path,
        a.run_id,
        'its run has not come' AS why,
        a.reserved_at AS since,
        a.reserved_at < clock_timestamp() - CAST(:lapsed AS interval) AS holds
    FROM quel.attempt AS a
    WHERE a.phase = 'reserved'
) AS stuck
WHERE stuck.holds
ORDER BY age DESC
LIMIT :most;

-- What `quel status` shows: per path, what waits and runs now and what ended in the last 24 hours.
-- A waiting row counts for the path it names, or 'none'; any other for the path that serves it.

SELECT
    coalesce(a.path, j.quel_production_path, 'none') AS path,
    count(*) FILTER (WHERE j.job_status = 'pending' AND (a.phase IS NULL OR a.phase <> 'reserved')) AS pending,
    count(*) FILTER (WHERE j.job_status = 'pending' AND a.phase = 'reserved') AS reserved,
    count(*) FILTER (WHERE j.job_status = 'processing') AS running,
    count(*) FILTER (WHERE j.job_status = 'completed') AS completed,
    count(*) FILTER (WHERE j.job_status = 'failed') AS failed,
    count(*) FILTER (WHERE j.job_status IN ('user_cancelled', 'cancelled')) AS user_cancelled
FROM quel_production_jobs AS j
LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
WHERE
    j.job_status IN ('pending', 'processing')
    OR j.completed_at > clock_timestamp() - interval '24 hours'
GROUP BY 1
ORDER BY 1;

-- What `quel status` shows of jobs that ended in the last 24 hours, the newest :most of them: how, by path.
-- Cost: so many entries of the index on completed_at, and an attempt's row for each.
-- A job counts for the path that served it, else for the one its row names, else for 'none'.
-- :most integer.

SELECT
    quel.path_of(a.path, j.quel_production_path) AS path,
    count(*) FILTER (WHERE j.job_status = 'completed') AS completed,
    count(*) FILTER (WHERE j.job_status = 'failed') AS failed,
    count(*) FILTER (WHERE j.job_status IN ('user_cancelled', 'cancelled')) AS user_cancelled
FROM (
    SELECT
        newest.job_id,
        newest.job_status,
        newest.quel_production_path
    FROM quel_production_jobs AS newest
    WHERE
        newest.completed_at > statement_timestamp() - interval '24 hours'
        AND newest.job_status NOT IN ('pending', 'processing')
    ORDER BY newest.completed_at DESC
    LIMIT :most
) AS j
LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
GROUP BY quel.path_of(a.path, j.quel_production_path);

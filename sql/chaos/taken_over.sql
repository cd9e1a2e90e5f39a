-- Jobs of a fault that were taken from an attempt as from a dead one; for a fault in which no process dies.
-- :fault text.

SELECT
    c.job_id,
    format('was taken %s times from a living attempt', a.crash_count) AS found
FROM chaos.job AS c
INNER JOIN quel.attempt AS a ON c.job_id = a.job_id
WHERE c.fault = :fault AND a.crash_count > 0
ORDER BY c.job_id;

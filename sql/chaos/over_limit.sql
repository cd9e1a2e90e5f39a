-- Reservations of a fault's jobs after which more attempts of their path were alive than it has room for.
-- :fault text.

SELECT
    made.job_id,
    format('%s attempts of %s are alive, its limit is %s', alive.n, made.path, r.max_workers) AS found
FROM chaos.attempt_log AS made
INNER JOIN chaos.job AS c ON made.job_id = c.job_id
INNER JOIN chaos.room AS r ON made.path = r.path
CROSS JOIN
    LATERAL (
        SELECT count(*) AS n
        FROM (
            SELECT DISTINCT ON (l.job_id)
                l.phase,
                l.leased_until
            FROM chaos.attempt_log AS l
            WHERE l.path = made.path AND l.logged_at <= made.logged_at
            ORDER BY l.job_id ASC, l.logged_at DESC
        ) AS newest
        WHERE newest.phase IN ('reserved', 'started') AND newest.leased_until > made.logged_at
    ) AS alive
WHERE c.fault = :fault AND made.phase = 'reserved' AND alive.n > r.max_workers
ORDER BY made.logged_at;

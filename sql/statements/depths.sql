-- How many jobs wait on each path that waiting rows name, and the oldest of them; those from before the cut-off,
-- which nobody will start, are left out.
-- Cost: one index probe for each distinct path among the pending rows, then at most :most entries of the same index
-- for each, whatever the backlog. ORDER BY names every column of the pending index, so that no other one has this
-- order, and `in_order`, executed before in the same transaction, keeps the planner from sorting instead.
-- :most integer.

WITH RECURSIVE
bounds AS MATERIALIZED (
    SELECT c.created_after
    FROM quel.cut_off AS c
),

-- The distinct paths of the pending rows, by skipping through the index from one value to the next.
spelled (path) AS (
    (
        SELECT j.quel_production_path
        FROM quel_production_jobs AS j
        WHERE j.job_status = 'pending' AND j.quel_production_path IS NOT NULL
        ORDER BY j.quel_production_path, j.created_at, j.job_id
        LIMIT 1
    )
    UNION ALL
    SELECT
        (
            SELECT j.quel_production_path
            FROM quel_production_jobs AS j
            WHERE j.job_status = 'pending' AND j.quel_production_path > s.path
            ORDER BY j.quel_production_path, j.created_at, j.job_id
            LIMIT 1
        )
    FROM spelled AS s
    WHERE s.path IS NOT NULL
)

SELECT
    s.path,
    count(*) AS waiting,
    clock_timestamp() - min(oldest.created_at) AS oldest
FROM spelled AS s
CROSS JOIN
    LATERAL (
        SELECT j.created_at
        FROM quel_production_jobs AS j
        WHERE
            j.job_status = 'pending'
            AND j.quel_production_path = s.path
            AND j.created_at > (SELECT b.created_after FROM bounds AS b)
        ORDER BY j.created_at, j.job_id
        LIMIT :most
    ) AS oldest
GROUP BY s.path
UNION ALL
SELECT
    NULL AS path,
    count(*) AS waiting,
    clock_timestamp() - min(oldest.created_at) AS oldest
FROM (
    SELECT j.created_at
    FROM quel_production_jobs AS j
    WHERE
        j.job_status = 'pending'
        AND j.quel_production_path IS NULL
        AND j.created_at > (SELECT b.created_after FROM bounds AS b)
    ORDER BY j.quel_production_path, j.created_at, j.job_id
    LIMIT :most
) AS oldest
HAVING count(*) > 0;

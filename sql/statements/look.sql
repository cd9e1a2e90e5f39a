-- The rows a tick may start: those rung for in it, whatever their state, and the oldest waiting ones
-- of every path that are old enough to be served without a ring.
-- Cost: one index probe for each distinct path among the pending rows, then at most :batch rows of
-- each, whatever the backlog. Three things keep the planner from reading more: ORDER BY names every
-- column of the pending index, so that no other index has this order; `in_order`, executed before in
-- the same transaction, keeps it from sorting instead; and the rows to show are handed over as an
-- array, which makes it fetch them by their key.
-- A lapsed lease is left to the sweep for as long again.
-- :rung uuid[], :grace interval, :lease interval, :batch integer.

WITH RECURSIVE
bounds AS MATERIALIZED (
    SELECT
        c.created_after,
        clock_timestamp() - CAST(:grace AS interval) AS created_by
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
),

found (job_id) AS (
    SELECT oldest.job_id
    FROM spelled AS s
    CROSS JOIN
        LATERAL (
            SELECT j.job_id
            FROM quel_production_jobs AS j
            LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
            WHERE
                j.job_status = 'pending'
                AND j.quel_production_path = s.path
                AND j.created_at > (SELECT b.created_after FROM bounds AS b)
                AND j.created_at <= (SELECT b.created_by FROM bounds AS b)
                AND (a.leased_until IS NULL OR a.leased_until <= clock_timestamp() - CAST(:lease AS interval))
                AND (a.next_try_at IS NULL OR a.next_try_at <= clock_timestamp())
            ORDER BY j.created_at, j.job_id
            LIMIT :batch
        ) AS oldest
    UNION
    (
        SELECT j.job_id
        FROM quel_production_jobs AS j
        LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
        WHERE
            j.job_status = 'pending'
            AND j.quel_production_path IS NULL
            AND j.created_at > (SELECT b.created_after FROM bounds AS b)
            AND j.created_at <= (SELECT b.created_by FROM bounds AS b)
            AND (a.leased_until IS NULL OR a.leased_until <= clock_timestamp() - CAST(:lease AS interval))
            AND (a.next_try_at IS NULL OR a.next_try_at <= clock_timestamp())
        ORDER BY j.quel_production_path, j.created_at, j.job_id
        LIMIT :batch
    )
    UNION
    SELECT unnest(CAST(:rung AS uuid[]))
)

SELECT
    j.job_id,
    j.job_status AS status,
    j.quel_production_path AS path,
    j.job_type,
    CASE
        WHEN j.job_input_data IN ('{}', '[]') THEN 'empty'
        ELSE jsonb_typeof(j.job_input_data)
    END AS input_type,
    CASE WHEN a.phase <> 'closed' THEN a.attempt ELSE 0 END AS attempts,
    j.job_id = ANY(CAST(:rung AS uuid[])) AS rung,
    j.created_at > (SELECT b.created_by FROM bounds AS b)
    AND (a.leased_until IS NULL OR a.leased_until <= clock_timestamp()) AS needs_ring,
    j.job_type = 'modify'
    OR (
        jsonb_typeof(j.job_input_data -> 'maskDataUrl') = 'string'
        AND j.job_input_data ->> 'maskDataUrl' ~ '\S'
    ) IS TRUE AS retouch
FROM quel_production_jobs AS j
LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
WHERE j.job_id = ANY(array(SELECT f.job_id FROM found AS f))
ORDER BY j.created_at, j.job_id;

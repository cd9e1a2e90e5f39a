-- Waiting and running rows that nothing has touched for a while and nobody owns, the oldest first.
-- Owned: by an attempt whose lease is not over, or was not a lease ago. Touched: by whoever writes the row, which its
-- trigger notes, or by an attempt at it.
-- in_line: it will be let in by itself as soon as its path has room; everything else stays as it is for ever.
-- Cost: the waiting and running rows, by index.
-- :max_age and :lease interval, :job_id uuid, NULL for all of them.

SELECT
    j.job_id,
    j.job_status AS status,
    CASE
        WHEN
            j.job_type = 'modify'
            OR (
                jsonb_typeof(j.job_input_data -> 'maskDataUrl') = 'string'
                AND j.job_input_data ->> 'maskDataUrl' ~ '\S'
            )
            THEN 'modify'
        ELSE quel.path_of(a.path, j.quel_production_path)
    END AS path,
    clock_timestamp() - touched.last_at AS age,
    coalesce(j.job_status = 'pending' AND j.created_at > c.created_after, FALSE) AS in_line
FROM quel_production_jobs AS j
LEFT JOIN quel.cut_off AS c ON TRUE
LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
CROSS JOIN
    LATERAL (VALUES (greatest(j.created_at, j.started_at, j.updated_at, a.updated_at))) AS touched (last_at)
WHERE
    j.job_status IN ('pending', 'processing')
    AND (CAST(:job_id AS uuid) IS NULL OR j.job_id = CAST(:job_id AS uuid))
    AND (a.leased_until IS NULL OR a.leased_until <= clock_timestamp() - CAST(:lease AS interval))
    AND touched.last_at <= clock_timestamp() - CAST(:max_age AS interval)
ORDER BY touched.last_at, j.job_id;

-- What happened on each path in a span of time, counted from the rows; a path on which nothing did is left out.
-- The columns are those of quel.path_hour.
-- Cost: every event is found by its own time in an index, and the attempt of its job is looked up once, by key, so
-- that only rows of the span are read. The attempt is a subquery and not a join, which the planner would rather make
-- by reading every attempt there is.
-- :begin and :until timestamptz, the second not included.

WITH
delivered AS MATERIALIZED (
    SELECT
        s.job_id,
        s.charged,
        s.render_seconds
    FROM quel.slot AS s
    WHERE
        s.state = 'delivered'
        AND s.delivered_at >= CAST(:begin AS timestamptz)
        AND s.delivered_at < CAST(:until AS timestamptz)
),

jobs AS MATERIALIZED (
    SELECT
        j.job_id,
        j.quel_production_path,
        j.created_at,
        j.started_at,
        j.completed_at,
        j.job_status,
        j.failed_images,
        (
            SELECT a
            FROM quel.attempt AS a
            WHERE j.job_id = a.job_id
        ) AS held
    FROM quel_production_jobs AS j
    WHERE
        (j.created_at >= CAST(:begin AS timestamptz) AND j.created_at < CAST(:until AS timestamptz))
        OR (j.started_at >= CAST(:begin AS timestamptz) AND j.started_at < CAST(:until AS timestamptz))
        OR (
            j.completed_at >= CAST(:begin AS timestamptz)
            AND j.completed_at < CAST(:until AS timestamptz)
            AND j.job_status IN ('completed', 'failed', 'cancelled', 'user_cancelled')
        )
        OR j.job_id = ANY(array(SELECT d.job_id FROM delivered AS d))
),

found AS MATERIALIZED (
    SELECT
        j.job_id,
        quel.path_of((j.held).path, j.quel_production_path) AS path,
        j.created_at >= CAST(:begin AS timestamptz) AND j.created_at < CAST(:until AS timestamptz) AS has_arrived,
        j.started_at >= CAST(:begin AS timestamptz) AND j.started_at < CAST(:until AS timestamptz) AS has_started,
        CASE
            WHEN j.completed_at >= CAST(:begin AS timestamptz) AND j.completed_at < CAST(:until AS timestamptz)
                THEN j.job_status
        END AS end_status,
        coalesce(j.failed_images, 0) AS failed_images,
        (j.held).requested_path,
        CASE
            WHEN (j.held).failure IS NOT NULL THEN (j.held).failure
            WHEN (j.held).job_id IS NULL AND j.started_at IS NULL THEN 'refused'
            ELSE 'unknown'
        END AS failure,
        CAST(extract(EPOCH FROM j.started_at - j.created_at) AS double precision) AS waited,
        CAST(extract(EPOCH FROM j.completed_at - j.started_at) AS double precision) AS ran
    FROM jobs AS j
),

of_jobs AS (
    SELECT
        f.path,
        count(*) FILTER (WHERE f.has_arrived) AS arrived,
        count(*) FILTER (WHERE f.has_started) AS started,
        count(f.requested_path) FILTER (WHERE f.has_started) AS fallbacks,
        count(*) FILTER (WHERE f.end_status = 'completed' AND f.failed_images = 0) AS completed,
        count(*) FILTER (WHERE f.end_status = 'completed' AND f.failed_images > 0) AS partly_completed,
        count(*) FILTER (WHERE f.end_status = 'failed') AS failed,
        count(*) FILTER (WHERE f.end_status IN ('cancelled', 'user_cancelled')) AS cancelled,
        sum(f.failed_images) FILTER (
            WHERE f.end_status IN ('completed', 'failed', 'cancelled', 'user_cancelled')
        ) AS failed_pictures,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.waited)
        FILTER (WHERE f.has_started) AS waits,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY f.ran)
        FILTER (WHERE f.end_status IN ('completed', 'failed')) AS runs
    FROM found AS f
    GROUP BY 1
),

of_failures AS (
    SELECT
        kinds.path,
        jsonb_object_agg(kinds.failure, kinds.n) AS failed_by_kind
    FROM (
        SELECT
            f.path,
            f.failure,
            count(*) AS n
        FROM found AS f
        WHERE f.end_status = 'failed'
        GROUP BY 1, 2
    ) AS kinds
    GROUP BY 1
),

of_pictures AS (
    SELECT
        f.path,
        count(*) AS pictures,
        sum(d.charged) AS credits,
        sum(round(CAST(d.render_seconds AS numeric), 3)) AS render_seconds
    FROM delivered AS d
    INNER JOIN found AS f ON d.job_id = f.job_id
    GROUP BY 1
)

SELECT
    j.path,
    CAST(:begin AS timestamptz) AS hour,
    j.arrived,
    j.started,
    j.fallbacks,
    j.completed,
    j.partly_completed,
    j.failed,
    coalesce(f.failed_by_kind, '{}') AS failed_by_kind,
    j.cancelled,
    coalesce(p.pictures, 0) AS pictures,
    coalesce(j.failed_pictures, 0) AS failed_pictures,
    coalesce(p.credits, 0) AS credits,
    j.waits[1] AS wait_p50,
    j.waits[2] AS wait_p95,
    j.waits[3] AS wait_p99,
    j.runs[1] AS run_p50,
    j.runs[2] AS run_p95,
    j.runs[3] AS run_p99,
    coalesce(p.render_seconds, 0) AS render_seconds
FROM of_jobs AS j
LEFT JOIN of_failures AS f ON j.path = f.path
LEFT JOIN of_pictures AS p ON j.path = p.path
ORDER BY 1;

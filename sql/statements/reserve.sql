-- Lets jobs of one path in, oldest first, as many as the path has room for. The caller holds the
-- path's advisory lock, so that two of these never count the same room.
-- Alive: an attempt whose lease has not run out, and a reservation for another lease: its run may
-- be queued, which only the sweep can tell. Without a sweep the job is let in again after that.
-- Attempts rise here and not at failure, so that a job that kills its worker reaches its limit.
-- A closed job that waits again was ordered again: it begins anew.
-- A held attempt row makes the upsert skip the job, never take it from a living attempt.
-- :path text, :candidates uuid[] and :requested_paths text[] side by side, :room integer,
-- :lease interval.

WITH living AS (
    SELECT count(*) AS n
    FROM quel.attempt AS a
    WHERE
        a.path = :path
        AND a.phase IN ('reserved', 'started')
        AND a.leased_until > clock_timestamp()
        - CASE a.phase WHEN 'reserved' THEN CAST(:lease AS interval) ELSE interval '0' END
),

chosen AS MATERIALIZED (
    SELECT
        j.job_id,
        w.requested_path
    FROM
        unnest(CAST(:candidates AS uuid[]), CAST(:requested_paths AS text[]))
            AS w (job_id, requested_path)
    INNER JOIN quel_production_jobs AS j ON w.job_id = j.job_id
    CROSS JOIN quel.cut_off AS c
    LEFT JOIN quel.attempt AS a ON j.job_id = a.job_id
    WHERE
        j.job_status = 'pending'
        AND j.created_at > c.created_after
        AND (a.leased_until IS NULL OR a.leased_until <= clock_timestamp() - CAST(:lease AS interval))
        AND (a.next_try_at IS NULL OR a.next_try_at <= clock_timestamp())
    ORDER BY j.created_at, j.job_id
    LIMIT (SELECT greatest(CAST(:room AS integer) - living.n, 0) FROM living)
    FOR UPDATE OF j SKIP LOCKED
),

reserved AS (
    INSERT INTO quel.attempt AS a
    (job_id, path, requested_path, attempt, claim_id, phase, reserved_at, leased_until, updated_at)
    SELECT
        chosen.job_id,
        :path,
        chosen.requested_path,
        1,
        gen_random_uuid(),
        'reserved',
        clock_timestamp(),
        clock_timestamp() + CAST(:lease AS interval),
        clock_timestamp()
    FROM chosen
    ON CONFLICT (job_id) DO UPDATE
        SET
            path = excluded.path,
            requested_path = excluded.requested_path,
            attempt = CASE WHEN a.phase = 'closed' THEN 1 ELSE a.attempt + 1 END,
            claim_id = excluded.claim_id,
            phase = excluded.phase,
            run_id = NULL,
            reserved_at = excluded.reserved_at,
            started_at = NULL,
            leased_until = excluded.leased_until,
            next_try_at = NULL,
            crash_count = CASE WHEN a.phase = 'closed' THEN 0 ELSE a.crash_count END,
            renders_before = CASE WHEN a.phase <> 'closed' THEN a.renders_before END,
            updated_at = excluded.updated_at
        WHERE a.leased_until IS NULL OR a.leased_until <= clock_timestamp() - CAST(:lease AS interval)
    RETURNING a.job_id, a.claim_id, a.attempt, a.requested_path
)

SELECT
    r.job_id,
    r.claim_id,
    r.attempt,
    r.requested_path,
    j.production_id,
    j.quel_member_id AS member_id,
    j.job_type
FROM reserved AS r
INNER JOIN quel_production_jobs AS j ON r.job_id = j.job_id
ORDER BY j.created_at, j.job_id;

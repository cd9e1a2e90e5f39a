-- Takes a place for a render on the back end that has the fewest prompts, if one has room; answers its address.
-- Fewest prompts, then the model it has or will have loaded by then, then the operator's order. One that is to be
-- avoided comes last. A render has one place: taking another one moves it.
-- A back end's prompts are our places there, whether their prompt has arrived yet or has ended, and the one prompt it
-- told of, where that holds no place: a stranger's, or one that a killed attempt of ours has left.
-- Runs under lock_places.sql.
-- :urls, :loads, :lone arrays side by side, a back end each: its prompts, and the id of the only one.
-- :most integer, :avoid text, :job_id, :claim_id, :prompt_id uuid, :slot integer, :model text.

WITH asked AS (
    SELECT
        a.url,
        a.load,
        a.lone,
        a.place_in_order
    FROM
        unnest(CAST(:urls AS text[]), CAST(:loads AS integer[]), CAST(:lone AS text[]))
        WITH ORDINALITY AS a (url, load, lone, place_in_order)
),

others AS (
    SELECT
        p.url,
        p.prompt_id,
        p.model,
        p.taken_at
    FROM quel.backend_place AS p
    WHERE (p.job_id, p.slot) <> (CAST(:job_id AS uuid), :slot)
),

weighed AS (
    SELECT
        a.url,
        a.place_in_order,
        a.load,
        count(o.url) + CASE WHEN bool_or(CAST(o.prompt_id AS text) = a.lone) THEN 0 ELSE a.load END AS prompts,
        coalesce((array_agg(o.model ORDER BY o.taken_at DESC))[1], b.model) AS model
    FROM asked AS a
    LEFT JOIN quel.backend AS b ON a.url = b.url
    LEFT JOIN others AS o ON a.url = o.url
    WHERE b.state IS DISTINCT FROM 'quarantined'
    GROUP BY a.url, a.place_in_order, a.load, b.model
),

chosen AS (
    SELECT w.url
    FROM weighed AS w
    WHERE w.load < :most AND w.prompts < :most
    ORDER BY
        w.url IS NOT DISTINCT FROM :avoid,
        w.prompts,
        w.model IS DISTINCT FROM :model,
        w.place_in_order
    LIMIT 1
)

INSERT INTO quel.backend_place AS mine (job_id, slot, claim_id, prompt_id, url, model)
SELECT
    :job_id,
    :slot,
    :claim_id,
    :prompt_id,
    c.url,
    :model
FROM chosen AS c
ON CONFLICT (job_id, slot) DO UPDATE
    SET
        claim_id = excluded.claim_id,
        prompt_id = excluded.prompt_id,
        url = excluded.url,
        model = excluded.model,
        taken_at = excluded.taken_at
RETURNING mine.url;

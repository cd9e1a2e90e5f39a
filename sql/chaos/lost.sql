-- Jobs of a fault that are not what they may become: not final, ended otherwise than expected, failed without a
-- reason, completed without all their pictures, or with an answer to the customer that does not name them in order.
-- :fault text.

SELECT
    c.job_id,
    wrong.what AS found
FROM chaos.job AS c
INNER JOIN quel_production_jobs AS j ON c.job_id = j.job_id
INNER JOIN quel_production_photo AS p ON j.production_id = p.production_id
LEFT JOIN quel.attempt AS a ON c.job_id = a.job_id
CROSS JOIN
    LATERAL (
        SELECT
            count(*) AS n,
            coalesce(jsonb_agg(s.attach_id ORDER BY s.slot), '[]') AS attach_ids
        FROM quel.slot AS s
        WHERE s.job_id = c.job_id AND s.state = 'delivered'
    ) AS delivered
CROSS JOIN
    LATERAL (
        VALUES
        (
            j.job_status IS NULL OR NOT CAST(j.job_status AS text) = ANY(c.expected),
            format('is %s after %s attempts: %s', j.job_status, a.attempt, coalesce(j.error_message, a.last_error))
        ),
        (
            j.job_status = 'failed' AND coalesce(j.error_message, '') = '',
            'failed without a reason'
        ),
        (
            j.job_status = 'completed' AND delivered.n < j.total_images,
            format('completed with %s of %s pictures', delivered.n, j.total_images)
        ),
        (
            coalesce(j.generated_attach_ids, '[]') <> delivered.attach_ids,
            format('shows pictures %s, delivered were %s', j.generated_attach_ids, delivered.attach_ids)
        ),
        (
            NOT coalesce(p.attach_ids, '[]') @> delivered.attach_ids,
            format('its production shows pictures %s, delivered were %s', p.attach_ids, delivered.attach_ids)
        )
    ) AS wrong (holds, what)
WHERE c.fault = :fault AND wrong.holds
ORDER BY c.job_id;

-- Pictures of a fault's jobs that there are too many of: attach rows that no slot names, and pictures that are shown
-- twice.
-- :fault text.

SELECT
    c.job_id,
    format('attach row %s is a second %s', a.attach_id, a.attach_file_name) AS found
FROM chaos.job AS c
INNER JOIN quel_attach AS a
    ON
        split_part(a.attach_file_path, '/', 1) = 'generated-images'
        AND split_part(a.attach_file_path, '/', 3) = CAST(c.job_id AS text)
LEFT JOIN quel.slot AS s ON c.job_id = s.job_id AND a.attach_id = s.attach_id AND s.state = 'delivered'
WHERE c.fault = :fault AND s.job_id IS NULL
UNION ALL
SELECT
    c.job_id,
    format('picture %s is shown %s times', shown.attach_id, count(*)) AS found
FROM chaos.job AS c
INNER JOIN quel_production_jobs AS j ON c.job_id = j.job_id
INNER JOIN quel_production_photo AS p ON j.production_id = p.production_id
CROSS JOIN
    LATERAL (VALUES ('job', j.generated_attach_ids), ('production', p.attach_ids)) AS list (place, attach_ids)
CROSS JOIN LATERAL jsonb_array_elements(coalesce(list.attach_ids, '[]')) AS shown (attach_id)
WHERE c.fault = :fault
GROUP BY c.job_id, list.place, shown.attach_id
HAVING count(*) > 1;

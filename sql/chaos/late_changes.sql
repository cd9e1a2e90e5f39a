-- Changes of a fault's jobs after they were final.
-- :fault text.

SELECT
    c.job_id,
    format('was %s; became %s', l.was, l.became) AS found
FROM chaos.late_change AS l
INNER JOIN chaos.job AS c ON l.job_id = c.job_id
WHERE c.fault = :fault
ORDER BY l.changed_at;

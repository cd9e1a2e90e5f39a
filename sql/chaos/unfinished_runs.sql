-- Runs that Dagster shows as under way although every job has ended; the sweep closes them.

SELECT count(DISTINCT r.run_id)
FROM dagster.runs AS r
INNER JOIN dagster.run_tags AS t ON r.run_id = t.run_id AND t.key = 'quel/job_id'
WHERE r.status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED');

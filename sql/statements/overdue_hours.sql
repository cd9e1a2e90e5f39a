-- Finished hours to count: those noted as late and those since our first day that nobody has counted, the newest
-- first.
-- :most integer.

SELECT l.hour
FROM quel.late_hour AS l
UNION
(
    SELECT gone_by.hour
    FROM
        quel.cut_off AS c
    CROSS JOIN
        LATERAL generate_series(
            date_trunc('hour', c.recorded_at, 'UTC'),
            date_trunc('hour', clock_timestamp(), 'UTC') - interval '1 hour',
            interval '1 hour'
        ) AS gone_by (hour)
    LEFT JOIN quel.path_hour AS p ON gone_by.hour = p.hour
    WHERE p.hour IS NULL
)
ORDER BY hour DESC
LIMIT :most;

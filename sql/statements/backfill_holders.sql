-- Who else may hold locks on rows of a table, the longest first: sessions of other roles show no more than their id.
-- :name text.

SELECT
    a.pid,
    a.application_name,
    a.state,
    date_trunc('second', clock_timestamp() - a.xact_start) AS since
FROM pg_locks AS l
INNER JOIN pg_stat_activity AS a ON l.pid = a.pid
WHERE
    l.relation = to_regclass(:name)
    AND l.mode <> 'AccessShareLock'
    AND l.granted
    AND a.pid <> pg_backend_pid()
GROUP BY a.pid, a.application_name, a.state, a.xact_start
ORDER BY a.xact_start
LIMIT 5;

-- The attempts that hold a job of a path: how much room it has, and which of them are dead.

CREATE INDEX CONCURRENTLY IF NOT EXISTS attempt_living
ON quel.attempt (path) INCLUDE (leased_until)
WHERE phase IN ('reserved', 'started');

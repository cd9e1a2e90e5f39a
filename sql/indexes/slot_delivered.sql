-- The pictures of an hour, for the statistics and for the reconciliation.

CREATE INDEX CONCURRENTLY IF NOT EXISTS slot_delivered
ON quel.slot (delivered_at)
WHERE state = 'delivered';

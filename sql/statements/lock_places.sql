-- Held to the end of the transaction: only one render at a time looks for a place on a back end.
-- It is a statement of its own, so that the next one sees what the previous holder committed.

SELECT pg_advisory_xact_lock(hashtextextended('quel.backend_place', 0));

-- Held to the end of the transaction: only one reservation at a time counts the room of a path.
-- It is a statement of its own, so that the next one sees what the previous holder committed.
-- :path text.

SELECT pg_advisory_xact_lock(hashtextextended('quel.reserve/' || :path, 0));

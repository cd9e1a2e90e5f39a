-- Held to the end of the transaction: only one at a time counts an hour anew.
-- It is a statement of its own, so that the next one sees what the previous holder committed.
-- :hour timestamptz.

SELECT
    pg_advisory_xact_lock(
        hashtextextended('quel.path_hour', CAST(extract(EPOCH FROM CAST(:hour AS timestamptz)) AS bigint))
    );

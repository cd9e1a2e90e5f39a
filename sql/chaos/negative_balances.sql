-- Payers of a fault's jobs who have less than nothing.
-- :fault text.

SELECT
    CAST(NULL AS uuid) AS job_id,
    format('payer %s has %s credits', p.payer_id, now.balance) AS found
FROM chaos.payer AS p
CROSS JOIN
    LATERAL (
        SELECT m.quel_member_credit AS balance
        FROM quel_member AS m
        WHERE p.payer_id = m.quel_member_id
        UNION ALL
        SELECT o.org_credit AS balance
        FROM quel_organization AS o
        WHERE p.payer_id = o.org_id
    ) AS now
WHERE p.fault = :fault AND now.balance < 0;

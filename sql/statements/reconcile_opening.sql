-- Notes what a payer had just before our first charge; for every later one it does nothing, and does
-- not read the ledger. The caller holds the payer's row, so that balance and ledger belong together.
-- :org_id uuid or NULL, :member_id uuid who pays when there is no organization, :balance bigint.

INSERT INTO quel.opening_balance (payer, payer_id, balance, ledger)
SELECT
    who.payer,
    who.payer_id,
    :balance,
    coalesce(
        CASE who.payer
            WHEN 'member'
                THEN (
                    SELECT sum(l.amount) FROM quel_credits AS l
                    WHERE l.user_id = who.payer_id AND l.org_id IS NULL
                )
            WHEN 'organization'
                THEN (
                    SELECT sum(l.amount) FROM quel_credits AS l
                    WHERE l.org_id = who.payer_id
                )
        END,
        0
    )
FROM (
    VALUES (
        CASE WHEN CAST(:org_id AS uuid) IS NULL THEN 'member' ELSE 'organization' END,
        coalesce(CAST(:org_id AS uuid), CAST(:member_id AS uuid))
    )
) AS who (payer, payer_id)
LEFT JOIN quel.opening_balance AS o ON who.payer = o.payer AND who.payer_id = o.payer_id
WHERE o.payer_id IS NULL
ON CONFLICT DO NOTHING;

-- The books of the payers whose ledger moved, or whose pictures were delivered, within a span of
-- time: what they had before our first charge, what the ledger has gained since, what they have now.
-- Cost: the ledger and the slots of that span, then the ledgers of those payers, all by index.
-- :within interval, NULL for all there is.

WITH active (payer, payer_id) AS (
    SELECT
        CASE WHEN l.org_id IS NULL THEN 'member' ELSE 'organization' END,
        coalesce(l.org_id, l.user_id)
    FROM quel_credits AS l
    WHERE l.created_at > coalesce(now() - CAST(:within AS interval), '-infinity')
    UNION
    -- Their ledger rows may be what is missing.
    SELECT
        CASE WHEN j.org_id IS NULL THEN 'member' ELSE 'organization' END,
        coalesce(j.org_id, j.quel_member_id)
    FROM quel.slot AS s
    INNER JOIN quel_production_jobs AS j ON s.job_id = j.job_id
    WHERE
        s.state = 'delivered'
        AND s.delivered_at > coalesce(now() - CAST(:within AS interval), '-infinity')
),

opened AS (
    SELECT
        o.payer,
        o.payer_id,
        o.balance + o.accepted AS opening,
        o.ledger
    FROM active AS a
    INNER JOIN quel.opening_balance AS o ON a.payer = o.payer AND a.payer_id = o.payer_id
)

SELECT
    o.payer,
    o.payer_id,
    o.opening,
    coalesce(sum(l.amount), 0) - o.ledger AS moved,
    coalesce(m.quel_member_credit, 0) AS balance
FROM opened AS o
INNER JOIN quel_member AS m ON o.payer_id = m.quel_member_id
LEFT JOIN quel_credits AS l ON o.payer_id = l.user_id AND l.org_id IS NULL
WHERE o.payer = 'member'
GROUP BY o.payer, o.payer_id, o.opening, o.ledger, m.quel_member_credit
UNION ALL
SELECT
    o.payer,
    o.payer_id,
    o.opening,
    coalesce(sum(l.amount), 0) - o.ledger AS moved,
    coalesce(g.org_credit, 0) AS balance
FROM opened AS o
INNER JOIN quel_organization AS g ON o.payer_id = g.org_id
LEFT JOIN quel_credits AS l ON o.payer_id = l.org_id
WHERE o.payer = 'organization'
GROUP BY o.payer, o.payer_id, o.opening, o.ledger, g.org_credit
ORDER BY payer, payer_id;

-- Pictures delivered within a span of time that have not one attach row and one charge of ours, of
-- the amount the slot remembers, for this picture, taken from the payer the job's row names. One row
-- for each thing that is wrong.
-- Cost: the slots of that span, and three look-ups by key for each.
-- :within interval, NULL for all there is; :provider text, which marks our rows.

SELECT
    wrong.kind,
    format('job %s, slot %s', s.job_id, s.slot) AS subject,
    CASE wrong.kind
        WHEN 'not_attached' THEN format('quel_attach row %s', s.attach_id)
        WHEN 'not_charged' THEN format('a charge of %s credits', s.charged)
        WHEN 'wrong_amount' THEN format('amount -%s', coalesce(s.charged, 0))
        WHEN 'wrong_picture' THEN format('attach_idx %s', s.attach_id)
        WHEN 'wrong_payer' THEN format('%s %s pays', ordered.payer, ordered.payer_id)
    END AS expected,
    CASE wrong.kind
        WHEN 'not_attached' THEN 'no such row'
        WHEN 'not_charged' THEN format('ledger_id %s, no charge of ours', coalesce(CAST(s.ledger_id AS text), 'NULL'))
        WHEN 'wrong_amount' THEN format('amount %s in ledger row %s', l.amount, l.id)
        WHEN 'wrong_picture'
            THEN format('attach_idx %s in ledger row %s', coalesce(CAST(l.attach_idx AS text), 'NULL'), l.id)
        WHEN 'wrong_payer' THEN format('%s %s paid by ledger row %s', charged.payer, charged.payer_id, l.id)
    END AS found
FROM quel.slot AS s
INNER JOIN quel_production_jobs AS j ON s.job_id = j.job_id
LEFT JOIN quel_attach AS a ON s.attach_id = a.attach_id
LEFT JOIN quel_credits AS l
    ON s.ledger_id = l.id AND l.transaction_type = 'DEDUCT' AND l.api_provider = :provider
CROSS JOIN
    LATERAL (
        VALUES (CASE WHEN j.org_id IS NULL THEN 'member' ELSE 'organization' END, coalesce(j.org_id, j.quel_member_id))
    ) AS ordered (payer, payer_id)
CROSS JOIN
    LATERAL (
        VALUES (CASE WHEN l.org_id IS NULL THEN 'member' ELSE 'organization' END, coalesce(l.org_id, l.user_id))
    ) AS charged (payer, payer_id)
CROSS JOIN
    LATERAL (
        VALUES
        ('not_attached', a.attach_id IS NULL),
        ('not_charged', l.id IS NULL),
        ('wrong_amount', l.id IS NOT NULL AND l.amount IS DISTINCT FROM -s.charged),
        ('wrong_picture', l.id IS NOT NULL AND l.attach_idx IS DISTINCT FROM s.attach_id),
        (
            'wrong_payer',
            l.id IS NOT NULL
            AND (charged.payer, charged.payer_id) IS DISTINCT FROM (ordered.payer, ordered.payer_id)
        )
    ) AS wrong (kind, holds)
WHERE
    s.state = 'delivered'
    AND s.delivered_at > coalesce(now() - CAST(:within AS interval), '-infinity')
    AND wrong.holds
ORDER BY s.job_id, s.slot, wrong.kind;

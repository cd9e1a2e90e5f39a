-- Pictures delivered within a span of time that have not one attach row and one charge of ours, of
-- the amount the slot remembers, for this picture, taken from the payer the job's row names. One row
-- for each thing that is wrong.
-- Cost: the slots of that span, and three look-ups by key for each.
-- :within interval, NULL for all there is; :provider text, which marks our rows.

SELECT
    wrong.kind,
    format('job %s, slot %s', s.job_id, s.slot) AS subject,
    wrong.expected,
    wrong.found
FROM quel.slot AS s
INNER JOIN quel_production_jobs AS j ON s.job_id = j.job_id
LEFT JOIN quel_attach AS a ON s.attach_id = a.attach_id
LEFT JOIN quel_credits AS l
    ON s.ledger_id = l.id AND l.transaction_type = 'DEDUCT' AND l.api_provider = :provider
CROSS JOIN
    LATERAL (
        SELECT
            CASE WHEN j.org_id IS NULL THEN 'member' ELSE 'organization' END AS payer,
            coalesce(j.org_id, j.quel_member_id) AS payer_id,
            CASE WHEN l.org_id IS NULL THEN 'member' ELSE 'organization' END AS charged,
            coalesce(l.org_id, l.user_id) AS charged_id
    ) AS who
CROSS JOIN
    LATERAL (
        VALUES
        (
            'not_attached',
            a.attach_id IS NULL,
            format('quel_attach row %s', s.attach_id),
            'no such row'
        ),
        (
            'not_charged',
            l.id IS NULL,
            format('a charge of %s credits', s.charged),
            format('ledger_id %s, which is no charge of ours', coalesce(CAST(s.ledger_id AS text), 'NULL'))
        ),
        (
            'wrong_amount',
            l.id IS NOT NULL AND l.amount IS DISTINCT FROM -s.charged,
            format('amount %s', -s.charged),
            format('amount %s in ledger row %s', l.amount, l.id)
        ),
        (
            'wrong_picture',
            l.id IS NOT NULL AND l.attach_idx IS DISTINCT FROM s.attach_id,
            format('attach_idx %s', s.attach_id),
            format('attach_idx %s in ledger row %s', coalesce(CAST(l.attach_idx AS text), 'NULL'), l.id)
        ),
        (
            'wrong_payer',
            l.id IS NOT NULL AND (who.charged, who.charged_id) IS DISTINCT FROM (who.payer, who.payer_id),
            format('%s %s pays', who.payer, who.payer_id),
            format('%s %s paid by ledger row %s', who.charged, who.charged_id, l.id)
        )
    ) AS wrong (kind, holds, expected, found)
WHERE
    s.state = 'delivered'
    AND s.delivered_at > coalesce(now() - CAST(:within AS interval), '-infinity')
    AND wrong.holds
ORDER BY s.job_id, s.slot, wrong.kind;

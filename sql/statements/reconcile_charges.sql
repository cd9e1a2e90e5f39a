-- Charges within a span of time that no delivered slot refers to: a second one for a picture of ours,
-- whoever made it, and one of ours for no picture at all.
-- Cost: the ledger of that span, and two look-ups by key for each charge in it.
-- :within interval, NULL for all there is; :provider text, which marks our rows.

SELECT
    CASE WHEN s.ledger_id IS NULL THEN 'charge_without_picture' ELSE 'charged_twice' END AS kind,
    CASE
        WHEN s.job_id IS NOT NULL THEN format('job %s, slot %s', s.job_id, s.slot)
        WHEN l.org_id IS NOT NULL THEN format('organization %s', l.org_id)
        ELSE format('member %s', l.user_id)
    END AS subject,
    CASE
        WHEN s.ledger_id IS NULL THEN format('a delivered slot that names ledger row %s', l.id)
        ELSE format('only ledger row %s', s.ledger_id)
    END AS expected,
    format(
        '%sledger row %s of %s: %s credits for attach_idx %s of production %s',
        CASE WHEN s.ledger_id IS NULL THEN 'none; ' ELSE 'also ' END,
        l.id,
        coalesce(l.api_provider, 'no provider'),
        l.amount,
        coalesce(CAST(l.attach_idx AS text), 'NULL'),
        coalesce(CAST(l.production_idx AS text), 'NULL')
    ) AS found
FROM quel_credits AS l
LEFT JOIN quel.slot AS own ON l.id = own.ledger_id AND own.state = 'delivered'
LEFT JOIN quel.slot AS s ON l.attach_idx = s.attach_id AND s.state = 'delivered'
WHERE
    l.transaction_type = 'DEDUCT'
    AND l.created_at > coalesce(now() - CAST(:within AS interval), '-infinity')
    AND own.job_id IS NULL
    AND (l.api_provider = :provider OR s.job_id IS NOT NULL)
ORDER BY subject, l.id;

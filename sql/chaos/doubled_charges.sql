-- Charges of a fault's jobs that are not one for each delivered picture, and payers whose balance is not what they
-- had at first plus their ledger.
-- :fault text.

SELECT
    c.job_id,
    format('ledger row %s of %s credits is for no slot', l.id, l.amount) AS found
FROM chaos.job AS c
INNER JOIN quel_production_jobs AS j ON c.job_id = j.job_id
INNER JOIN quel_credits AS l ON j.production_id = l.production_idx
LEFT JOIN quel.slot AS s ON c.job_id = s.job_id AND l.id = s.ledger_id AND s.state = 'delivered'
WHERE c.fault = :fault AND s.job_id IS NULL
UNION ALL
SELECT
    c.job_id,
    format('slot %s was not charged', s.slot) AS found
FROM chaos.job AS c
INNER JOIN quel.slot AS s ON c.job_id = s.job_id AND s.state = 'delivered'
LEFT JOIN quel_credits AS l ON s.ledger_id = l.id AND s.attach_id = l.attach_idx AND l.amount = -s.charged
WHERE c.fault = :fault AND l.id IS NULL
UNION ALL
SELECT
    NULL AS job_id,
    format('payer %s has %s credits, expected %s', p.payer_id, now.balance, p.opening + moved.sum) AS found
FROM chaos.payer AS p
CROSS JOIN
    LATERAL (
        SELECT coalesce(sum(l.amount), 0) AS sum
        FROM quel_credits AS l
        WHERE p.payer_id = coalesce(l.org_id, l.user_id)
    ) AS moved
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
WHERE p.fault = :fault AND now.balance <> p.opening + moved.sum;

-- Frees the places of attempts that are no longer alive.
-- Cost: the places there are, with one look at an attempt's row for each.

DELETE FROM quel.backend_place AS p
WHERE NOT EXISTS (
    SELECT FROM quel.attempt AS a
    WHERE
        a.job_id = p.job_id
        AND a.claim_id = p.claim_id
        AND a.phase = 'started'
        AND a.leased_until > clock_timestamp()
);

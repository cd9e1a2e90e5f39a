-- quel: no transaction
-- Sums the ledger of an organization without reading everybody's; the given tables index it by member only.

CREATE INDEX CONCURRENTLY IF NOT EXISTS quel_credits_of_organization
ON public.quel_credits (org_id)
WHERE org_id IS NOT NULL;

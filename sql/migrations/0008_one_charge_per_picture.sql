-- quel: no transaction
-- One DEDUCT per picture in the ledger itself. It covers our rows only, which api_provider tells from all others:
-- the ledger of the years before us may hold doubles, and the old server, while it still runs, keeps its ways.

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS quel_credits_one_charge_per_picture
ON public.quel_credits (attach_idx)
WHERE transaction_type = 'DEDUCT' AND api_provider = 'comfyui';

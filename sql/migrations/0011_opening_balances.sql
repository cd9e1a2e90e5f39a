-- What a payer's balance and ledger were before our first charge. The ledgers of the years before us do not add up
-- to the balances, and nobody can mend that now; from here on every credit is to be accounted for.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.opening_balance (
    payer text NOT NULL CHECK (payer IN ('member', 'organization')),
    payer_id uuid NOT NULL,
    balance bigint NOT NULL,
    ledger bigint NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (payer, payer_id)
);

COMMENT ON TABLE quel.opening_balance IS
'Payers we have charged. A balance is to be: balance + accepted here, plus what the ledger has gained since.';
COMMENT ON COLUMN quel.opening_balance.payer_id IS 'quel_member_id or org_id.';
COMMENT ON COLUMN quel.opening_balance.balance IS 'The balance just before our first charge.';
COMMENT ON COLUMN quel.opening_balance.ledger IS 'The sum of the payer''s ledger just before our first charge.';
COMMENT ON COLUMN quel.opening_balance.accepted IS
'Credits that came without a ledger row since, as far as somebody has accepted them.';

-- Finds the pictures of a span of time.
CREATE INDEX slot_delivered ON quel.slot (delivered_at)
WHERE state = 'delivered';

-- Under which key an order was posted, so that a repeated POST finds the job of the first one.

SET LOCAL lock_timeout = '2s';

-- The key is taken first, so that of two equal requests at once the second waits for the first; its job follows in
-- the same transaction.
CREATE TABLE quel.order_key (
    member_id uuid NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    job_id uuid NOT NULL
    REFERENCES public.quel_production_jobs (job_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (member_id, key)
);

CREATE INDEX order_key_job ON quel.order_key (job_id);

COMMENT ON TABLE quel.order_key IS 'The Idempotency-Key of each order that came with one. It lives as long as its job.';
COMMENT ON COLUMN quel.order_key.member_id IS 'Who ordered: two members may use the same key.';
COMMENT ON COLUMN quel.order_key.request IS
'SHA-256 of the order, in hexadecimal: another order under the same key is refused.';

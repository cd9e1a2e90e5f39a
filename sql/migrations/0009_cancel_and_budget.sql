-- What an attempt must know beside its lease: that somebody wants its job cancelled, and where the
-- job's budget of renders began.

SET LOCAL lock_timeout = '2s';

ALTER TABLE quel.attempt
ADD COLUMN IF NOT EXISTS cancel_asked_at timestamptz,
ADD COLUMN IF NOT EXISTS renders_before int NOT NULL DEFAULT 0;

COMMENT ON COLUMN quel.attempt.cancel_asked_at IS
'Somebody wants the job cancelled while an attempt holds it; emptied when the job is final, so that it binds no later '
'order of the same id.';
COMMENT ON COLUMN quel.attempt.renders_before IS
'Sum of the generations of the job''s slots when it was ordered; what they grew by since is what its budget has lost.';

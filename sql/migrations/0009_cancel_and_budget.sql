-- What an attempt must know beside its lease: whether somebody wants the job cancelled, and where its budget of
-- renders began.

SET LOCAL lock_timeout = '2s';

ALTER TABLE quel.attempt
ADD COLUMN IF NOT EXISTS cancel_asked_at timestamptz,
ADD COLUMN IF NOT EXISTS renders_before int;

COMMENT ON COLUMN quel.attempt.cancel_asked_at IS
'When somebody asked to cancel the job while an attempt held it. Emptied when the job is final, so that it binds no '
'later order of the same id.';
COMMENT ON COLUMN quel.attempt.renders_before IS
'The sum of the slots'' generations when the job was first opened since it was ordered; NULL until then. What the sum '
'has grown by since is what the job has spent of attempts.renders.';

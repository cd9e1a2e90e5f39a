-- What we know of a job beyond its row: who holds it, and how far each of its pictures is.
-- Time is clock_timestamp(), the database's and never a worker's.

SET LOCAL lock_timeout = '2s';

CREATE TABLE quel.attempt (
    job_id uuid PRIMARY KEY REFERENCES public.quel_production_jobs (job_id) ON DELETE CASCADE,
    path text NOT NULL,
    requested_path text,
    attempt int NOT NULL,
    claim_id uuid NOT NULL,
    phase text NOT NULL CHECK (phase IN ('reserved', 'started', 'waiting', 'closed')),
    run_id text,
    reserved_at timestamptz,
    started_at timestamptz,
    leased_until timestamptz,
    next_try_at timestamptz,
    crash_count int NOT NULL DEFAULT 0,
    last_error text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Counts the living attempts of a path without reading the table.
CREATE INDEX attempt_living ON quel.attempt (path) INCLUDE (leased_until)
WHERE phase IN ('reserved', 'started');

-- Finds the job that a run holds.
CREATE INDEX attempt_run ON quel.attempt (run_id)
WHERE phase = 'started';

COMMENT ON TABLE quel.attempt IS 'The newest attempt at each job that was ever let in.';
COMMENT ON COLUMN quel.attempt.path IS 'The path the job is served on.';
COMMENT ON COLUMN quel.attempt.requested_path IS
'The path its row asked for where the fallback serves it, none when it named none; NULL where it is served as asked.';
COMMENT ON COLUMN quel.attempt.attempt IS 'How many attempts were let in, this one included.';
COMMENT ON COLUMN quel.attempt.claim_id IS 'The ticket: a write to the job that does not carry it changes nothing.';
COMMENT ON COLUMN quel.attempt.phase IS
'reserved: a run was asked for; started: a run holds the job; '
'waiting: it ended without closing the job; closed: the job is final.';
COMMENT ON COLUMN quel.attempt.run_id IS 'The Dagster run of this attempt, once it is known.';
COMMENT ON COLUMN quel.attempt.leased_until IS 'Whoever holds the job renews this; past it, the attempt is dead.';
COMMENT ON COLUMN quel.attempt.next_try_at IS 'Not to be let in again before this moment.';
COMMENT ON COLUMN quel.attempt.crash_count IS 'Attempts that ended without a word: killed, or their machine died.';
COMMENT ON COLUMN quel.attempt.last_error IS 'Why the newest failed attempt failed.';

-- A delivered slot is the proof that its picture was made and charged, so it refers to the job and not to the
-- attempt, which an operator may delete to have a job start anew.
-- attach_id is no foreign key: the front end stays free to delete a picture, and the slot remembers it. An id of
-- quel_attach is never given twice.
--
-- No picture is charged twice, by three rules that leave the doubles of the years before us alone:
-- a slot has one attach_id and one ledger_id, no two slots share either (UNIQUE, below), and the ledger takes one
-- DEDUCT of ours for an attach_idx (0008_one_charge_per_picture.sql).
CREATE TABLE quel.slot (
    job_id uuid NOT NULL REFERENCES public.quel_production_jobs (job_id) ON DELETE CASCADE,
    slot int NOT NULL CHECK (slot >= 0),
    state text NOT NULL CHECK (state IN ('planned', 'submitted', 'delivered', 'failed')),
    generation int NOT NULL DEFAULT 0,
    prompt_id uuid,
    backend text,
    seed bigint,
    s3_key text,
    attach_id bigint UNIQUE,
    ledger_id uuid UNIQUE REFERENCES public.quel_credits (id) ON DELETE SET NULL,
    charged int,
    error text,
    submitted_at timestamptz,
    delivered_at timestamptz,
    render_seconds double precision,
    PRIMARY KEY (job_id, slot),
    CONSTRAINT slot_delivered_is_attached CHECK (
        state <> 'delivered' OR (attach_id IS NOT NULL AND s3_key IS NOT NULL)
    )
);

COMMENT ON TABLE quel.slot IS
'One picture of a job. What is delivered is never made again, whoever takes the job over.';
COMMENT ON COLUMN quel.slot.slot IS 'The place of the picture in its job, from 0, in the order of the result.';
COMMENT ON COLUMN quel.slot.generation IS 'Renders that were given up; job, slot and generation determine prompt_id.';
COMMENT ON COLUMN quel.slot.prompt_id IS 'The id under which ComfyUI knows the render.';
COMMENT ON COLUMN quel.slot.backend IS 'The ComfyUI server that was given the render.';
COMMENT ON COLUMN quel.slot.s3_key IS 'Where the picture is stored.';
COMMENT ON COLUMN quel.slot.attach_id IS 'Its quel_attach row.';
COMMENT ON COLUMN quel.slot.ledger_id IS
'The quel_credits row that charged it; NULL once the front end deletes that row.';
COMMENT ON COLUMN quel.slot.charged IS 'Credits that were charged for it, as a positive number.';
COMMENT ON COLUMN quel.slot.error IS 'Why there is no picture.';

CREATE TABLE quel.cut_off (
    single_row boolean PRIMARY KEY DEFAULT TRUE CHECK (single_row),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_after timestamptz NOT NULL
);

COMMENT ON TABLE quel.cut_off IS
'Recorded once, on the first day: pending jobs from before it are old wrecks, which must not start and charge people.';
COMMENT ON COLUMN quel.cut_off.created_after IS 'Jobs created at or before this moment are never let in.';

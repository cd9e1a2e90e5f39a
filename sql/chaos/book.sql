-- The schema `chaos`, in a database that is thrown away afterwards: what is to be done to which job, what was
-- done, and what only triggers see. Nothing of it is ever read or written by production code.

CREATE SCHEMA chaos;

CREATE TABLE chaos.job (
    job_id uuid PRIMARY KEY,
    fault text NOT NULL,
    expected text[] NOT NULL
);

COMMENT ON TABLE chaos.job IS 'The jobs of a fault, and the statuses they may end with.';

CREATE TABLE chaos.payer (
    payer_id uuid PRIMARY KEY,
    fault text NOT NULL,
    opening bigint NOT NULL
);

COMMENT ON TABLE chaos.payer IS 'Members and organizations that pay for a fault, with their first balance.';

CREATE TABLE chaos.room (
    path text PRIMARY KEY,
    max_workers int NOT NULL
);

COMMENT ON TABLE chaos.room IS 'The limit of each path.';

CREATE TABLE chaos.trap (
    job_id uuid NOT NULL,
    point text NOT NULL,
    deed text NOT NULL,
    times int NOT NULL,
    sprung int NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, point)
);

COMMENT ON TABLE chaos.trap IS
'What happens to the process that brings a job to a point; `sprung` is written first, so that a repeat gets through.';

CREATE TABLE chaos.strike (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid NOT NULL,
    point text NOT NULL,
    deed text NOT NULL,
    pid int NOT NULL,
    attempt int NOT NULL,
    struck_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    woken_at timestamptz
);

COMMENT ON TABLE chaos.strike IS 'Every trap that sprang: the process, and which attempt it was at.';

CREATE TABLE chaos.attempt_log (
    logged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    job_id uuid NOT NULL,
    path text NOT NULL,
    attempt int NOT NULL,
    phase text NOT NULL,
    leased_until timestamptz
);

COMMENT ON TABLE chaos.attempt_log IS
'quel.attempt keeps the newest state of a job''s attempts; this keeps all of them.';

CREATE FUNCTION chaos.log_attempt() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO chaos.attempt_log (job_id, path, attempt, phase, leased_until)
    VALUES (NEW.job_id, NEW.path, NEW.attempt, NEW.phase, NEW.leased_until);
    RETURN NULL;
END
$body$;

CREATE TRIGGER chaos_log_attempt AFTER INSERT OR UPDATE ON quel.attempt
FOR EACH ROW EXECUTE FUNCTION chaos.log_attempt();

CREATE TABLE chaos.late_change (
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    job_id uuid NOT NULL,
    was text NOT NULL,
    became text NOT NULL
);

COMMENT ON TABLE chaos.late_change IS 'Changes of jobs that were final: there may be none.';

CREATE FUNCTION chaos.log_late_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO chaos.late_change (job_id, was, became)
    VALUES (
        NEW.job_id,
        concat_ws(', ', OLD.job_status, OLD.completed_at, OLD.completed_images || ' pictures'),
        concat_ws(', ', NEW.job_status, NEW.completed_at, NEW.completed_images || ' pictures')
    );
    RETURN NULL;
END
$body$;

CREATE TRIGGER chaos_log_late_change AFTER UPDATE ON public.quel_production_jobs
FOR EACH ROW
WHEN (old.job_status IN ('completed', 'failed', 'cancelled', 'user_cancelled'))
EXECUTE FUNCTION chaos.log_late_change();

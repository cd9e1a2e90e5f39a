-- Notices, whoever writes, when rows change that belong to an hour which is over: a job ordered anew, a fallback that
-- gives a job its path hours later, a backfill, rows imported or deleted by hand.
-- The conditions of the triggers leave out all that happens at its time, so that an ordinary write pays for none of
-- this. The functions act with their owner's rights: the front end need not know of the schema quel.

SET LOCAL lock_timeout = '2s';

-- Notes the finished hours, since our first day, in which events lie.
CREATE FUNCTION quel.note_late(events timestamptz[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO quel.late_hour (hour)
    SELECT DISTINCT date_trunc('hour', e.happened_at, 'UTC')
    FROM unnest(events) AS e (happened_at)
    CROSS JOIN quel.cut_off AS c
    WHERE
        e.happened_at >= date_trunc('hour', c.recorded_at, 'UTC')
        AND e.happened_at < date_trunc('hour', clock_timestamp(), 'UTC')
$$;

CREATE FUNCTION quel.is_over(happened_at timestamptz) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(happened_at < date_trunc('hour', clock_timestamp(), 'UTC'), FALSE)
$$;

-- Whether a moment lies in what is counted at all, which begins with the hour of our first day. A backfill changes
-- millions of rows from before, and nothing is to be noted of any.
CREATE FUNCTION quel.is_counted(happened_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT happened_at >= date_trunc('hour', c.recorded_at, 'UTC') FROM quel.cut_off AS c
$$;

-- All times that lie in what a job counts for.
CREATE FUNCTION quel.note_late_events(of_job uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT quel.note_late(array(
        SELECT unnest(ARRAY[j.created_at, j.started_at, j.completed_at])
        FROM public.quel_production_jobs AS j
        WHERE j.job_id = of_job
        UNION ALL
        SELECT s.delivered_at
        FROM quel.slot AS s
        WHERE s.job_id = of_job AND s.state = 'delivered'
    ))
$$;

CREATE FUNCTION quel.note_late_job() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tg_op <> 'INSERT' THEN
        PERFORM quel.note_late(ARRAY[old.created_at, old.started_at, old.completed_at]);
    END IF;
    IF tg_op <> 'DELETE' THEN
        PERFORM quel.note_late(ARRAY[new.created_at, new.started_at, new.completed_at]);
    END IF;
    IF tg_op = 'UPDATE' AND old.quel_production_path IS DISTINCT FROM new.quel_production_path THEN
        PERFORM quel.note_late_events(old.job_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER quel_note_late_insert AFTER INSERT ON public.quel_production_jobs
FOR EACH ROW WHEN (quel.is_over(least(new.created_at, new.started_at, new.completed_at)))
EXECUTE FUNCTION quel.note_late_job();

CREATE TRIGGER quel_note_late_delete AFTER DELETE ON public.quel_production_jobs
FOR EACH ROW WHEN (quel.is_over(least(old.created_at, old.started_at, old.completed_at)))
EXECUTE FUNCTION quel.note_late_job();

CREATE TRIGGER quel_note_late_update AFTER UPDATE ON public.quel_production_jobs
FOR EACH ROW WHEN (
    (
        (old.quel_production_path, old.created_at) IS DISTINCT FROM (new.quel_production_path, new.created_at)
        OR (
            old.started_at IS DISTINCT FROM new.started_at
            AND (old.started_at IS NOT NULL OR quel.is_over(new.started_at))
        )
        OR (
            (old.completed_at, old.job_status, old.failed_images)
            IS DISTINCT FROM (new.completed_at, new.job_status, new.failed_images)
            AND (old.completed_at IS NOT NULL OR quel.is_over(new.completed_at))
        )
    )
    AND quel.is_counted(
        greatest(
            old.created_at, old.started_at, old.completed_at, new.created_at, new.started_at, new.completed_at
        )
    )
)
EXECUTE FUNCTION quel.note_late_job();

-- Letting a job in, and forgetting its attempt, changes what it counts for unless it is served as its row asks.
CREATE FUNCTION quel.note_late_attempt() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held quel.attempt := CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
    named text := quel.path_of(NULL, j.quel_production_path)
        FROM public.quel_production_jobs AS j WHERE j.job_id = held.job_id;
BEGIN
    IF tg_op = 'UPDATE' OR held.path <> named OR coalesce(held.requested_path, held.failure) IS NOT NULL THEN
        PERFORM quel.note_late_events(held.job_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_late_path AFTER INSERT OR DELETE ON quel.attempt
FOR EACH ROW EXECUTE FUNCTION quel.note_late_attempt();

CREATE TRIGGER note_late_change AFTER UPDATE ON quel.attempt
FOR EACH ROW WHEN (
    (old.path, old.requested_path) IS DISTINCT FROM (new.path, new.requested_path)
    OR (old.failure IS NOT NULL AND old.failure IS DISTINCT FROM new.failure)
)
EXECUTE FUNCTION quel.note_late_attempt();

CREATE FUNCTION quel.note_late_slot() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tg_op <> 'INSERT' THEN
        PERFORM quel.note_late(ARRAY[old.delivered_at]);
    END IF;
    IF tg_op <> 'DELETE' THEN
        PERFORM quel.note_late(ARRAY[new.delivered_at]);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_late_insert AFTER INSERT ON quel.slot
FOR EACH ROW WHEN (quel.is_over(new.delivered_at)) EXECUTE FUNCTION quel.note_late_slot();

CREATE TRIGGER note_late_update AFTER UPDATE ON quel.slot
FOR EACH ROW WHEN (old.delivered_at IS NOT NULL OR quel.is_over(new.delivered_at))
EXECUTE FUNCTION quel.note_late_slot();

CREATE TRIGGER note_late_delete AFTER DELETE ON quel.slot
FOR EACH ROW WHEN (quel.is_over(old.delivered_at)) EXECUTE FUNCTION quel.note_late_slot();

-- The jobs that began in an hour, for the statistics.

CREATE INDEX CONCURRENTLY IF NOT EXISTS quel_production_jobs_started
ON public.quel_production_jobs (started_at)
WHERE started_at IS NOT NULL;

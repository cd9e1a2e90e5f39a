-- The jobs that ended in an hour, for the statistics and for what ended in the last 24 hours.

CREATE INDEX CONCURRENTLY IF NOT EXISTS quel_production_jobs_completed
ON public.quel_production_jobs (completed_at)
WHERE completed_at IS NOT NULL;

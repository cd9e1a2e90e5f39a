-- quel: no transaction
-- Keeps a tick cheap whatever the backlog: the oldest pending jobs of one path are read in order, nothing is sorted.

CREATE INDEX CONCURRENTLY IF NOT EXISTS quel_production_jobs_pending
ON public.quel_production_jobs (quel_production_path, created_at, job_id)
WHERE job_status = 'pending';

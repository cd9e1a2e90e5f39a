-- The oldest waiting jobs of a path, in order: what a tick may let in, and how many wait.

CREATE INDEX CONCURRENTLY IF NOT EXISTS quel_production_jobs_pending
ON public.quel_production_jobs (quel_production_path, created_at, job_id)
WHERE job_status = 'pending';

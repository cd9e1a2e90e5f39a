-- The production path of a job, for a database from before the paths.

SET LOCAL lock_timeout = '2s';

ALTER TABLE public.quel_production_jobs ADD COLUMN IF NOT EXISTS quel_production_path varchar(50);

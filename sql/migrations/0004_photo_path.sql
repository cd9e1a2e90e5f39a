-- The production path of a photo, for a database from before the paths.
-- Each of the two tables has a file of its own: a lock on both at once could meet a reader of both and deadlock.

SET LOCAL lock_timeout = '2s';

ALTER TABLE public.quel_production_photo ADD COLUMN IF NOT EXISTS quel_production_path varchar(50);

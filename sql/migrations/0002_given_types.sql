-- The front end's enum types. A missing type is created, a missing value is appended, nothing is taken away.
-- A new value may be used only after the transaction that added it, hence a file of their own.

SET LOCAL lock_timeout = '2s';

DO $$
BEGIN
    IF to_regtype('public.job_status_enum') IS NULL THEN
        CREATE TYPE public.job_status_enum AS ENUM ();
    END IF;
    IF to_regtype('public.production_status_enum') IS NULL THEN
        CREATE TYPE public.production_status_enum AS ENUM ();
    END IF;
    -- Production has a type of its own here, whose name we do not know: only a new quel_member needs ours.
    IF to_regclass('public.quel_member') IS NULL AND to_regtype('public.quel_member_status_enum') IS NULL THEN
        CREATE TYPE public.quel_member_status_enum AS ENUM ('active', 'inactive', 'suspended', 'deleted');
    END IF;
END
$$;

ALTER TYPE public.job_status_enum ADD VALUE IF NOT EXISTS 'pending';
ALTER TYPE public.job_status_enum ADD VALUE IF NOT EXISTS 'processing';
ALTER TYPE public.job_status_enum ADD VALUE IF NOT EXISTS 'completed';
ALTER TYPE public.job_status_enum ADD VALUE IF NOT EXISTS 'failed';
ALTER TYPE public.job_status_enum ADD VALUE IF NOT EXISTS 'cancelled';
ALTER TYPE public.job_status_enum ADD VALUE IF NOT EXISTS 'user_cancelled';

ALTER TYPE public.production_status_enum ADD VALUE IF NOT EXISTS 'pending';
ALTER TYPE public.production_status_enum ADD VALUE IF NOT EXISTS 'processing';
ALTER TYPE public.production_status_enum ADD VALUE IF NOT EXISTS 'completed';
ALTER TYPE public.production_status_enum ADD VALUE IF NOT EXISTS 'failed';
ALTER TYPE public.production_status_enum ADD VALUE IF NOT EXISTS 'cancelled';
ALTER TYPE public.production_status_enum ADD VALUE IF NOT EXISTS 'user_cancelled';

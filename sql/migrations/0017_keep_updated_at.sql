-- For the trigger that a backfill puts up for as long as it runs: updated_at stays as it was.

CREATE OR REPLACE FUNCTION quel.keep_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = OLD.updated_at;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION quel.keep_updated_at() IS
'Takes back what the given trigger does to updated_at, while a backfill changes rows that nobody shall see as fresh.';

"""One typed door to each outside thing: PostgreSQL, Redis, S3, ComfyUI. No Dagster here."""

"""Values and rules of a job. No I/O and no Dagster here, so that every rule is tested as a plain function."""

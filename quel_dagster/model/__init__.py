"""Values and rules of a job. No I/O and no Dagster: every rule is tested as a plain function."""

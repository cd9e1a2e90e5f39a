"""Orders, cancels and metrics over HTTP. No Dagster here: a job begins where its row is found."""

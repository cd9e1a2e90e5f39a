"""The job platform of Quel: orders for pictures become path-tagged Dagster runs."""

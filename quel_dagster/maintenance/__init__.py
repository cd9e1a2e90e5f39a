"""Jobs that an operator launches once: the backfill, the indexes, the old wrecks."""

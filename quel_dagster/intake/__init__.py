"""The front door: how waiting orders become runs."""

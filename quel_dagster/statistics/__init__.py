"""What operators see of the paths: figures per hour, one overview, and the checks of both."""

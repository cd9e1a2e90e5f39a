"""The `quel` command: how the package is asked, and how it answers. What it does lies elsewhere."""

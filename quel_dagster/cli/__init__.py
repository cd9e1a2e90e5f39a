"""The `quel` command. What it does lies in the package; here is only how it is asked and answers."""

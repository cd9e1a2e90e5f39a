"""The embedded stack and sample orders. `quel up`, `quel demo` and the tests use the same parts."""

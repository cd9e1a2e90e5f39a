"""The cheapest graph there is, to find out whether a server that hung renders again.

When one is tried is decided in `quarantine`.
"""

import random
from collections.abc import Callable
from uuid import uuid4

from quel_dagster.model.errors import QuelError
from quel_dagster.services.comfyui.graph import Graph
from quel_dagster.services.comfyui.rendering import render
from quel_dagster.services.comfyui.server import ComfyServer

DEADLINE = 15.0
"""Seconds. The graph itself takes some milliseconds."""


def sings(address: str, should_stop: Callable[[], bool]) -> bool:
    """Whether the server renders a small picture that needs no model and leaves no file behind."""
    server = ComfyServer(address)
    prompt_id = uuid4()
    try:
        render(server, prompt_id, canary, deadline=DEADLINE, should_stop=should_stop)
        server.forget(prompt_id)
    except QuelError:
        return False
    finally:
        server.close()
    return True


def canary() -> Graph:
    """One colour, seldom the same, so that a cache alone cannot answer."""
    colour = random.randrange(1 << 24)  # noqa: S311 - no secret
    size = {"width": 16, "height": 16, "batch_size": 1, "color": colour}
    return {
        "1": {"class_type": "EmptyImage", "inputs": size},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }

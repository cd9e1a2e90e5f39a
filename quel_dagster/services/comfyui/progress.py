"""What websocket messages tell of one prompt: how far it is, and that it may have ended.

Pure. Messages of other prompts, unknown types and surplus keys are passed over.
"""

import json
from collections.abc import Mapping
from uuid import UUID


class Progress:
    """One prompt's nodes as far as they were heard of; starts at nothing.

    `signs` counts what was heard of the prompt at all, its beginning included.
    """

    def __init__(self, prompt_id: UUID) -> None:
        self._prompt_id = str(prompt_id)
        self._cached: frozenset[object] = frozenset()
        self._parts: Mapping[object, float] = {}
        self._best = 0.0
        self.signs = 0

    def hear(self, text: str) -> bool:
        """Takes in a message; tells whether the prompt may have ended with it.

        `executing` without a node ends every prompt, however it went, once the history is written;
        `execution_success` comes too early. `status` reaches every client when any prompt comes or
        goes, and so tells of a prompt that another client submitted.
        """
        told = _read(text)
        match told:
            case {"data": {"prompt_id": self._prompt_id}}:
                self.signs += 1
            case _:
                pass
        match told:
            case {"type": "status"}:
                return True
            case {"type": "executing", "data": {"node": None, "prompt_id": self._prompt_id}}:
                return True
            case {
                "type": "execution_cached",
                "data": {"prompt_id": self._prompt_id, "nodes": list(nodes)},
            }:
                self._cached = frozenset(nodes)
            case {
                "type": "progress_state",
                "data": {"prompt_id": self._prompt_id, "nodes": dict(nodes)},
            }:
                self._parts = {node: _part(state) for node, state in nodes.items()}
            case _:
                pass
        return False

    def fraction(self, nodes: int) -> float:
        """How much of a graph of `nodes` nodes is done, 0 to 1, cached ones included; never falls.

        Every node counts the same, so that a sampler takes long at one height.
        """
        parts = [part for node, part in self._parts.items() if node not in self._cached]
        done = len(self._cached) + sum(parts)
        self._best = max(self._best, min(1.0, done / max(nodes, 1)))
        return self._best


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _part(state: object) -> float:
    match state:
        case {"value": int() | float() as value, "max": int() | float() as most} if most > 0:
            return min(1.0, value / most)
        case _:
            return 0.0

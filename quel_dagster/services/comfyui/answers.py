"""ComfyUI's smaller raw answers turned into values, and why it refused a graph.

Pure. What became of an accepted prompt is told in `found`.
"""

import textwrap
from pathlib import PurePosixPath
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from quel_dagster.model.errors import PromptRefused
from quel_dagster.services.comfyui.graph import Graph, node_name

LONGEST_COMPLAINT = 200
LONGEST_MESSAGE = 800
"""Characters; a person reads the message in a job's `error_message`."""


class InputMissing(PromptRefused):
    """ComfyUI refused the graph because an input it was given is not there any more.

    Uploading the inputs again helps once; without that the graph stays refused.
    """


class Answer(BaseModel):
    """An answer's body; what we do not read is ignored."""

    model_config = ConfigDict(frozen=True)


class Complaint(Answer):
    """One thing wrong with a graph."""

    type: str = ""
    message: str = ""
    details: str = ""

    def __str__(self) -> str:
        text = f"{self.message} ({self.details})" if self.details else self.message
        return textwrap.shorten(text, LONGEST_COMPLAINT, placeholder=" …")


class NodeErrors(Answer):
    """What is wrong with one node."""

    errors: tuple[Complaint, ...] = ()
    class_type: str = ""


class Reply(Answer):
    """The answer to `POST /prompt`, accepted (200) or refused (400).

    `node_errors` is a list, empty, in servers of early 2025 when there are none.
    """

    prompt_id: UUID | None = None
    error: Complaint | str = ""
    node_errors: dict[str, NodeErrors] | tuple[()] = ()


class ExecInfo(Answer):
    """How many prompts a server has, running and waiting together."""

    queue_remaining: int


class Load(Answer):
    """`GET /prompt`."""

    exec_info: ExecInfo


class System(Answer):
    """What a server says of itself; very old ones tell no version."""

    comfyui_version: str = ""


class SystemStats(Answer):
    """`GET /system_stats`."""

    system: System


class Upload(Answer):
    """`POST /upload/image`: the name the file really got."""

    name: str
    subfolder: str = ""

    @property
    def place(self) -> str:
        """The file as `LoadImage` wants it."""
        return str(PurePosixPath(self.subfolder, self.name))


def refusal(reply: Reply, graph: Graph) -> PromptRefused:
    """What an operator must know of a refused graph: each node, its field and what is wrong."""
    by_node = reply.node_errors if isinstance(reply.node_errors, dict) else {}
    complaints = [
        f"{node_name(graph, node_id, node.class_type)}: {'; '.join(map(str, node.errors))}"
        for node_id, node in by_node.items()
    ] or [str(reply.error) or "no reason given"]
    text = textwrap.shorten(" | ".join(complaints), LONGEST_MESSAGE, placeholder=" …")
    kinds = {error.type for node in by_node.values() for error in node.errors}
    error = InputMissing if kinds == {"custom_validation_failed"} else PromptRefused
    return error(f"ComfyUI refused the graph: {text}")

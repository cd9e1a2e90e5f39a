"""What `deploy/` asks for, read from its files: containers with their commands and variables."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from quel_dagster.services import statements

ROOT = statements.root().parent
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
IMAGE = "quel-dagster"

Json = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container of our image.

    Attributes:
        name: of the service, or of the Deployment.
        command: what it runs.
        checks: the commands of its health checks.
        grace: seconds from SIGTERM to SIGKILL.
        variables: names of the environment variables it is given.
    """

    name: str
    command: Sequence[str]
    checks: Sequence[Sequence[str]]
    grace: float
    variables: frozenset[str]

    def option(self, name: str) -> str:
        """What follows an option of its command."""
        return self.command[self.command.index(name) + 1]


def compose() -> Json:
    return document(DEPLOY / "compose.yaml")


def compose_services() -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", compose()["services"])


def in_compose() -> list[Container]:
    """Ours, in the compose file."""
    found: list[Container] = []
    for name, service in compose_services().items():
        if service["image"] != IMAGE:
            continue
        test = cast("Json", service.get("healthcheck", {})).get("test")
        found.append(
            Container(
                name=name,
                command=strings(service["command"]),
                checks=[strings(test)[1:]] if test else [],
                grace=float(str(service.get("stop_grace_period", "10s")).removesuffix("s")),
                variables=frozenset(cast("Json", service["environment"])),
            )
        )
    return found


def manifests() -> Iterator[Json]:
    """Every object of the Kubernetes files that `kustomization.yaml` names."""
    for name in strings(document(KUBERNETES / "kustomization.yaml")["resources"]):
        yield from yaml.safe_load_all((KUBERNETES / name).read_text())


def in_kubernetes() -> list[Container]:
    """Ours, in Kubernetes, those included that only prepare."""
    found: list[Container] = []
    for each in manifests():
        if each["kind"] != "Deployment":
            continue
        pod = at(each, "spec", "template", "spec")
        for container in [*maps(pod.get("initContainers", [])), *maps(pod["containers"])]:
            assert container["image"] == IMAGE
            probes = [container.get(f"{kind}Probe", {}) for kind in ("readiness", "liveness")]
            commands = [at(cast("Json", probe), "exec").get("command") for probe in probes]
            sources = maps(container["envFrom"])
            found.append(
                Container(
                    name=str(at(each, "metadata")["name"]),
                    command=strings(container["command"]),
                    checks=[strings(command) for command in commands if command],
                    grace=float(str(pod["terminationGracePeriodSeconds"])),
                    variables=secret() if sources == [{"secretRef": {"name": "quel"}}] else NONE,
                )
            )
    return found


NONE = frozenset[str]()


def secret() -> frozenset[str]:
    """The variables of the secret, which is made of the filled-in template."""
    return frozenset(template())


def template() -> dict[str, str]:
    lines = (DEPLOY / "env.template").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def of_image() -> frozenset[str]:
    """The variables that every container has from the image itself."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    return frozenset(re.findall(r"(\w+)=", "".join(x for x in lines if x.startswith("ENV "))))


def programs(command: Sequence[str]) -> list[list[str]]:
    """The programs that a command runs: more than one only where a shell is asked."""
    if command[:2] == ["sh", "-c"]:
        return [shlex.split(part) for part in re.split(r"&&|;", command[2])]
    return [list(command)]


def document(file: Path) -> Json:
    return cast("Json", yaml.safe_load(file.read_text()))


def at(value: Json, *keys: str) -> Json:
    for key in keys:
        value = cast("Json", value.get(key, {}))
    return value


def maps(value: object) -> list[Json]:
    return cast("list[Json]", value)


def strings(value: object) -> list[str]:
    return [str(each) for each in cast("list[object]", value)]

"""The files of `deploy/`: images cannot be built here, but what they ask for exists and agrees."""

import re
import subprocess
import sysconfig
from collections.abc import Hashable, Iterable
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from quel_dagster import categories, environment
from quel_dagster.cli.main import quel
from quel_dagster.environment import Environment, shipped_config
from quel_dagster.launch.broker import GENERAL
from quel_dagster_tests.deployed import (
    DEPLOY,
    KUBERNETES,
    ROOT,
    Container,
    at,
    compose_services,
    document,
    in_compose,
    in_kubernetes,
    manifests,
    maps,
    of_image,
    programs,
    strings,
    template,
)

ALL = [*in_compose(), *in_kubernetes()]
SETTINGS = Environment({}).settings
SYSTEM = {"test", "python"}
"""What every image has."""
both = pytest.mark.parametrize("house", [in_compose(), in_kubernetes()], ids=["compose", "k8s"])


def words() -> list[tuple[str, ...]]:
    """Every program that is run or asked for health, once."""
    commands = [command for each in ALL for command in (each.command, *each.checks)]
    return list(
        dict.fromkeys(tuple(program) for command in commands for program in programs(command))
    )


@cache
def help_of(*command: str) -> str:
    program = Path(sysconfig.get_path("scripts")) / command[0]
    asked = [program, *command[1:], "--help"]
    return subprocess.run(asked, capture_output=True, check=True, text=True).stdout


def the(house: Iterable[Container], name: str) -> Container:
    """The one that serves; those that prepare it come before it."""
    return [each for each in house if each.name.removeprefix("quel-") == name][-1]


def workers(house: Iterable[Container]) -> list[Container]:
    return [each for each in house if each.command[:2] == ["quel", "worker"]]


@pytest.mark.parametrize("program", words(), ids=" ".join)
def test_every_command_exists_and_takes_these_options(program: tuple[str, ...]) -> None:
    options = [word for word in program if word.startswith("--")]
    if program[0] == "quel":
        command = quel.get_command(click.Context(quel), program[1])
        assert command
        _, rest, _ = command.make_parser(click.Context(command)).parse_args(list(program[2:]))
        assert rest == []
    elif program[0].startswith("dagster"):
        known = help_of(*program[: program.index(options[0]) if options else len(program)])
        assert [option for option in options if f"{option} " not in known] == []
    else:
        assert program[0] in SYSTEM


def required() -> set[str]:
    """What `environment.py` cannot do without, and the render servers."""
    source = Path(environment.__file__).read_text()
    return {*re.findall(r'_required\("(\w+)"\)', source), "COMFYUI_URLS"}


def test_the_required_variables_are_found_in_the_code() -> None:
    assert required() > {"QUEL_DATABASE_URL", "QUEL_DAGSTER_DATABASE_URL", "QUEL_REDIS_URL"}


@pytest.mark.parametrize("container", ALL, ids=lambda each: each.name)
def test_every_container_has_every_required_variable(container: Container) -> None:
    assert required() <= container.variables | of_image()


@both
def test_the_api_has_its_token_for_it_listens_beyond_its_machine(house: list[Container]) -> None:
    api = the(house, "api")
    assert api.option("--host") == "0.0.0.0"
    assert "QUEL_API_TOKEN" in api.variables


def test_the_template_names_every_variable_that_is_read_and_nothing_else() -> None:
    source = Path(environment.__file__).read_text()
    read = set(re.findall(r'(?:_required|variables\.get)\(\s*"(\w+)"', source))
    in_settings = set(re.findall(r"\$\{(\w+)\}", shipped_config().read_text()))
    given = set(template()) - {"POSTGRES_PASSWORD"}
    assert given == (read | in_settings) - of_image() - {"NAME"}


def test_compose_hands_on_every_variable_of_the_template() -> None:
    handed_on = {name for each in in_compose() for name in each.variables}
    assert handed_on == set(template()) - {"POSTGRES_PASSWORD"}


def test_there_is_no_secret_in_any_file() -> None:
    for service in compose_services().values():
        for name, value in at(service, "environment").items():
            assert str(value).startswith("${") or name in {"POSTGRES_USER", "POSTGRES_DB"}
    secret = re.compile("PASSWORD|SECRET|TOKEN|ACCESS_KEY|WEBHOOK")
    assert not any(value for name, value in template().items() if secret.search(name))
    assert "CHANGE-ME@" in template()["QUEL_DATABASE_URL"]
    assert not [each for each in manifests() if each["kind"] == "Secret"]


@both
def test_everybody_finds_the_code_server_where_it_listens(house: list[Container]) -> None:
    code = the(house, "code")
    (location,) = maps(document(DEPLOY / "workspace.yaml")["load_from"])
    server = at(location, "grpc_server")
    assert server["host"] == "quel-code" == code.name
    assert str(server["port"]) == code.option("--port")
    assert server["location_name"] == code.option("--location-name")
    for check in code.checks:
        assert check[check.index("--port") + 1] == code.option("--port")


def test_compose_asks_for_health_where_a_service_listens() -> None:
    services = compose_services()
    for name, port in (("webserver", "3000"), ("api", "8000")):
        container = the(in_compose(), name)
        assert container.option("--port") == port
        assert f"127.0.0.1:{port}/" in container.checks[0][-1]
        assert strings(services[name]["ports"])[0].endswith(f"{port}:{port}")


def test_kubernetes_services_lead_to_a_port_that_is_listened_on() -> None:
    ports = {
        at(each, "metadata")["name"]: each for each in manifests() if each["kind"] == "Service"
    }
    for each in manifests():
        if each["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        name = str(at(each, "metadata")["name"])
        (container, *_) = maps(at(each, "spec", "template", "spec")["containers"])
        listens = [port["containerPort"] for port in maps(container.get("ports", []))]
        service = ports.get(name)
        assert listens == (
            [port["port"] for port in maps(at(service, "spec")["ports"])] if service else []
        )
        if at(container, "readinessProbe", "httpGet"):
            assert [at(container, "readinessProbe", "httpGet")["port"]] == listens
        command = strings(container.get("command", []))
        if "--port" in command:
            assert command[command.index("--port") + 1] == str(listens[0])


def test_the_addresses_of_the_template_are_services_of_both() -> None:
    hosts = set(re.findall(r"(?:@|redis://)(\w+):\d+", "\n".join(template().values())))
    assert hosts == {"postgres", "redis"}
    in_cluster = {at(each, "metadata")["name"] for each in manifests() if each["kind"] == "Service"}
    assert hosts <= set(compose_services())
    assert hosts <= in_cluster


@both
def test_every_path_has_one_worker(house: list[Container]) -> None:
    served = [path for each in workers(house) for path in each.option("--paths").split(",")]
    assert sorted(served) == sorted([*categories.paths(), GENERAL])


def test_a_worker_has_a_process_for_every_run_its_paths_may_have() -> None:
    for each in workers(in_kubernetes()):
        paths = each.option("--paths").split(",")
        room = sum(
            1 if path == GENERAL else SETTINGS.worker.path(path).max_workers for path in paths
        )
        assert int(each.option("--concurrency")) == room


@both
def test_a_stopped_worker_has_time_to_hand_its_jobs_back(house: list[Container]) -> None:
    for each in workers(house):
        assert each.grace >= float(each.option("--grace")) + 15


@both
def test_what_else_is_stopped_has_time_to_end(house: list[Container]) -> None:
    assert the(house, "api").grace > SETTINGS.api.stop_within.total_seconds()
    assert the(house, "dispatch").grace > SETTINGS.worker.redis.timeout.total_seconds() + 5


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_everything_in_kubernetes_asks_for_its_resources(kind: str) -> None:
    found = [each for each in manifests() if each["kind"] == kind]
    assert found
    for each in found:
        for container in maps(at(each, "spec", "template", "spec")["containers"]):
            assert set(at(container, "resources", "requests")) == {"cpu", "memory"}


def test_everything_in_compose_that_stays_is_asked_for_its_health() -> None:
    silent = {name for name, each in compose_services().items() if "healthcheck" not in each}
    assert silent == {"migrate"}


def test_kubernetes_has_no_file_that_is_not_applied() -> None:
    named = strings(document(KUBERNETES / "kustomization.yaml")["resources"])
    there = {file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(named) == there


def test_the_image_holds_what_the_commands_name() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copies = [line.split()[1:] for line in text.splitlines() if line.startswith("COPY ")]
    for *sources, _ in copies:
        assert all((ROOT / source).exists() for source in sources)
    home = re.search(r"DAGSTER_HOME=(\S+)", text)
    assert home
    (at_home,) = [sources for *sources, target in copies if target.rstrip("/") == home[1]]
    assert at_home == ["dagster.yaml", "deploy/workspace.yaml"]
    for each in ALL:
        if "--workspace" in each.command:
            assert each.option("--workspace") == f"{home[1]}/workspace.yaml"


def test_yaml_files_have_no_key_twice() -> None:
    class Strict(yaml.SafeLoader):
        """Refuses what `safe_load` silently merges."""

        def construct_mapping(
            self, node: yaml.MappingNode, deep: bool = False
        ) -> dict[Hashable, object]:
            keys = [key.value for key, _ in node.value if key.value != "<<"]
            assert len(keys) == len(set(keys)), keys
            return super().construct_mapping(node, deep)

    for file in DEPLOY.rglob("*.yaml"):
        list(yaml.load_all(file.read_text(), Strict))

"""The reference page, written from the code: settings, commands, jobs, assets, tags, metrics."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import get_args

import click
import dagster as dg
from prometheus_client.core import Metric
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from quel_dagster.model.settings import Settings
from quel_dagster.pipeline import tags

HEAD = """\
# Reference

Written from the code by `pytest --regold quel_dagster_tests/docs`, never by hand; `make test` fails
when it is out of date.
"""

Row = Sequence[str]


def page(quel: click.Group, definitions: dg.Definitions, metrics: Iterable[Metric]) -> str:
    """The whole page in Markdown."""
    sections = (
        ("Settings (`config.yaml`)", ("key", "default", "what it is"), settings_of(Settings)),
        ("Commands", ("command", "what it does"), commands_of(quel)),
        ("Dagster jobs", ("job", "what it does"), jobs_of(definitions)),
        ("Sensors and schedules", ("name", "what it does"), automations_of(definitions)),
        ("Assets", ("asset", "group", "what it is"), assets_of(definitions)),
        ("Asset checks", ("check", "of", "what it checks"), checks_of(definitions)),
        ("Run tags", ("tag", "what it holds"), tags_of_runs()),
        ("Metrics (`GET /metrics`)", ("metric", "kind", "what it counts"), metrics_of(metrics)),
    )
    return "\n".join([HEAD, *(table(title, head, rows) for title, head, rows in sections)])


def table(title: str, head: Row, rows: Iterable[Row]) -> str:
    """A section with one table."""
    lines = [f"## {title}\n", line(head), line(["---"] * len(head))]
    return "\n".join([*lines, *(line(row) for row in rows), ""])


def line(cells: Row) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def settings_of(section: type[BaseModel], where: str = "") -> Iterator[Row]:
    """Every key with its default and its description; a table of paths is one key."""
    for name, field in section.model_fields.items():
        key = f"{where}{name}"
        inner = [section_in(each) for each in get_args(field.annotation)]
        if whole := section_in(field.annotation):
            yield from settings_of(whole, f"{key}.")
        elif by_name := next(filter(None, inner), None):
            yield from settings_of(by_name, f"{key}.<name>.")
        else:
            yield f"`{key}`", default_of(field), field.description or ""


def section_in(kind: object) -> type[BaseModel] | None:
    """The kind, if it is a part of the configuration with keys of its own."""
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def default_of(field: FieldInfo) -> str:
    """A default as it is written in the file."""
    value: object = field.get_default(call_default_factory=True)
    return "required" if value is PydanticUndefined else f"`{written(value)}`"


def written(value: object) -> str:
    """A value as YAML has it, near enough to read."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case timedelta():
            return lasting(value.total_seconds())
        case tuple() | list() | frozenset():
            return f"[{', '.join(sorted(map(written, value)))}]"
        case _:
            return str(value)


def lasting(seconds: float) -> str:
    """A span of time in the largest unit that says it in whole numbers."""
    units = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
    fitting = (f"{seconds / size:.0f}{unit}" for unit, size in units if seconds % size == 0)
    return next(fitting, f"{seconds * 1000:.0f}ms")


def commands_of(group: click.Group, where: str = "quel") -> Iterator[Row]:
    """Every command, the first paragraph of its help."""
    context = click.Context(group)
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{where} {name}")
        else:
            yield f"`{where} {name}`", first_paragraph(command.help)


def jobs_of(definitions: dg.Definitions) -> Iterator[Row]:
    """Every job that can be launched."""
    repository = definitions.get_repository_def()
    for job in sorted(repository.get_all_jobs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            yield f"`{job.name}`", first_paragraph(job.description)


def automations_of(definitions: dg.Definitions) -> Iterator[Row]:
    """What starts by itself."""
    repository = definitions.get_repository_def()
    for each in sorted(repository.sensor_defs, key=lambda each: each.name):
        yield f"`{each.name}`", first_paragraph(each.description)
    for each in sorted(repository.schedule_defs, key=lambda each: each.name):
        of_job = repository.get_job(each.job_name).description
        about = each.description or f"`{each.job_name}`: {of_job}"
        yield f"`{each.name}`", f"`{each.cron_schedule}` {first_paragraph(about)}"


def assets_of(definitions: dg.Definitions) -> Iterator[Row]:
    """Every asset."""
    for spec in sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key):
        about = first_paragraph(spec.description)
        yield f"`{spec.key.to_user_string()}`", spec.group_name or "", about


def checks_of(definitions: dg.Definitions) -> Iterator[Row]:
    """Every asset check."""
    graph = definitions.get_repository_def().asset_graph
    for key in sorted(graph.asset_check_keys, key=str):
        spec = graph.get_check_spec(key)
        yield (
            f"`{key.name}`",
            f"`{key.asset_key.to_user_string()}`",
            first_paragraph(spec.description),
        )


def tags_of_runs() -> Iterator[Row]:
    """The tags by which runs are filtered."""
    about = {
        tags.PATH_TAG: "the path that serves the job",
        tags.REQUESTED_PATH_TAG: "what the row asked for, where the fallback serves it",
        tags.JOB_ID_TAG: "`quel_production_jobs.job_id`",
        tags.PRODUCTION_ID_TAG: "`quel_production_photo.production_id`",
        tags.MEMBER_ID_TAG: "who ordered",
        tags.JOB_TYPE_TAG: "the row's job type",
        tags.ATTEMPT_TAG: "which attempt at the job it is, from 1",
    }
    known = {value for name, value in vars(tags).items() if name.endswith("_TAG")}
    assert known == set(about), "every tag is explained"
    yield from ((f"`{tag}`", text) for tag, text in about.items())


def metrics_of(metrics: Iterable[Metric]) -> Iterator[Row]:
    """Every family of figures."""
    for metric in sorted(metrics, key=lambda metric: metric.name):
        yield f"`{metric.name}`", metric.type, metric.documentation


def first_paragraph(text: str | None) -> str:
    """Up to the first empty line, as one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())

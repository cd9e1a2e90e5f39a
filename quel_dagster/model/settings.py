"""What an operator may turn (`config.yaml`), checked when it is loaded.

Addresses and secrets are not here: they come from the environment.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from quel_dagster.model.alerting import AlertSettings
from quel_dagster.model.checking import CheckSettings
from quel_dagster.model.errors import ConfigurationError
from quel_dagster.model.section import Addresses, Duration, Section
from quel_dagster.model.serving import ApiSettings


class UnknownPath(StrEnum):
    """What becomes of a job whose path no category serves."""

    USE_DEFAULT = "use_default"
    REJECT = "reject"


class RedisSettings(Section):
    """The doorbell."""

    queue_names: tuple[str, ...] = Field(
        default=("quel_jobs_queue", "jobs:queue"),
        min_length=1,
        description="Lists on which the front end rings.",
    )
    timeout: Duration = Field(
        default=timedelta(seconds=4),
        le=timedelta(seconds=8),
        description="How long a tick waits for the first ring, 8s at most.",
    )


class PendingSettings(Section):
    """Which waiting rows are ours to start without a ring."""

    grace: Duration = Field(
        default=timedelta(seconds=30), description="Age at which a row is served without a ring."
    )
    max_age: Duration = Field(
        default=timedelta(hours=24),
        description="Rows older than this at the first migration are never started.",
    )


class AttemptSettings(Section):
    """How often and how patiently a job is tried: one budget, which its attempts share."""

    max: int = Field(default=3, ge=1, description="Attempts before a job is failed.")
    backoff: Duration = Field(
        default=timedelta(seconds=30),
        description="First pause between attempts; doubles each time.",
    )
    lease: Duration = Field(
        default=timedelta(seconds=60),
        ge=timedelta(seconds=1),
        description="How long a silent attempt counts as alive.",
    )
    renders: int = Field(
        default=6,
        ge=0,
        description="Renders of a job beyond one per picture, over all attempts. A picture that "
        "fails when they are used up is given up.",
    )
    time: Duration = Field(
        default=timedelta(hours=1),
        description="Age of a job, from its first start, at which no picture is rendered again.",
    )


class LimitSettings(Section):
    """What a single order may ask for."""

    images_per_job: int = Field(default=60, ge=1, description="Pictures of one order.")
    prompt_chars: int = Field(default=8000, ge=1, description="Characters of any text in it.")


class PathSettings(Section):
    """One production path."""

    enabled: bool = Field(
        default=True, description="Whether the path is ours; if not, its rows are left alone."
    )
    max_workers: int = Field(
        default=3, ge=1, description="Runs of the path at once, until its pool in Dagster says."
    )
    workflow: Path | None = Field(
        default=None, description="A ComfyUI graph of the operator's own."
    )


class FallbackSettings(Section):
    """What happens to a job without a path, or with one that no category serves."""

    default_path: str = Field(default="fashion", description="The path that serves them.")
    unknown_path_behavior: UnknownPath = Field(
        default=UnknownPath.USE_DEFAULT,
        description="`reject` refuses a job whose path is unknown; one without a path is served.",
    )


class WorkerSettings(Section):
    """The intake and the attempts."""

    redis: RedisSettings = RedisSettings()
    pending: PendingSettings = PendingSettings()
    attempts: AttemptSettings = AttemptSettings()
    limits: LimitSettings = LimitSettings()
    modules: dict[str, PathSettings] = Field(
        default_factory=dict[str, PathSettings], description="Paths by name; others are defaults."
    )
    fallback: FallbackSettings = FallbackSettings()
    ignored_paths: tuple[str, ...] = Field(
        default=("multiview", "landing"), description="Paths another system serves: left alone."
    )

    @model_validator(mode="after")
    def default_path_is_open(self) -> "WorkerSettings":
        """A fallback that is switched off would hold every stray job for ever."""
        default = self.fallback.default_path
        if not self.path(default).enabled:
            problem = PydanticCustomError("closed", "{path} is not enabled", {"path": default})
            where = ("fallback", "default_path")
            raise ValidationError.from_exception_data(
                "worker", [InitErrorDetails(type=problem, loc=where, input=default)]
            )
        return self

    def path(self, name: str) -> PathSettings:
        """The settings of one path, defaults where the file does not name it."""
        return self.modules.get(name, PathSettings())


class ComfyUISettings(Section):
    """The render servers."""

    backends: Addresses = Field(default=(), description="Addresses of ComfyUI servers.")
    deadline: Duration = Field(
        default=timedelta(seconds=300),
        description="Longest time that one picture takes, and that it waits before.",
    )
    silence: Duration = Field(
        default=timedelta(seconds=120),
        description="A server that has begun a picture and tells nothing of it for so long hangs: "
        "it gets no more work until it renders again. Loading a model must fit in.",
    )
    side_by_side: int = Field(
        default=8,
        ge=1,
        le=32,
        description="Pictures of a job in work at once, those included that wait on a server for "
        "the one before.",
    )
    models: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Model file by the title of its loader node (unet, clip, vae).",
    )


class StorageSettings(Section):
    """Where pictures are kept."""

    bucket: str = Field(default="attachments", description="The bucket in S3.")
    public_urls: Addresses = Field(
        default=(),
        description="Addresses under which the public sees the bucket. A picture to retouch may be "
        "named by one; nothing is ever fetched from it.",
    )


class RetentionSettings(Section):
    """How long Dagster keeps what nobody needs any more."""

    runs: Duration = Field(
        default=timedelta(days=14),
        ge=timedelta(hours=1),
        description="Age, since its end, at which a job's run is deleted with its events.",
    )


class CreditSettings(Section):
    """What a picture costs. There is no default: a forgotten price must not bill a wrong one."""

    price_per_image: int = Field(ge=0, description="Credits per delivered picture.")


class Settings(Section):
    """The whole of `config.yaml`."""

    worker: WorkerSettings = WorkerSettings()
    comfyui: ComfyUISettings = ComfyUISettings()
    storage: StorageSettings = StorageSettings()
    credits: CreditSettings
    api: ApiSettings = ApiSettings()
    alerts: AlertSettings = AlertSettings()
    checks: CheckSettings = CheckSettings()
    retention: RetentionSettings = RetentionSettings()


def read_settings(document: Mapping[str, object], source: str) -> Settings:
    """Checks a parsed configuration document.

    Raises:
        ConfigurationError: names the file, each wrong key in full and what is expected there.
    """
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(map(in_words, error.errors()))
        raise ConfigurationError(f"{source}: {problems}") from error


def in_words(problem: ErrorDetails) -> str:
    """The key in full and what is wrong there, frequent findings in an operator's words."""
    key = ".".join(map(str, problem["loc"]))
    match problem["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key; remove it or correct its spelling"
        case "missing":
            return f"{key}: required and not set"
        case _:
            return f"{key}: {problem['msg'].removeprefix('Value error, ')}"

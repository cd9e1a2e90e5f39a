"""How a reservation becomes a run at once: stored as the sensor's runs are, and launched.

The daemon's queue is left out. It would hold a run for half a second, and what it is there for has
been done: `reserve` counted the living, and found room.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

import dagster as dg

# The daemon and the webserver know code locations by these; Dagster exports them nowhere else.
from dagster._core.remote_representation.code_location import CodeLocation
from dagster._core.remote_representation.external import RemoteExecutionPlan, RemoteRepository
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Reservation
from quel_dagster.pipeline.category import Category

SENSOR = "job_queue"
"""The sensor whose second door this is. Its name on the runs lists them on its page in the UI."""


class Starter:
    """Starts runs of the categories' jobs, as the code location that the UI shows defines them.

    Args:
        workspace: where the code location is found, as the daemon is told.
        categories: whose jobs are started.
    """

    def __init__(self, workspace: WorkspaceProcessContext, categories: Iterable[Category]) -> None:
        self._workspace = workspace
        self._categories = {category.path: category for category in categories}
        self._location: CodeLocation | None = None
        self._plans: dict[str, RemoteExecutionPlan] = {}

    @property
    def paths(self) -> Collection[str]:
        """Those that have a category."""
        return self._categories.keys()

    def find_code(self) -> None:
        """Makes sure that the code location is there: to be asked before a job is let in.

        Raises:
            Unavailable: it is not loaded; it is asked to load again.
        """
        self._found(self._workspace.create_request_context())

    def start(self, reservation: Reservation) -> str:
        """Stores a run of the reservation and launches it; its id.

        The run's id is the ticket's claim, and unique in Dagster's tables: a start that is repeated
        after an error finds the run it stored, and there are no two runs of one ticket.

        Raises:
            Unavailable: the code location is not loaded.
        """
        run_id = str(reservation.ticket.claim_id)
        instance = self._workspace.instance
        request_context = self._workspace.create_request_context()
        location, repository = self._found(request_context)
        run = instance.get_run_by_id(run_id) or self._store(location, repository, reservation)
        if run.status is dg.DagsterRunStatus.NOT_STARTED:
            instance.launch_run(run_id, request_context)
        return run_id

    def _store(
        self, location: CodeLocation, repository: RemoteRepository, reservation: Reservation
    ) -> dg.DagsterRun:
        request = self._categories[reservation.path].run_request(reservation)
        job = repository.get_full_job(reservation.path)
        plan = self._plan(location, repository, request)
        tags = {
            **job.run_tags,
            **request.tags,
            "dagster/sensor_name": SENSOR,
            "dagster/run_key": str(request.run_key),
        }
        return self._workspace.instance.create_run(
            job_name=job.name,
            run_id=str(reservation.ticket.claim_id),
            run_config=request.run_config,
            status=dg.DagsterRunStatus.NOT_STARTED,
            tags=tags,
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan.execution_plan_snapshot,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            asset_selection=None,
            asset_check_selection=None,
            resolved_op_selection=None,
            op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=repository.asset_graph,
        )

    def _plan(
        self, location: CodeLocation, repository: RemoteRepository, request: dg.RunRequest
    ) -> RemoteExecutionPlan:
        """The steps of a job. They are the same for all its tickets, so they are asked for once."""
        if location is not self._location:
            self._location, self._plans = location, {}
        name = str(request.job_name)
        if name not in self._plans:
            self._plans[name] = location.get_execution_plan(
                repository.get_full_job(name),
                request.run_config,
                step_keys_to_execute=None,
                known_state=None,
                instance=self._workspace.instance,
            )
        return self._plans[name]

    def _found(self, context: WorkspaceRequestContext) -> tuple[CodeLocation, RemoteRepository]:
        for location in context.code_locations:
            for repository in location.get_repositories().values():
                if repository.has_sensor(SENSOR) and all(map(repository.has_job, self.paths)):
                    return location, repository
        problems: list[str] = []
        for name, entry in context.get_code_location_entries().items():
            problems.append(f"{name}: {reason(entry.load_error)}")
            self._workspace.refresh_code_location(name)
        raise Unavailable(
            f"no code location has the jobs {', '.join(sorted(self.paths))} ("
            f"{'; '.join(problems) or 'the workspace names none'}); check that the code server "
            "runs, and the same version"
        )


def workspace_of(instance: dg.DagsterInstance, file: Path) -> WorkspaceProcessContext:
    """What `dagster-daemon --workspace` makes of the same file; to be closed."""
    return WorkspaceProcessContext(instance, WorkspaceFileTarget(paths=[str(file)]))


def reason(error: object) -> str:
    """The first line of what went wrong when a code location was loaded."""
    message = str(getattr(error, "message", "") or "loaded, and without them")
    return message.strip().splitlines()[0]

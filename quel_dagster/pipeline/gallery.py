"""What an operator sees of a job's pictures in the UI: log lines and a table of thumbnails."""

import threading

import dagster as dg

from quel_dagster.model.job import Job, Picture
from quel_dagster.pipeline.pictures import thumbnail_data_url

HEADING = "| picture | slot | seed | back end | seconds | key |\n|---|---|---|---|---|---|"


class Gallery:
    """Collects delivered pictures of one attempt and tells the log about each. Safe for threads."""

    def __init__(self, log: dg.DagsterLogManager, job: Job) -> None:
        self._log = log
        self._job = job
        self._lock = threading.Lock()
        self._rows: dict[int, str] = {}
        self._seconds: list[float] = []

    def add(self, picture: Picture, data: bytes) -> None:
        """Shows a picture that was just delivered. `data` are its encoded bytes."""
        url = thumbnail_data_url(data)
        with self._lock:
            self._rows[picture.slot] = (
                f"| ![slot {picture.slot}]({url}) | {picture.slot} | {picture.seed} "
                f"| {picture.backend} | {picture.seconds:.1f} | `{picture.key}` |"
            )
            self._seconds.append(picture.seconds)
        self.say(
            f"slot {picture.slot} delivered after {picture.seconds:.1f} s on {picture.backend}: "
            f"{picture.key}"
        )

    def say(self, line: str) -> None:
        """One log line, with the path and the job in front."""
        self._log.info(f"{self._job.path} job {self._job.id}: {line}")

    def warn(self, line: str) -> None:
        """The same for what an operator should look at."""
        self._log.warning(f"{self._job.path} job {self._job.id}: {line}")

    def metadata(self) -> dict[str, dg.MetadataValue]:
        """The table of thumbnails in slot order, and numbers that the UI can plot."""
        rows = [self._rows[slot] for slot in sorted(self._rows)]
        table = "\n".join([HEADING, *rows]) if rows else "no new picture"
        return {
            "pictures": dg.MetadataValue.md(table),
            "delivered": dg.MetadataValue.int(len(rows)),
            "render_seconds": dg.MetadataValue.float(round(sum(self._seconds, 0.0), 3)),
        }

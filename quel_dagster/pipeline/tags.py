"""The tags every run of a job carries, so that operators can filter runs by them in the UI."""

from urllib.parse import urlencode

from quel_dagster.model.job import Reservation

PATH_TAG = "quel/path"
REQUESTED_PATH_TAG = "quel/requested_path"
JOB_ID_TAG = "quel/job_id"
PRODUCTION_ID_TAG = "quel/production_id"
MEMBER_ID_TAG = "quel/member_id"
JOB_TYPE_TAG = "quel/job_type"
ATTEMPT_TAG = "quel/attempt"


def tags_of(reservation: Reservation) -> dict[str, str]:
    """The tags of one attempt's run; a tag without a value is left out.

    `quel/requested_path` is there only where the fallback served another path than was asked for.
    """
    member = reservation.member_id
    tags = {
        PATH_TAG: reservation.path,
        JOB_ID_TAG: str(reservation.ticket.job_id),
        PRODUCTION_ID_TAG: str(reservation.production_id),
        MEMBER_ID_TAG: str(member) if member else None,
        JOB_TYPE_TAG: reservation.job_type,
        ATTEMPT_TAG: str(reservation.ticket.attempt),
        REQUESTED_PATH_TAG: reservation.requested_path,
    }
    return {key: value for key, value in tags.items() if value is not None}


def runs_page(path: str, *, failed: bool = False) -> str:
    """Where the Dagster UI lists a path's runs, or those that failed."""
    filters = [f"tag:{PATH_TAG}={path}", *(["status:FAILURE"] if failed else [])]
    return f"/runs?{urlencode({f'q[{n}]': each for n, each in enumerate(filters)})}"

"""What the routes take and what they answer, as the OpenAPI page shows it.

The columns of the answers are the rows' own; how an order's input is read is the parser's matter.
"""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

EXAMPLE_MEMBER = "6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711"
EXAMPLE_JOB = "0b9f5d7c-8f0e-4a55-9a43-1d1c1f1f3c20"
EXAMPLE_PHOTO = "b9c6a1f0-6a53-4cf1-8c2f-5e0f7a9d3e11"


class Asked(BaseModel):
    """Something a caller sends: a field nobody reads is a mistake, and told."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(BaseModel):
    """Something we answer."""

    model_config = ConfigDict(frozen=True)


class NewOrder(Asked):
    """An order: it becomes a photo and its one job."""

    quel_member_id: UUID = Field(description="Who orders.", examples=[EXAMPLE_MEMBER])
    org_id: UUID | None = Field(
        default=None,
        description="The organization that pays; it must be active, and so must the member in it. "
        "Without one the member pays.",
    )
    quel_production_path: str | None = Field(
        default=None,
        max_length=50,
        description="The category: fashion, beauty, eats, cinema or cartoon.",
        examples=["fashion"],
    )
    job_type: str = Field(
        default="single_batch",
        max_length=50,
        description="single_batch, pipeline_stage, simple_general, simple_portrait or modify.",
    )
    total_images: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="How many pictures; left out: as many as the input asks for, which may not be "
        "more than are announced here.",
    )
    job_input_data: dict[str, object] = Field(
        description="What to make, in the words of the front end. Every field is checked at once.",
        examples=[
            {
                "basePrompt": "linen suit, late summer terrace, calm mood",
                "aspect-ratio": "9:16",
                "combinations": [{"angle": "front", "shot": "full", "quantity": 2}],
            }
        ],
    )
    production_name: str | None = Field(default=None, max_length=255)
    production_description: str | None = Field(default=None, max_length=10_000)


class Placed(Told):
    """The rows of an order."""

    job_id: UUID = Field(examples=[EXAMPLE_JOB])
    production_id: UUID = Field(examples=[EXAMPLE_PHOTO])
    path: str = Field(description="The category that will serve it.", examples=["fashion"])
    total_images: int = Field(examples=[2])
    estimated_credits: int = Field(
        description="What all pictures cost. Each is charged when it is delivered.", examples=[40]
    )
    repeated: bool = Field(description="Whether the order stood already, under the same key.")
    rung: bool = Field(description="Whether Redis was told. If not, the job is found by its age.")
    warnings: list[str] = Field(description="What the order says that is not heeded.")


class JobRow(Told):
    """How a job stands: the columns of its row."""

    job_id: UUID = Field(examples=[EXAMPLE_JOB])
    production_id: UUID = Field(examples=[EXAMPLE_PHOTO])
    quel_member_id: UUID | None
    org_id: UUID | None
    quel_production_path: str | None
    job_type: str
    job_status: str | None = Field(
        description="pending, processing, completed, failed or user_cancelled.",
        examples=["completed"],
    )
    total_images: int
    completed_images: int | None
    failed_images: int | None
    generated_attach_ids: JsonValue = Field(
        description="Ids in quel_attach, in the order of the pictures.", examples=[[51301, 51302]]
    )
    error_message: str | None
    retry_count: int | None
    estimated_credits: int | None
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime | None


class Ring(Asked):
    """Tells that a job waits whose rows the caller has written."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: str = Field(max_length=200, examples=[EXAMPLE_JOB])


class Rung(Told):
    """What became of a ring; always with status 200 as long as PostgreSQL can be asked."""

    success: bool
    message: str
    error: str = Field(description="Empty on success.")
    job_id: str = Field(examples=[EXAMPLE_JOB])
    queue: str = Field(description="The Redis list.", examples=["jobs:queue"])
    queuePosition: int = Field(  # noqa: N815 - as the front end reads it
        description="Rings on the list after this one; 0 where none was added."
    )


class Cancelled(Told):
    """The job is cancelled, or stops before its next picture."""

    success: bool = True
    message: str
    job_id: UUID = Field(examples=[EXAMPLE_JOB])
    current_status: str | None = Field(examples=["user_cancelled"])
    completed_images: int
    total_images: int


class NotCancelled(Told):
    """The job had ended already."""

    success: bool = False
    message: str = Field(examples=["Job already completed"])
    job_status: str | None = Field(examples=["completed"])
    completed_images: int


class Health(Told):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Ready(Told):
    """What the process can reach. Without Redis it works, and jobs are found by their age."""

    status: str = Field(description="ready or away.", examples=["ready"])
    postgres: str = Field(description="ok or away.", examples=["ok"])
    redis: str = Field(description="ok or away.", examples=["ok"])


class WhatIsWrong(Told):
    """A field and what is wrong with it."""

    field: str | None = Field(
        description="A path in the request; null where no field is to blame.",
        examples=["job_input_data.combinations[1].quantity"],
    )
    message: str = Field(examples=['expected a whole number of 1 or more, got "three"'])


class Error(Told):
    """Why a request was not served."""

    error: WhatIsWrong

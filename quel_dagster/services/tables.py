"""The tables as SQLAlchemy Core sees them, so that statements are written in terms of columns.

The schema itself is made by `sql/migrations` alone; a test holds the two together.
"""

from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ENUM, JSONB, TIMESTAMP

from quel_dagster.model.status import JobStatus, PhotoStatus

LEDGER_PROVIDER = "comfyui"
"""`quel_credits.api_provider` of our rows: the ledger takes one `DEDUCT` with it for a picture."""

_metadata = sa.MetaData()
_time = TIMESTAMP(timezone=True)
_jsonb = JSONB(none_as_null=True)


def _enum(statuses: type[StrEnum], name: str) -> ENUM:
    """The database's own enum type `name`, read and written as `statuses`."""

    def values(members: type[StrEnum]) -> list[str]:
        return [member.value for member in members]

    return ENUM(statuses, name=name, create_type=False, values_callable=values)


def _key(name: str) -> sa.Column[UUID]:
    """A primary key that the database fills in."""
    return sa.Column(name, sa.Uuid(), primary_key=True, server_default=sa.FetchedValue())


member = sa.Table(
    "quel_member",
    _metadata,
    _key("quel_member_id"),
    sa.Column("quel_email", sa.Text, nullable=False),
    sa.Column("quel_name", sa.Text),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("provider_sub", sa.Text, nullable=False),
    sa.Column("quel_member_credit", sa.BigInteger),
)
"""A customer and the balance. The columns we neither read nor write are left out."""

organization = sa.Table(
    "quel_organization",
    _metadata,
    _key("org_id"),
    sa.Column("org_name", sa.Text, nullable=False),
    sa.Column("org_credit", sa.BigInteger),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("org_status", sa.Text, nullable=False),
)
"""An organization and its balance; only an `active` one may spend. Other columns are left out."""

organization_member = sa.Table(
    "quel_organization_member",
    _metadata,
    _key("id"),
    sa.Column("org_id", sa.Uuid, nullable=False),
    sa.Column("member_id", sa.Uuid, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("invited_by", sa.Uuid),
    sa.Column("joined_at", _time),
    sa.Column("created_at", _time, nullable=False),
    sa.Column("updated_at", _time, nullable=False),
)
"""Who belongs to which organization; a member may belong to several."""

attach = sa.Table(
    "quel_attach",
    _metadata,
    sa.Column("attach_id", sa.BigInteger, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("created_at", _time),
    sa.Column("attach_original_name", sa.String),
    sa.Column("attach_file_name", sa.String),
    sa.Column("attach_file_path", sa.String),
    sa.Column("attach_file_size", sa.BigInteger),
    sa.Column("attach_file_type", sa.String),
    sa.Column("attach_directory", sa.String),
    sa.Column("attach_storage_type", sa.String),
    sa.Column("quel_member_id", sa.Uuid),
    sa.Column("is_favorite", sa.Boolean),
)
"""A stored file: what customers upload and what we render."""

photo = sa.Table(
    "quel_production_photo",
    _metadata,
    _key("production_id"),
    sa.Column("created_at", _time, nullable=False),
    sa.Column("quel_member_id", sa.Uuid),
    sa.Column("org_id", sa.Uuid),
    sa.Column("production_name", sa.String(255)),
    sa.Column("production_description", sa.Text),
    sa.Column("production_status", _enum(PhotoStatus, "production_status_enum")),
    sa.Column("pipeline_type", sa.String(50)),
    sa.Column("stage_count", sa.Integer),
    sa.Column("total_quantity", sa.Integer),
    sa.Column("camera_angle", sa.String(50)),
    sa.Column("shot_type", sa.String(50)),
    sa.Column("prompt_text", sa.Text),
    sa.Column("generated_image_count", sa.Integer),
    sa.Column("attach_ids", _jsonb),
    sa.Column("processing_duration_seconds", sa.Integer),
    sa.Column("input_images_count", sa.Integer),
    sa.Column("workflow_data", _jsonb),
    sa.Column("quel_production_path", sa.String(50)),
)
"""A production: what the customer sees as one order. It may have several jobs."""

job = sa.Table(
    "quel_production_jobs",
    _metadata,
    _key("job_id"),
    sa.Column("production_id", sa.Uuid, nullable=False),
    sa.Column("job_type", sa.String(50), nullable=False),
    sa.Column("stage_index", sa.Integer),
    sa.Column("stage_name", sa.String(100)),
    sa.Column("batch_index", sa.Integer),
    sa.Column("job_status", _enum(JobStatus, "job_status_enum")),
    sa.Column("total_images", sa.Integer, nullable=False),
    sa.Column("completed_images", sa.Integer),
    sa.Column("failed_images", sa.Integer),
    sa.Column("job_input_data", _jsonb, nullable=False),
    sa.Column("generated_attach_ids", _jsonb),
    sa.Column("error_message", sa.Text),
    sa.Column("retry_count", sa.Integer),
    sa.Column("created_at", _time),
    sa.Column("started_at", _time),
    sa.Column("completed_at", _time),
    sa.Column("updated_at", _time),
    sa.Column("quel_member_id", sa.Uuid),
    sa.Column("org_id", sa.Uuid),
    sa.Column("estimated_credits", sa.Integer),
    sa.Column("remaining_credits", sa.Numeric(10, 2)),
    sa.Column("quel_production_path", sa.String(50)),
    sa.Column("generated_urls", sa.ARRAY(sa.Text)),
)
"""A job as the front end wrote it, and its progress, which the customer's page polls."""

ledger = sa.Table(
    "quel_credits",
    _metadata,
    _key("id"),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("transaction_type", sa.String(20), nullable=False),
    sa.Column("amount", sa.Integer, nullable=False),
    sa.Column("balance_after", sa.Integer, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("attach_idx", sa.BigInteger),
    sa.Column("created_at", _time, nullable=False),
    sa.Column("production_idx", sa.Uuid),
    sa.Column("org_id", sa.Uuid),
    sa.Column("used_by_member_id", sa.Uuid),
    sa.Column("api_provider", sa.String),
    sa.Column("updated_at", _time),
)
"""Every movement of credits; a charge has the type `DEDUCT` and a negative amount."""

attempt = sa.Table(
    "attempt",
    _metadata,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("requested_path", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("reserved_at", _time),
    sa.Column("started_at", _time),
    sa.Column("leased_until", _time),
    sa.Column("next_try_at", _time),
    sa.Column("crash_count", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("updated_at", _time, nullable=False),
    sa.Column("cancel_asked_at", _time),
    sa.Column("renders_before", sa.Integer),
    sa.Column("failure", sa.Text),
    schema="quel",
)
"""The newest attempt at a job (`Phase`)."""

slot = sa.Table(
    "slot",
    _metadata,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("prompt_id", sa.Uuid),
    sa.Column("backend", sa.Text),
    sa.Column("seed", sa.BigInteger),
    sa.Column("s3_key", sa.Text),
    sa.Column("attach_id", sa.BigInteger),
    sa.Column("ledger_id", sa.Uuid),
    sa.Column("charged", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("submitted_at", _time),
    sa.Column("delivered_at", _time),
    sa.Column("render_seconds", sa.Double),
    schema="quel",
)
"""One picture of a job (`SlotState`)."""

opening_balance = sa.Table(
    "opening_balance",
    _metadata,
    sa.Column("payer", sa.Text, primary_key=True),
    sa.Column("payer_id", sa.Uuid, primary_key=True),
    sa.Column("balance", sa.BigInteger, nullable=False),
    sa.Column("ledger", sa.BigInteger, nullable=False),
    sa.Column("accepted", sa.BigInteger, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("recorded_at", _time, nullable=False, server_default=sa.FetchedValue()),
    schema="quel",
)
"""What a member or an organization had before our first charge."""

cut_off = sa.Table(
    "cut_off",
    _metadata,
    sa.Column("single_row", sa.Boolean, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("recorded_at", _time, nullable=False),
    sa.Column("created_after", _time, nullable=False),
    schema="quel",
)
"""One row: the moment before which jobs are too old to start."""

migration = sa.Table(
    "migration",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("checksum", sa.Text, nullable=False),
    sa.Column("applied_at", _time, nullable=False),
    schema="quel",
)
"""The files of `sql/migrations` that were applied."""

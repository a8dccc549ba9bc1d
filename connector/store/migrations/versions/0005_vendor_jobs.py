"""The vendor's jobs, their webhooks, what the operator is asked for, costs and sweeps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("vendor_copies", sa.Column("expires_at", _MOMENT, nullable=True))
    _make_jobs()
    _make_inbox()
    _make_costs()
    op.create_table(
        "operator_notices",
        sa.Column("vendor", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("vendor", "kind", name=op.f("pk_operator_notices")),
    )
    op.create_table(
        "sweeps",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("ran_at", _MOMENT, nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deleted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("left_over", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sweeps")),
    )


def _make_jobs() -> None:
    op.create_table(
        "vendor_jobs",
        sa.Column("job_key", sa.String(length=40), nullable=False),
        sa.Column("visit_id", sa.String(length=40), nullable=False),
        sa.Column("recording_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("planned_at", _MOMENT, nullable=False),
        sa.Column("uploaded_at", _MOMENT, nullable=True),
        sa.Column("submitted_at", _MOMENT, nullable=True),
        sa.Column("look_at", _MOMENT, nullable=False),
        sa.Column("deadline_at", _MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("uploads", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held_by", sa.String(length=60), nullable=True),
        sa.Column("held_until", _MOMENT, nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=True),
        sa.Column("secret_hash_before", sa.String(length=64), nullable=True),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], name=op.f("fk_vendor_jobs_visit_id_visits")),
        sa.PrimaryKeyConstraint("job_key", name=op.f("pk_vendor_jobs")),
    )
    op.create_index("ix_vendor_jobs_due", "vendor_jobs", ["state", "look_at"])
    op.create_index(op.f("ix_vendor_jobs_visit_id"), "vendor_jobs", ["visit_id"])


def _make_inbox() -> None:
    op.create_table(
        "webhook_inbox",
        sa.Column("inbox_id", sa.String(length=40), nullable=False),
        sa.Column("job_key", sa.String(length=40), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("handled_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["job_key"], ["vendor_jobs.job_key"], name=op.f("fk_webhook_inbox_job_key_vendor_jobs")
        ),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_webhook_inbox")),
        sa.UniqueConstraint("job_key", "body_sha256", name=op.f("uq_webhook_inbox_job_key_body_sha256")),
    )
    op.create_index(op.f("ix_webhook_inbox_handled_at"), "webhook_inbox", ["handled_at"])


def _make_costs() -> None:
    op.create_table(
        "costs",
        sa.Column("cost_id", sa.String(length=40), nullable=False),
        sa.Column("visit_id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=True),
        sa.Column("priced_on", sa.String(length=10), nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], name=op.f("fk_costs_visit_id_visits")),
        sa.PrimaryKeyConstraint("cost_id", name=op.f("pk_costs")),
    )
    op.create_index("ix_costs_of_a_time", "costs", ["tenant", "at"])
    op.create_index(op.f("ix_costs_visit_id"), "costs", ["visit_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: a downgrade would lose sealed data")

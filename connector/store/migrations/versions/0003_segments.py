"""A visit's sound comes in segments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "recording_marks",
        sa.Column("recording_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("missing_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.recording_id"], name=op.f("fk_recording_marks_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("recording_id", "number", name=op.f("pk_recording_marks")),
    )
    op.add_column("recordings", sa.Column("source", sa.String(length=12), server_default="file", nullable=False))
    op.add_column("recordings", sa.Column("place", sa.Integer(), server_default="0", nullable=False))
    op.add_column("recordings", sa.Column("missing_ms", sa.BigInteger(), nullable=True))
    op.add_column("recordings", sa.Column("two_sided", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("recordings", sa.Column("held_chunks", sa.Integer(), server_default="0", nullable=False))
    op.add_column("recordings", sa.Column("held_bytes", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("recordings", sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("recordings", sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    # What recordings held before they counted it themselves.
    op.execute(
        "UPDATE recordings SET held_chunks = held.n, held_bytes = held.b, heard_at = held.at FROM (SELECT recording_id,"
        " count(*) AS n, sum(size) AS b, max(stored_at) AS at FROM chunks GROUP BY recording_id) AS held"
        " WHERE held.recording_id = recordings.recording_id"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: a downgrade would lose sealed data")

"""The tables, as SQLAlchemy Core. In: nothing. Out: metadata that migrations and queries share.

Columns named `sealed` hold AES-GCM bytes; no other column may hold what a patient said or what the chart says.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

moment = DateTime(timezone=True)

canary = Table(
    "canary",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

visits = Table(
    "visits",
    metadata,
    Column("visit_id", String(40), primary_key=True),
    Column("tenant", String(80), nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("note_version", Integer, nullable=False, server_default="0"),
    Column("clinician_key", String(32)),
    Column("patient_key", String(32)),
    Column("encounter_key", String(32)),
    Column("step", String(60)),
    Column("step_at", moment),
    Column("attention", String(60)),
    Column("attention_text", Text),
    Column("attention_action", String(60)),
    Column("attention_at", moment),
    Column("created_at", moment, nullable=False),
    Column("changed_at", moment, nullable=False),
    Index("ix_visits_coming_back", "tenant", "clinician_key", "patient_key"),
)

data_keys = Table(
    "data_keys",
    metadata,
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", moment, nullable=False),
)

visit_records = Table(
    "visit_records",
    metadata,
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("maker", String(120), nullable=False),
    Column("made_at", moment, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

pending_launches = Table(
    "pending_launches",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("browser_hash", String(64), nullable=False),
    Column("tenant", String(80), nullable=False),
    Column("created_at", moment, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

launches = Table(
    "launches",
    metadata,
    Column("launch_id", String(40), primary_key=True),
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), nullable=False, index=True),
    Column("tenant", String(80), nullable=False),
    Column("session_hash", String(64), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", moment, nullable=False),
    Column("expires_at", moment, nullable=False),
    Column("seen_at", moment),
    Column("ended", Boolean, nullable=False, server_default="false"),
)

carried_sessions = Table(
    "carried_sessions",
    metadata,
    Column("session_hash", String(64), primary_key=True),
    Column("launch_id", String(40), ForeignKey("launches.launch_id"), nullable=False, index=True),
    Column("created_at", moment, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_hash", String(64), primary_key=True),
    Column("launch_id", String(40), ForeignKey("launches.launch_id"), nullable=False),
    Column("expires_at", moment, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("launch_id", String(40), ForeignKey("launches.launch_id"), primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("expires_at", moment),
    Column("refreshing_by", String(40)),
    Column("refreshing_until", moment),
    Column("sealed", LargeBinary, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("recording_id", String(40), primary_key=True),
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("upload_token_hash", String(64), nullable=False),
    Column("created_at", moment, nullable=False),
    Column("source", String(12), nullable=False, server_default="file"),
    Column("place", Integer, nullable=False, server_default="0"),
    Column("missing_ms", BigInteger),
    Column("two_sided", Boolean, nullable=False, server_default="false"),
    Column("held_chunks", Integer, nullable=False, server_default="0"),
    Column("held_bytes", BigInteger, nullable=False, server_default="0"),
    Column("heard_at", moment),
    Column("facts", JSONB),
)

recording_marks = Table(
    "recording_marks",
    metadata,
    Column("recording_id", String(40), ForeignKey("recordings.recording_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("missing_ms", BigInteger, nullable=False),
)

fetches = Table(
    "fetches",
    metadata,
    Column("recording_id", String(40), ForeignKey("recordings.recording_id"), primary_key=True),
    Column("size", BigInteger),
    Column("asked_at", moment, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("recording_id", String(40), ForeignKey("recordings.recording_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("stored_at", moment, nullable=False),
)

vendor_copies = Table(
    "vendor_copies",
    metadata,
    Column("copy_id", String(40), primary_key=True),
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("made_at", moment, nullable=False),
    Column("asked_at", moment),
    Column("answered_at", moment),
    Column("verified_at", moment),
    Column("expires_at", moment),
    UniqueConstraint("visit_id", "kind", "vendor_id"),
)

vendor_jobs = Table(
    "vendor_jobs",
    metadata,
    Column("job_key", String(40), primary_key=True),
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), nullable=False, index=True),
    Column("recording_id", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("job_id", Text),
    Column("planned_at", moment, nullable=False),
    Column("uploaded_at", moment),
    Column("submitted_at", moment),
    Column("look_at", moment, nullable=False),
    Column("deadline_at", moment),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("uploads", Integer, nullable=False, server_default="0"),
    Column("held_by", String(60)),
    Column("held_until", moment),
    Column("secret_hash", String(64)),
    Column("secret_hash_before", String(64)),
    Column("asked", JSONB),
    Column("sealed", LargeBinary),
    Index("ix_vendor_jobs_due", "state", "look_at"),
)

webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    Column("inbox_id", String(40), primary_key=True),
    Column("job_key", String(40), ForeignKey("vendor_jobs.job_key"), nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("status", String(40), nullable=False),
    Column("received_at", moment, nullable=False),
    Column("handled_at", moment, index=True),
    UniqueConstraint("job_key", "body_sha256"),
)

operator_notices = Table(
    "operator_notices",
    metadata,
    Column("vendor", String(20), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("opened_at", moment, nullable=False),
    Column("last_at", moment, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("closed_at", moment),
)

costs = Table(
    "costs",
    metadata,
    Column("cost_id", String(40), primary_key=True),
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), nullable=False, index=True),
    Column("tenant", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("model", String(80)),
    Column("units", BigInteger, nullable=False),
    Column("micros", BigInteger),
    Column("priced_on", String(10)),
    Column("at", moment, nullable=False),
    Index("ix_costs_of_a_time", "tenant", "at"),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("ran_at", moment, nullable=False),
    Column("seen", Integer, nullable=False, server_default="0"),
    Column("deleted", Integer, nullable=False, server_default="0"),
    Column("left_over", Integer, nullable=False, server_default="0"),
)

write_intents = Table(
    "write_intents",
    metadata,
    Column("visit_id", String(40), ForeignKey("visits.visit_id"), primary_key=True),
    Column("note_version", Integer, primary_key=True),
    Column("identifier", Text, nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", moment),
    Column("changed_at", moment, nullable=False),
)

executors = Table(
    "executors",
    metadata,
    Column("executor_id", String(60), primary_key=True),
    Column("lease_until", moment, nullable=False),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("tenant", String(80), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("tenant", String(80), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", Text, nullable=False),
    Column("event", String(60), nullable=False),
    Column("visit_id", String(40)),
    Column("actor", String(40), nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_events_visit_id", "visit_id"),
)

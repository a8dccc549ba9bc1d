"""6a. RedactedTranscript: what was said, for eyes that may not know who said it. In: nothing. Out: a frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Stamp
from connector.records.transcript import Turn


@dataclass(frozen=True, slots=True)
class RedactedTranscript:
    """A copy for audit, training or supervision, never for care. `of_transcript` is the id of the clinical one.

    `policies` are the vendor's names of what was taken out, `substitution` is hash or entity_name. `found` counts what
    was found by type; what it was stands nowhere. `audio_recording_id` is the redacted sound, kept under its own key.
    """

    of_transcript: str
    policies: tuple[str, ...]
    substitution: str
    turns: tuple[Turn, ...]
    found: tuple[tuple[str, int], ...]
    stamp: Stamp
    audio_recording_id: str | None = None

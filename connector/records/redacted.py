"""6a. RedactedTranscript: what was said, for eyes that may not know who said it. In: nothing. Out: a frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Stamp
from connector.records.transcript import Turn


@dataclass(frozen=True, slots=True)
class RedactedTranscript:
    """A copy for audit, training or supervision, never for care. `of_transcript` is the id of the clinical one.

    `policies` are the vendor's names of what was taken out, `substitution` is hash or entity_name. `found` counts what
    was found by type; what it was stands nowhere. `silences` are the times, in ms from the start of the recording, of
    every word that was taken out. It stems from the recogniser's words: no clinician's correction is in it.

    `sound` is not-asked, awaited, kept or missing, and `why_no_sound` says why it is missing, in one sentence.
    `audio_recording_id` is the redacted sound, kept under its own key. `origin` as in Transcript. `job_id` is the
    vendor's name of the job.
    """

    of_transcript: str
    policies: tuple[str, ...]
    substitution: str
    turns: tuple[Turn, ...]
    found: tuple[tuple[str, int], ...]
    stamp: Stamp
    audio_recording_id: str | None = None
    silences: tuple[tuple[int, int], ...] = ()
    sound: str = "not-asked"
    why_no_sound: str = ""
    origin: str = "recogniser"
    language: str | None = None
    duration_ms: int = 0
    job_id: str = ""

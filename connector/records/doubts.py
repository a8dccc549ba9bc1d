"""What spoke against a recording, and what was said to it. In: nothing. Out: frozen records. Never behaves."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Stamp
from connector.records.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recording in which no visit could be heard: `reason` says why, `transcript` is what the recogniser printed.

    `may_draft`: there is some speech in it, so that a note may be drafted all the same.
    """

    reason: str
    transcript: Transcript
    may_draft: bool
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to ask before drafting. `kind`: one-speaker, language, name, drugs or length; `turn_ids` show it.

    `language` is the code of the one that was likely spoken, where `kind` is language and there is such a one.
    """

    kind: str
    text: str
    turn_ids: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Doubts:
    """The one question that comes before the draft of a transcript, with all its reasons."""

    transcript_id: str
    items: tuple[Doubt, ...]
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class DoubtsAnswer:
    """What the clinician answered: `this-visit`, `go-on`, `transcribe-again` (as what was spoken in `language`) or
    `not-this-patient`; `kinds` are those of the doubts.

    `by` is the clinician's name as the EHR shows it, `stamp.who` the reference.
    """

    transcript_id: str
    answer: str
    kinds: tuple[str, ...]
    by: str
    stamp: Stamp
    language: str | None = None

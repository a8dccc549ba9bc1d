"""4. Consent: what one person answered to being recorded. In: nothing. Out: frozen records, never of a later stage.

A record per answer, none ever changed; of each person the newest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.records.stamps import Stamp

PATIENT = "patient"
"""Id and role of the person every visit has."""


class ConsentAnswer(StrEnum):
    """What a person said to being recorded.

    `present`: in the room and not asked yet. `left`: no longer in the room, or noted by mistake; what they said before
    still stands in the note.
    """

    GIVEN = "given"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    PRESENT = "present"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """Who was asked: the patient, or one further person with a role and a short label, such as "Sam, brother"."""

    person_id: str = PATIENT
    role: str = PATIENT
    label: str = ""


@dataclass(frozen=True, slots=True)
class Interpreting:
    """How the asking was interpreted: `way` is in-person, phone or video; `language` as the clinician wrote it."""

    way: str
    language: str


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer: who was asked, who answered, how, when (`stamp.at`), asked by whom, with which wording.

    `wording` names the text read out, `answered_by` a representative (parent, guardian, proxy) or nobody, where the
    person spoke for themselves; `rule` is that of `jurisdiction` at the time. Of a withdrawal, `destroyed` says what
    was destroyed with it (sound, transcript, draft), and `last_revision` up to which number drafts were counted.
    """

    consent_id: str
    answer: ConsentAnswer
    method: str
    asked_by: str
    wording: str
    stamp: Stamp
    person: PersonAsked = PersonAsked()
    answered_by: str = ""
    interpreter: Interpreting | None = None
    jurisdiction: str = "all-party"
    rule: str = "all-party"
    destroyed: tuple[str, ...] = ()
    last_revision: int = 0

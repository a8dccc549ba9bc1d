"""Where consent stands in one visit. In: all answers, newest first. Out: who said what, what is missing, what blocks.

Pure. The patient's yes is needed under either rule, and anybody's no blocks under either; under all-party everybody
noted as present must have said yes. Never lets an older answer of a person count beside a newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.errors import ConsentWithdrawn, NotAllowed
from connector.records import PATIENT, Consent, ConsentAnswer

NO = (ConsentAnswer.DECLINED, ConsentAnswer.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Voice:
    """One person: their newest answer, and what they said last, where the newest only says that they left."""

    newest: Consent
    said: Consent | None

    @property
    def is_patient(self) -> bool:
        """Whether it is the patient."""
        return self.newest.person.person_id == PATIENT

    @property
    def has_left(self) -> bool:
        """Whether the person is no longer in the room."""
        return self.newest.answer is ConsentAnswer.LEFT


@dataclass(frozen=True, slots=True)
class Standing:
    """Everybody who was noted, the patient first, then in the order they were noted."""

    voices: tuple[Voice, ...]

    @property
    def patient(self) -> Consent | None:
        """The patient's newest answer."""
        return next((voice.newest for voice in self.voices if voice.is_patient), None)

    @property
    def rule(self) -> str:
        """The stricter of the rules the newest answers were taken under."""
        strict = any(voice.newest.rule != "one-party" for voice in self.voices) or not self.voices
        return "all-party" if strict else "one-party"

    @property
    def refusing(self) -> tuple[Consent, ...]:
        """Newest answers that are a no."""
        return tuple(voice.newest for voice in self.voices if voice.newest.answer in NO)

    @property
    def unasked(self) -> tuple[Consent, ...]:
        """Those noted as present who have not answered; they block under all-party only."""
        return tuple(voice.newest for voice in self.voices if voice.newest.answer is ConsentAnswer.PRESENT)

    @property
    def may_record(self) -> bool:
        """Whether sound may be taken and sent."""
        given = self.patient is not None and self.patient.answer is ConsentAnswer.GIVEN
        return given and not self.refusing and not (self.rule == "all-party" and self.unasked)


def read_standing(history: Sequence[Consent]) -> Standing:
    """Where consent stands, from all answers of a visit, newest first."""
    newest: dict[str, Consent] = {}
    said: dict[str, Consent] = {}
    order: list[str] = []
    for one in history:
        person = one.person.person_id
        newest.setdefault(person, one)
        if one.answer not in (ConsentAnswer.LEFT, ConsentAnswer.PRESENT):
            said.setdefault(person, one)
    for one in reversed(history):
        if one.person.person_id not in order:
            order.append(one.person.person_id)
    order.sort(key=lambda person: person != PATIENT)
    return Standing(tuple(Voice(newest[person], said.get(person)) for person in order))


def require_standing(standing: Standing) -> None:
    """Pass when sound may be taken and sent; raise ConsentWithdrawn after a withdrawal, NotAllowed otherwise.

    Called before audio is accepted, and where anything made from it is sent to a vendor. A visit without it may still
    have typed notes.
    """
    if standing.may_record:
        return
    withdrawn = [one for one in standing.refusing if one.answer is ConsentAnswer.WITHDRAWN]
    if withdrawn:
        who = "The patient" if withdrawn[0].person.person_id == PATIENT else "Somebody in the room"
        raise ConsentWithdrawn(f"{who} withdrew consent to recording: type the visit instead.")
    if standing.patient is None:
        raise NotAllowed("No consent to recording is on file: ask the patient and record the answer first.")
    if standing.patient.answer is ConsentAnswer.DECLINED:
        raise NotAllowed("The patient declined to be recorded: type the visit instead.")
    if standing.refusing:
        raise NotAllowed("Somebody in the room declined to be recorded: nothing is recorded while they are there.")
    raise NotAllowed("Somebody in the room has not answered yet: ask them, and record what they say.")

"""One person's answer to being recorded. In: what the clinician noted, who asked, under which rules. Out: a Consent.

Never guesses an answer, and never takes one for another person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.consent.mapping import Jurisdiction
from connector.errors import InputRefused
from connector.records import PATIENT, Consent, ConsentAnswer, Interpreting, PersonAsked, Stamp

ROLES = ("partner", "parent", "child", "relative", "friend", "carer", "interpreter", "student", "colleague", "other")
"""Who else may be in the room."""
REPRESENTATIVES = ("parent", "guardian", "proxy")
WAYS = ("in-person", "phone", "video")
LONGEST_LABEL = 60
_ASKED = (ConsentAnswer.GIVEN, ConsentAnswer.DECLINED, ConsentAnswer.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Noted:
    """What the clinician noted, as it came: `person` is whom it is about, the rest text; empty where nothing was said.

    `wording` names one of the texts of the jurisdiction's wording: text, others, proxy or a language; empty for the
    one that fits who was asked.
    """

    answer: str
    method: str = "verbal"
    person: PersonAsked = field(default_factory=PersonAsked)
    answered_by: str = ""
    interpreter: str = ""
    language: str = ""
    wording: str = ""


def record_answer(noted: Noted, *, consent_id: str, jurisdiction: Jurisdiction, stamp: Stamp) -> Consent:
    """Return the record of one answer; `stamp.who` is who asked, `stamp.at` when.

    Raises InputRefused, with what to send instead, for an answer, method, person, representative, interpreter or
    wording nobody can have, and when nobody is named who asked.
    """
    if noted.answer not in tuple(ConsentAnswer):
        raise InputRefused(f"The answer to recording must be one of: {', '.join(ConsentAnswer)}.")
    answer = ConsentAnswer(noted.answer)
    if answer in _ASKED and noted.method not in jurisdiction.methods:
        raise InputRefused(f"Say how the answer was given: one of {', '.join(jurisdiction.methods)}.")
    if not (stamp.who or "").strip():
        raise InputRefused("Consent needs the person who asked: open the scribe from the chart again and record it.")
    if noted.answered_by and noted.answered_by not in REPRESENTATIVES:
        raise InputRefused(f"Who answers for somebody is one of: {', '.join(REPRESENTATIVES)}.")
    return Consent(
        consent_id=consent_id,
        answer=answer,
        method=noted.method if answer in _ASKED else "",
        asked_by=stamp.who or "",
        wording=choose_wording(noted, jurisdiction) if answer in _ASKED else "",
        stamp=stamp,
        person=_check_person(noted.person, answer),
        answered_by=noted.answered_by,
        interpreter=_read_interpreter(noted),
        jurisdiction=jurisdiction.key,
        rule=jurisdiction.rule,
    )


def choose_wording(noted: Noted, jurisdiction: Jurisdiction) -> str:
    """The name of the text read out: `en-3`, or with its variant `en-3/others`, `en-3/proxy`, `en-3/es`."""
    wording = jurisdiction.wording
    variant = noted.wording
    if not variant:
        own = wording.others if noted.person.person_id != PATIENT else wording.proxy if noted.answered_by else ""
        variant = "text" if not own else "others" if noted.person.person_id != PATIENT else "proxy"
    if variant == "text":
        return wording.wording_id
    known = {"others": wording.others, "proxy": wording.proxy, **(wording.languages or {})}
    if not known.get(variant):
        raise InputRefused("This wording is not one of the site's: reload the page and record the answer again.")
    return f"{wording.wording_id}/{variant}"


def clean_label(label: str) -> str:
    """A short label in one line. Raises InputRefused for one that is longer than LONGEST_LABEL or unprintable."""
    text = " ".join(label.split())
    if len(text) > LONGEST_LABEL or not text.isprintable():
        raise InputRefused(f"Name a person in at most {LONGEST_LABEL} characters, such as: Sam, brother.")
    return text


def _check_person(person: PersonAsked, answer: ConsentAnswer) -> PersonAsked:
    if person.person_id == PATIENT:
        if answer not in _ASKED:
            raise InputRefused("The patient agrees, declines or withdraws: record one of these.")
        return PersonAsked()
    if person.role not in ROLES:
        raise InputRefused(f"Say who is in the room: one of {', '.join(ROLES)}.")
    return PersonAsked(person.person_id, person.role, clean_label(person.label))


def _read_interpreter(noted: Noted) -> Interpreting | None:
    if not noted.interpreter:
        return None
    if noted.interpreter not in WAYS:
        raise InputRefused(f"An interpreter is there in one of these ways: {', '.join(WAYS)}.")
    language = clean_label(noted.language)
    if not language:
        raise InputRefused("Say which language was interpreted, such as: Spanish.")
    return Interpreting(noted.interpreter, language)

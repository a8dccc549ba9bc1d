"""The consent form as it is sent. In: fields of a form, a session. Out: what the clinician noted. Decides nothing.

Whose visit it is and who asked is the session's, and a person already noted is known by an id of ours only.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.consent.answer import Noted
from connector.errors import InputRefused, NotFound
from connector.records import PATIENT, Consent, PersonAsked
from connector.web.session import Session

_NEW = "new"


async def read_noted(form: Mapping[str, object], session: Session) -> Noted:
    """What was noted; raises InputRefused without an answer, NotFound for a person nobody noted."""

    def text(name: str) -> str:
        value = form.get(name, "")
        return value if isinstance(value, str) else ""

    if not text("answer"):
        raise InputRefused("Say what was answered: reload the page and record it again.")
    return Noted(
        answer=text("answer"),
        method=text("method") or "verbal",
        person=await _find_person(session, text("person") or PATIENT, PersonAsked("", text("role"), text("label"))),
        answered_by=text("answered_by"),
        interpreter=text("interpreter"),
        language=text("language"),
        wording=text("wording"),
    )


async def _find_person(session: Session, person_id: str, told: PersonAsked) -> PersonAsked:
    if person_id == PATIENT:
        return PersonAsked()
    parts = session.parts
    if person_id == _NEW:
        return PersonAsked(parts.new_id(), told.role, told.label)
    for one in await parts.visits.history(session.row.visit_id, Consent):
        if one.person.person_id == person_id:
            return one.person
    raise NotFound("Nobody of that name was noted in this visit: reload the page.")

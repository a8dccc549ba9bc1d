"""The clinician's changes to the keyterms. In: a launch, a term to add or remove, or an undo. Out: the visit's row.

Each change is one more SpeechHints; once the recording is under way to be transcribed nothing changes any more.
"""

from __future__ import annotations

from dataclasses import replace

from connector.errors import Conflict, InputRefused
from connector.hints.editing import add_term, remove_term, undo_edit
from connector.records import KeytermEdit, Launch, PatientContext, SpeechHints
from connector.store.visits import Numbered, Step, VisitRow
from connector.visit.parts import Parts
from connector.visit.priming import find_term_limits, prepare_hints
from connector.visit.states import State

EDITABLE = (State.PRIMED, State.CAPTURING)
ACTIONS = ("add", "remove", "undo")


async def change_keyterms(parts: Parts, launch: Launch, *, action: str, text: str) -> VisitRow:
    """One change of the list, by the clinician of the launch: `add`, `remove` (both with a text) or `undo`.

    Raises InputRefused for a term that cannot be sent, Conflict where the list may not change or just has.
    """
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    if row.state not in EDITABLE:
        raise Conflict("The names can be changed once the chart is read, and until the recording has ended.")
    async with parts.visits.engine.connect() as connection:
        number = await parts.visits.newest_number(connection, visit_id, SpeechHints)
    hints = await parts.visits.need(visit_id, SpeechHints)
    context = await parts.visits.need(visit_id, PatientContext)
    facts = await parts.visits.need(visit_id, Launch)
    edits = _edit(parts, launch, hints, action=action, text=text)
    changed = prepare_hints(parts, facts, context, edits=edits)
    changed = replace(changed, stamp=replace(changed.stamp, who=launch.practitioner))
    return await parts.visits.commit(
        Step(
            visit_id=visit_id,
            expect=(row.state,),
            to=row.state,
            event="visit.keyterms-changed",
            actor=launch.practitioner or "unidentified",
            at=parts.clock(),
            records=(Numbered(changed, number + 1),),
            detail={"action": action},
        )
    )


def _edit(parts: Parts, launch: Launch, hints: SpeechHints, *, action: str, text: str) -> tuple[KeytermEdit, ...]:
    by, at = launch.practitioner or "unidentified", parts.clock()
    if action == "add":
        return add_term(hints, text, limits=find_term_limits(parts), by=by, at=at)
    if action == "remove":
        return remove_term(hints, text, by=by, at=at)
    if action == "undo":
        return undo_edit(hints)
    raise InputRefused(f"A change of the names is one of {', '.join(ACTIONS)}: reload the page.")

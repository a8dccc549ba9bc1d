"""The clinician's changes to the keyterms. In: a launch, a term to add or remove, or an undo. Out: the visit's row.

Each change is one more SpeechHints; once the recording is under way to be transcribed nothing changes any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.errors import Conflict, InputRefused
from connector.hints.editing import Editor, add_term, remove_term, undo_edit
from connector.records import Consent, KeytermEdit, Launch, PatientContext, SpeechHints
from connector.store.visits import Numbered, VisitRow
from connector.visit import steps
from connector.visit.parts import Parts
from connector.visit.priming import find_term_limits, narrow_models, prepare_hints
from connector.visit.states import State

EDITABLE = (State.PRIMED, State.CAPTURING)
ACTIONS = ("add", "remove", "undo")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `action` of ACTIONS, `text` the term; an added one may stand in the place of `instead`."""

    action: str
    text: str = ""
    instead: str | None = None


async def change_keyterms(parts: Parts, launch: Launch, change: Change) -> VisitRow:
    """One change of the list, by the clinician of the launch, made again where a reading of the chart came between.

    Raises InputRefused for a term that cannot be sent, Conflict where the list may not change or just has.
    """
    for _ in range(_TRIES):
        try:
            return await _change(parts, launch, change)
        except _Overtaken:
            continue
    raise Conflict("The names have just been changed in another window: reload the page.")


class _Overtaken(Exception):
    """Another record of the visit was written meanwhile."""


async def _change(parts: Parts, launch: Launch, change: Change) -> VisitRow:
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    if row.state not in EDITABLE:
        raise Conflict("The names can be changed once the chart is read, and until the recording has ended.")
    async with parts.visits.engine.connect() as connection:
        number = await parts.visits.newest_number(connection, visit_id, SpeechHints)
    hints = await parts.visits.need(visit_id, SpeechHints)
    context = await parts.visits.need(visit_id, PatientContext)
    facts = await parts.visits.need(visit_id, Launch)
    models = narrow_models(parts, context, await parts.visits.history(visit_id, Consent))
    editor = Editor(launch.practitioner or "unidentified", parts.clock(), find_term_limits(parts, models))
    edits = _edit(hints, editor, change=change)
    changed = prepare_hints(parts, facts, context, edits=edits, models=models)
    changed = replace(changed, stamp=replace(changed.stamp, who=launch.practitioner))
    kept = Numbered(changed, number + 1)
    try:
        return await steps.change(
            parts, row, steps.Change("visit.keyterms-changed", (kept,), launch.practitioner, {"action": change.action})
        )
    except Conflict:
        raise _Overtaken from None


def _edit(hints: SpeechHints, editor: Editor, *, change: Change) -> tuple[KeytermEdit, ...]:
    if change.action == "add":
        return add_term(hints, change.text, editor, instead=change.instead)
    if change.action == "remove":
        return remove_term(hints, change.text, editor)
    if change.action == "undo":
        return undo_edit(hints)
    raise InputRefused(f"A change of the names is one of {', '.join(ACTIONS)}: reload the page.")

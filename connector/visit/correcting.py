"""The clinician's corrections of a transcript. In: a launch, what was shown, a correction. Out: the next version.

Every version is a record of its own and the first is never touched, so that each correction can be taken back. Nothing
is corrected once the note is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import Conflict, InputRefused
from connector.records import Launch, Transcript, TranscriptEdit
from connector.store.visits import Numbered, VisitRow
from connector.transcript.correcting import apply_edit, undo
from connector.visit import steps
from connector.visit.parts import Parts
from connector.visit.states import State

CORRECTABLE = (State.TRANSCRIBED, State.DRAFTED)
_SIGNED = (State.SIGNED, State.FILED, State.AMENDED)
EVENT = "visit.transcript-corrected"
Detail = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The newest transcript, the number of its record, and where the visit stood."""

    transcript: Transcript
    number: int
    row: VisitRow


async def correct(parts: Parts, launch: Launch, *, shown: str, action: str, detail: Detail) -> Transcript:
    """Keeps one correction of the version that was `shown` (its id), and returns the version that comes of it.

    What `detail` holds is said in `transcript/correcting.py`. Raises Conflict for a signed note and for a version that
    is not the newest any more, InputRefused for what cannot be done.
    """
    seen = await _look(parts, launch.visit_id, shown)
    edit = TranscriptEdit(parts.new_id(), action, launch.practitioner or "unidentified", parts.clock(), dict(detail))
    return await _keep(parts, launch, seen, made=apply_edit(seen.transcript, edit, low_trust_ms=_low_trust(parts)))


async def undo_correction(parts: Parts, launch: Launch, *, shown: str) -> Transcript:
    """Takes the last correction back, under the same conditions; every word and role is as it was before."""
    seen = await _look(parts, launch.visit_id, shown)
    if not seen.transcript.edits:
        raise InputRefused("There is nothing to undo.")
    # Versions are numbered on from the first, each in the record after the one before.
    first = seen.number - seen.transcript.version + 1
    original = await parts.visits.numbered(launch.visit_id, Transcript, first)
    return await _keep(parts, launch, seen, made=undo(original, seen.transcript, low_trust_ms=_low_trust(parts)))


async def _look(parts: Parts, visit_id: str, shown: str) -> _Seen:
    row = await parts.visits.row(visit_id)
    if row.state in _SIGNED:
        raise Conflict("The note is signed: the transcript it was made from stays as it was.")
    if row.state not in CORRECTABLE:
        raise Conflict("There is no transcript to correct: reload to see where the visit stands.")
    # The number first: a version that comes between the two looks takes the number this one would have got.
    async with parts.visits.engine.connect() as connection:
        number = await parts.visits.newest_number(connection, visit_id, Transcript)
    transcript = await parts.visits.need(visit_id, Transcript)
    if transcript.origin == "typed":
        raise InputRefused("This was typed, not spoken: there are no speakers to correct. Correct the note itself.")
    if transcript.transcript_id != shown:
        raise Conflict("The transcript was corrected in another window: look at it as it is now, and correct it again.")
    return _Seen(transcript, number, row)


async def _keep(parts: Parts, launch: Launch, seen: _Seen, *, made: Transcript) -> Transcript:
    undone = len(made.edits) < len(seen.transcript.edits)
    detail: Detail = {"action": "undo" if undone else made.edits[-1].action, "version": made.version}
    kept = (Numbered(made, seen.number + 1),)

    async def still_there(connection: AsyncConnection) -> None:
        # Numbers begin anew after a withdrawal: words that were destroyed meanwhile must not come back under the next.
        found = await parts.visits.history(launch.visit_id, Transcript, number=seen.number, within=connection)
        if [one.transcript_id for one in found] != [seen.transcript.transcript_id]:
            raise Conflict("What was corrected has been destroyed or replaced meanwhile: reload the page.")

    await steps.change(parts, seen.row, steps.Change(EVENT, kept, launch.practitioner, detail, still_there))
    return made


def _low_trust(parts: Parts) -> int:
    return round(parts.rules.speech.low_trust_s * 1000)

"""Drafting again after a correction: DRAFTED stays DRAFTED. In: a visit, a revision to replace. Out: the next.

Nothing made by hand is replaced unasked, and what was replaced can be brought back as it was.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import Conflict, InputRefused
from connector.records import DraftNote, Launch, PatientContext, Transcript
from connector.review.findings import check_draft
from connector.store.visits import Numbered, VisitRow
from connector.visit import steps
from connector.visit.note import make_draft
from connector.visit.parts import Parts, Work
from connector.visit.speaking import require_newest
from connector.visit.states import State
from connector.visit.vendor_account import WAITING

DRAFTING = "drafting"
AGAIN = "draft-again"
"""What helps after a redraft that failed: the offer on the page, which stands there still."""
_BY_HAND = "review/edits"
_CHANGED = "The note was changed elsewhere: reload and look at it before drafting again."


def is_behind(draft: DraftNote, transcript: Transcript) -> bool:
    """Whether a draft was made from another version of the transcript than the one there is now."""
    return (draft.transcript_id or transcript.stem) != transcript.transcript_id


def is_edited(draft: DraftNote) -> bool:
    """Whether somebody has changed the draft by hand."""
    return draft.stamp.maker.startswith(_BY_HAND)


def is_redrafting(row: VisitRow) -> bool:
    """Whether another draft of a drafted visit is being made."""
    return row.state == State.DRAFTED and row.step == DRAFTING and row.attention_action in (None, "wait", WAITING)


def can_bring_back(draft: DraftNote) -> bool:
    """Whether a draft is a redraft nobody has changed yet."""
    return draft.instead_of is not None and draft.revision == draft.instead_of + 1


async def ask_for_redraft(parts: Parts, launch: Launch, *, revision: int, replacing: bool) -> None:
    """Starts drafting again from the corrected transcript; until that is done the note stays as it is.

    `replacing`: the clinician knows that changes made by hand are replaced. Raises InputRefused where there are some
    and nobody has said so, Conflict where the draft is another one by now or is of this transcript already.
    """
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    draft = await parts.visits.need(visit_id, DraftNote)
    transcript = await parts.visits.need(visit_id, Transcript)
    if row.state != State.DRAFTED or draft.revision != revision:
        raise Conflict(_CHANGED)
    if is_redrafting(row):
        raise Conflict("The note is being drafted again already: wait for it.")
    if not is_behind(draft, transcript):
        raise Conflict("The note was made from this transcript: there is nothing to draft again.")
    if is_edited(draft) and not replacing:
        raise InputRefused("This note holds changes made by hand. Confirm that a new draft may replace them.")

    async def start(connection: AsyncConnection) -> None:
        if await parts.visits.newest_number(connection, visit_id, DraftNote) != revision:
            raise Conflict(_CHANGED)
        await parts.visits.take_attention(connection, visit_id, row.attention or "")
        await parts.visits.show_step(visit_id, DRAFTING, at=parts.clock(), within=connection)
        await parts.enqueue(connection, Work("redraft", visit_id, parts.new_id(), str(revision)))

    asked = steps.Change("visit.redraft-asked", (), launch.practitioner, {"revision": revision}, start)
    await steps.change(parts, row, asked)


async def redraft_note(parts: Parts, visit_id: str, *, instead_of: int) -> int:
    """Makes a draft from the newest transcript in the place of a revision, and returns the revision there is then.

    May run twice. A note that was changed, signed or destroyed meanwhile stays as it is.
    """
    row = await parts.visits.row(visit_id)
    before = await parts.visits.latest(visit_id, DraftNote)
    if row.state == State.DRAFTED and before is not None and before.revision == instead_of:
        made = await make_draft(parts, visit_id)
        draft = replace(made.draft, instead_of=instead_of)

        async def bind(connection: AsyncConnection) -> None:
            await require_newest(parts, connection, made.transcript, visit_id=visit_id)
            await parts.visits.show_step(visit_id, None, at=parts.clock(), within=connection)

        records = (Numbered(draft, instead_of + 1), Numbered(made.findings, instead_of + 1))
        done = steps.Change("visit.redrafted", records, "system", {"revision": draft.revision}, bind)
        try:
            await steps.change(parts, row, done)
        except Conflict:
            pass
        else:
            return draft.revision
    await _end_step(parts, visit_id)
    newest = await parts.visits.latest(visit_id, DraftNote)
    return newest.revision if newest is not None else instead_of


async def bring_back(parts: Parts, launch: Launch, *, revision: int) -> None:
    """Puts the note a redraft took the place of back, as the next revision: changes by hand and all."""
    visit_id, who = launch.visit_id, launch.practitioner or "unidentified"
    row = await parts.visits.row(visit_id)
    draft = await parts.visits.need(visit_id, DraftNote)
    if row.state != State.DRAFTED or draft.revision != revision or draft.instead_of is None:
        raise Conflict(_CHANGED)
    if not can_bring_back(draft):
        raise Conflict("The new draft was changed by hand: the note before it cannot be brought back any more.")
    earlier = await parts.visits.numbered(visit_id, DraftNote, draft.instead_of)
    back = replace(earlier, revision=revision + 1, stamp=replace(earlier.stamp, at=parts.clock(), who=who))
    transcript = await parts.visits.need(visit_id, Transcript)
    context = await parts.visits.need(visit_id, PatientContext)
    findings = check_draft(back, transcript=transcript, context=context, now=parts.clock())
    records = (Numbered(back, back.revision), Numbered(findings, back.revision))
    told = {"revision": back.revision, "as": earlier.revision}
    await steps.change(parts, row, steps.Change("visit.redraft-undone", records, who, told))


async def _end_step(parts: Parts, visit_id: str) -> None:
    row = await parts.visits.row(visit_id)
    if row.state == State.DRAFTED and row.step == DRAFTING:
        await parts.visits.show_step(visit_id, None, at=parts.clock())

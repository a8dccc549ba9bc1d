"""The recorder's page, and what it and the panel ask every second. In: requests with a session. Out: a page, JSON.

Takes no sound: slices go by upload token to web/capturing.py. Never decides whether a visit may be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from connector.store.recordings import TAKING, UNFINISHED, RecordingRow
from connector.visit.consenting import find_standing
from connector.visit.recording import is_live
from connector.visit.returning import is_locked, refuse_locked
from connector.visit.states import State
from connector.web import chart_view
from connector.web.headers import allow_capture
from connector.web.pages import Pages
from connector.web.session import Session, open_hidden_session
from connector.web.views import choose_ribbon
from connector.web.visit_facts import VisitFacts
from connector.web.visiting import collect_facts, show_lock

router = APIRouter(prefix="/v/{launch_id}")
Hidden = Annotated[Session, Depends(open_hidden_session)]


class SoundJson(TypedDict):
    """What has arrived of a visit's sound: whole pieces by their length, the others by slices of one second each.

    `since`: when its first piece from a microphone began; `recorder`: the piece whose microphone is open, the one heard
    last, and `quiet_seconds` how long ago; `live`: it is being sent just now, by is_live; `resting`: it is paused or
    off-record, as far as its recorder said.
    """

    seconds: int
    pieces: int
    since: str | None
    recorder: str | None
    quiet_seconds: float | None
    live: bool
    resting: str | None


class WatchJson(TypedDict):
    """The answer of GET /v/{id}/recorder/watch: small, since it is asked for every second while sound is captured.

    `consent`: given, refused by somebody, or open.
    """

    state: str
    consent: str
    locked: bool
    sound: SoundJson


@dataclass(frozen=True, slots=True)
class RecorderView:
    """The recorder of one visit. `visit` names the visit across launches; `hindrance` says why nothing is recorded."""

    base: str
    csrf: str
    state: str
    visit: str
    ribbon: str | None
    patient: chart_view.PatientView | None
    full_banner: bool
    clinician: str | None
    hindrance: str | None


@router.get("/recorder")
async def page(request: Request, session: Hidden) -> Response:
    """The page that records, in a window of its own or in the EHR's panel."""
    if is_locked(session.parts, session.row):
        return show_lock(request, session, place="recorder")
    await refuse_locked(session.parts, session.row)
    allow_capture(request, "microphone", "display-capture")
    pages: Pages = request.app.state.pages
    view = _build_view(await collect_facts(session))
    return pages.render(request, "recorder.html", {"view": view})


@router.get("/recorder/watch")
async def watch(session: Hidden) -> Response:
    """Whether the visit may still be recorded, and what has arrived; asking is nobody's presence."""
    parts, visit_id = session.parts, session.row.visit_id
    # The state first: consent is written with it, and what is read later is never older.
    state = (await parts.visits.row(visit_id)).state
    standing = await find_standing(parts, visit_id)
    consent = "given" if standing.may_record else "refused" if standing.refusing else "open"
    locked = is_locked(parts, session.row)
    return JSONResponse(WatchJson(state=state, consent=consent, locked=locked, sound=await _describe_sound(session)))


async def _describe_sound(session: Session) -> SoundJson:
    parts = session.parts
    pieces = await parts.chunks.of_visit(session.row.visit_id, states=UNFINISHED)
    held = [one for one in pieces if one.held_chunks]
    spoken = [one for one in pieces if one.source == "microphone"]
    open_now = [one for one in spoken if one.state in TAKING]
    last = max(open_now, key=lambda one: (one.state == "open", one.heard_at or one.created_at), default=None)
    heard = last.heard_at if last is not None else None
    quiet = None if heard is None else round(max(0.0, (parts.clock() - heard).total_seconds()), 1)
    return SoundJson(
        seconds=sum(_seconds(one) for one in held),
        pieces=len(held),
        since=min(one.created_at for one in spoken).isoformat() if spoken else None,
        recorder=last.recording_id if last is not None else None,
        quiet_seconds=quiet,
        live=last is not None and is_live(parts, last),
        resting=await _find_rest(session, last),
    )


async def _find_rest(session: Session, piece: RecordingRow | None) -> str | None:
    """How a piece rests: by its last mark, as long as that does not say how long it was."""
    marks = await session.parts.chunks.marks(piece.recording_id) if piece is not None else []
    return marks[-1].kind if marks and marks[-1].kind != "gap" and not marks[-1].missing_ms else None


def _seconds(piece: RecordingRow) -> int:
    """Its length: measured once it is whole; until then a microphone sends a slice a second, a file does not say."""
    if piece.facts is not None:
        return int(piece.facts.get("duration_ms", 0)) // 1000
    return piece.held_chunks if piece.source == "microphone" else 0


def _build_view(facts: VisitFacts) -> RecorderView:
    return RecorderView(
        base=f"/v/{facts.launch_id}",
        csrf=facts.csrf,
        state=facts.row.state,
        visit=facts.row.visit_id,
        ribbon=choose_ribbon(None, None),
        patient=chart_view.build_patient(facts.context, facts.now.date()),
        full_banner=facts.launch.need_patient_banner,
        clinician=facts.launch.practitioner_name,
        hindrance=_find_hindrance(facts),
    )


def _find_hindrance(facts: VisitFacts) -> str | None:
    state = State(facts.row.state)
    if state is State.LAUNCHED:
        return "The chart of this patient is still being read."
    if state not in (State.PRIMED, State.CAPTURING):
        return "This visit has been recorded or typed already, or is over."
    if facts.standing.may_record:
        return None
    if facts.standing.refusing:
        return "Somebody in the room does not agree to be recorded."
    return "Not everybody has been asked yet. Nothing is recorded before they agree."

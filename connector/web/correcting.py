"""Corrections of a transcript, and drafting again. In: requests with a session. Out: pages, JSON. Decides nothing.

What was said stands in bodies and pages only, never in an address.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from connector.errors import InputRefused
from connector.records import Transcript
from connector.transcript.correcting import speakers_of
from connector.visit.correcting import correct, undo_correction
from connector.visit.note import ask_for_draft
from connector.visit.redrafting import ask_for_redraft, bring_back
from connector.visit.returning import is_locked, refuse_locked
from connector.visit.states import State
from connector.web.bodies import read_number, read_object, refuse_unknown
from connector.web.corrections_view import build_turn_form
from connector.web.pages import Pages, wants_json
from connector.web.session import Session, open_changing_session, open_hidden_session, open_session
from connector.web.views import build_visit_view
from connector.web.visiting import gather_page, show_lock, visit_done

router = APIRouter(prefix="/v/{launch_id}")

Reading = Annotated[Session, Depends(open_session)]
Changing = Annotated[Session, Depends(open_changing_session)]
Hidden = Annotated[Session, Depends(open_hidden_session)]

_DETAIL = frozenset({"speaker", "other", "into", "role", "name", "turn", "turns", "word", "text"})
_EDIT = _DETAIL | {"shown", "action"}
_UNDO = frozenset({"shown"})
_REDRAFT = frozenset({"revision", "replace"})
_BACK = frozenset({"revision"})
_TOKEN = frozenset({"csrf"})


@router.get("/transcript")
async def read_transcript(session: Reading) -> Response:
    """The newest version of what was said: its speakers, turns and marks, and which corrections it holds."""
    return JSONResponse(_transcript_json(await session.parts.visits.need(session.row.visit_id, Transcript)))


@router.get("/transcript/turns/{turn_id}")
async def turn_page(request: Request, session: Hidden, turn_id: str) -> Response:
    """The forms of one turn; the visit's page shows them in place."""
    if is_locked(session.parts, session.row):
        return show_lock(request, session)
    await refuse_locked(session.parts, session.row)
    facts = await gather_page(request, session)
    pages: Pages = request.app.state.pages
    values = {"view": build_visit_view(facts), "turn": build_turn_form(facts.transcript, turn_id)}
    return pages.render(request, "turn.html", values)


@router.post("/transcript/edits")
async def edit(request: Request, session: Changing) -> Response:
    """Keeps one correction of the version that was shown."""
    body = await _read(request, known=_EDIT, lists=("turns",))
    action = _text(body, "action")
    detail = _read_detail(body)
    if action == "move" and not detail.get("speaker"):
        action = "split"  # the form's "somebody new"
    elif action == "move" and str(detail.get("role", "")).strip():
        raise InputRefused("Say who it was once: choose them in the list, or choose “somebody else” and name them.")
    made = await correct(session.parts, session.launch, shown=_text(body, "shown"), action=action, detail=detail)
    return _corrected(request, session, made)


@router.post("/transcript/undo")
async def take_back(request: Request, session: Changing) -> Response:
    """Takes the last correction back."""
    body = await _read(request, known=_UNDO)
    made = await undo_correction(session.parts, session.launch, shown=_text(body, "shown"))
    return _corrected(request, session, made)


@router.post("/redraft")
async def redraft(request: Request, session: Changing) -> Response:
    """Asks for another draft: after one that could not be used, or, of a drafted visit, after a correction."""
    body = await _read(request, known=_REDRAFT)
    parts, visit_id = session.parts, session.row.visit_id
    if (await parts.visits.row(visit_id)).state != State.DRAFTED:
        await ask_for_draft(parts, visit_id)
        return await visit_done(request, session)
    revision = _revision(body)
    await ask_for_redraft(parts, session.launch, revision=revision, replacing=body.get("replace") == "yes")
    return await visit_done(request, session)


@router.post("/redraft/undo")
async def undo_redraft(request: Request, session: Changing) -> Response:
    """Brings the note back that a redraft took the place of."""
    body = await _read(request, known=_BACK)
    await bring_back(session.parts, session.launch, revision=_revision(body))
    return await visit_done(request, session)


async def _read(request: Request, *, known: frozenset[str], lists: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a JSON object or a form, or none; a field of `lists` may stand in a form several times."""
    if "form" not in request.headers.get("content-type", ""):
        return await read_object(request, known=known, empty=True)
    form = await request.form()
    refuse_unknown(form, known=known | _TOKEN)
    found: dict[str, Any] = {name: value for name, value in form.items() if name in known}
    return found | {name: form.getlist(name) for name in lists if name in form}


def _read_detail(body: dict[str, Any]) -> dict[str, str | int]:
    detail: dict[str, str | int] = {}
    for name in _DETAIL & body.keys():
        value = body[name]
        if name == "word":
            value = read_number(value)
        elif name == "turns" and isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = " ".join(value)
        if not isinstance(value, int if name == "word" else str) or (name != "word" and "\x00" in str(value)):
            raise InputRefused("A correction holds texts, a list of turns and the number of a word: reload the page.")
        detail[name] = value
    return detail


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise InputRefused(f"This request needs {name}: reload the page and try again.")
    return value


def _revision(body: dict[str, Any]) -> int:
    revision = read_number(body.get("revision"))
    if revision is None:
        raise InputRefused("This needs the revision of the note that was shown: reload the page.")
    return revision


def _corrected(request: Request, session: Session, made: Transcript) -> Response:
    if wants_json(request):
        return JSONResponse(_transcript_json(made))
    return RedirectResponse(f"/v/{session.row.launch_id}#transcript-title", 303)


def _transcript_json(transcript: Transcript) -> dict[str, Any]:
    return {
        "transcript_id": transcript.transcript_id,
        "version": transcript.version,
        "language": transcript.language,
        "speakers": [
            {
                "label": one.label,
                "role": one.role,
                "role_from": one.role_from,
                "name": one.name,
                "speech_ms": one.speech_ms,
                "low_trust": one.low_trust,
            }
            for one in speakers_of(transcript)
        ],
        "turns": [
            {
                "id": turn.turn_id,
                "speaker": turn.speaker,
                "role": turn.role,
                "role_from": turn.role_from,
                "start_ms": turn.start_ms,
                "end_ms": turn.end_ms,
                "text": turn.text,
                "words": [word.text for word in turn.words],
            }
            for turn in transcript.turns
        ],
        "doubtful": [
            {"turn": span.turn_id, "first": span.first, "last": span.last, "kind": span.kind}
            for span in transcript.spans
        ],
        "edits": [{"action": one.action, "at": one.at.isoformat()} for one in transcript.edits],
    }

"""Coming back: my visits, another window, the lock, giving a visit up. In: requests. Out: pages, JSON, redirects."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, RedirectResponse, Response

from connector.errors import NotFound
from connector.records import PatientContext
from connector.visit.access import revoke
from connector.visit.leaving import leave
from connector.visit.parts import Parts
from connector.visit.returning import REASONS, OpenWork, discard, list_open_work, make_ticket, unlock, use_ticket
from connector.web.chart_view import build_patient
from connector.web.moments import show_moment
from connector.web.pages import Pages, wants_json
from connector.web.session import (
    Session,
    allow_framing_by,
    open_changing_session,
    open_session,
    open_unlocking_session,
    refuse_foreign_origin,
    session_cookie,
    set_cookie,
)
from connector.web.throttling import Throttles, name_caller
from connector.web.visiting import visit_done

router = APIRouter()
Reading = Annotated[Session, Depends(open_session)]
Changing = Annotated[Session, Depends(open_changing_session)]
Unlocking = Annotated[Session, Depends(open_unlocking_session)]
# Pages below the visit's own that a window, or a session shown again, may begin with.
_PLACES = {"recorder": "/recorder"}
_LAST_PAGE = 1000


@router.get("/v/{launch_id}/visits")
async def my_visits(
    request: Request, session: Reading, page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1
) -> Response:
    """What this clinician has unsigned or unfiled, newest first, by pages; each opens after a launch of its patient."""
    found = await list_open_work(session.parts, session.launch, page=page)
    now = session.parts.clock()
    base = f"/v/{session.row.launch_id}"
    older = f"{base}/visits?page={page + 1}" if found.more and page < _LAST_PAGE else None
    if wants_json(request):
        listed = [{**_describe(one), **_time(one, now)} for one in found.work]
        return JSONResponse({"visits": listed, "older": older})
    pages: Pages = request.app.state.pages
    values = {
        "visits": [{**_describe(one), "begun": show_moment(one.row.created_at, now)} for one in found.work],
        "older": older,
        "newer": f"{base}/visits" + (f"?page={page - 1}" if page > 2 else "") if page > 1 else None,
        "base": base,
        "clinician": session.launch.practitioner_name,
        "csrf": session.row.csrf,
        "patient": build_patient(await session.parts.visits.latest(session.row.visit_id, PatientContext), now.date()),
        "full_banner": session.launch.need_patient_banner,
        "state": (await session.parts.visits.row(session.row.visit_id)).state,
    }
    return pages.render(request, "visits.html", values)


def _describe(work: OpenWork) -> dict[str, object]:
    return {
        "visit_id": work.row.visit_id,
        "patient_name": work.patient_name,
        "patient": work.patient,
        "state": work.row.state,
        "attention": work.row.attention_text,
        "here": work.here,
    }


def _time(work: OpenWork, now: datetime) -> dict[str, object]:
    age = round((now - work.row.created_at).total_seconds())
    return {"begun": work.row.created_at.isoformat(), "age_seconds": age}


@router.post("/v/{launch_id}/discard")
async def give_up(request: Request, session: Changing, reason: Annotated[str, Form()]) -> Response:
    """Discards an unsigned visit for one of the reasons of the form."""
    await discard(session.parts, session.launch, reason=reason)
    return await visit_done(request, session)


@router.get("/v/{launch_id}/reasons")
async def list_reasons(session: Reading) -> Response:
    """Why a visit may be discarded: slug to words."""
    del session
    return JSONResponse(REASONS)


@router.post("/v/{launch_id}/window")
async def open_window(request: Request, session: Changing, place: Annotated[str, Form()] = "") -> Response:
    """A ticket that carries this launch into a window of its own: for the recorder, or where a frame is too little."""
    address = f"/enter?ticket={await make_ticket(session.parts, session.row.launch_id)}"
    if place in _PLACES:
        address += f"&place={place}"
    return JSONResponse({"address": address}) if wants_json(request) else RedirectResponse(address, 303)


@router.get("/enter")
async def enter(request: Request, ticket: str, place: str = "") -> Response:
    """Uses a ticket up: a session for this window, and on to the visit's own address, or its recorder's."""
    parts: Parts = request.app.state.parts
    throttles: Throttles = request.app.state.throttles
    refuse_foreign_origin(request)
    with throttles.tickets.counting_failures(name_caller(request)):
        allow_framing_by(request, await parts.returns.find_ticket_tenant(ticket))
        carried = await use_ticket(parts, ticket)
        if carried is None:
            raise NotFound("This link was used or is older than a minute: open the window again from the scribe.")
    response = RedirectResponse(f"/v/{carried.launch_id}{_PLACES.get(place, '')}", 303)
    set_cookie(response, session_cookie(carried.launch_id), carried.session, max_age=int(parts.policy.session_absolute))
    return response


@router.post("/v/{launch_id}/leave")
async def leave_session(request: Request, session: Unlocking) -> Response:
    """Ends the session in all its windows. The EHR is told after the answer: nobody waits for it in order to leave."""
    parts, row = session.parts, session.row
    departure = await leave(parts, row, actor=session.launch.practitioner or "unidentified")
    response: Response
    if wants_json(request):
        response = JSONResponse({"left": True, "note_waiting": departure.waiting})
    else:
        pages: Pages = request.app.state.pages
        response = pages.render(request, "left.html", {"note_waiting": departure.waiting})
    # Only this launch's cookie: others of this browser belong to other patients' pages.
    set_cookie(response, session_cookie(row.launch_id), "", max_age=0)
    response.headers["Clear-Site-Data"] = '"cache"'
    if departure.tokens is not None:
        response.background = BackgroundTask(revoke, parts, row, departure.tokens.secrets)
    return response


@router.post("/v/{launch_id}/unlock")
async def continue_session(request: Request, session: Unlocking, place: Annotated[str, Form()] = "") -> Response:
    """Shows a hidden session again, once the EHR has renewed its access."""
    await unlock(session.parts, session.row)
    return await visit_done(request, session, page=_PLACES.get(place, ""))

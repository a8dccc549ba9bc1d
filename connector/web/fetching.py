"""Recordings that come from elsewhere: from an address, and from another computer by a code. In: forms of a visit.

Out: work for the worker, or a code that is told once. Never shows, logs or answers an address.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import JSONResponse, Response

from connector.visit.fetching import ask_for_fetch, stop_fetch
from connector.visit.recording import open_recording
from connector.web.pages import Pages, wants_json
from connector.web.session import Session, open_changing_session
from connector.web.views import build_visit_view
from connector.web.visiting import collect_facts, visit_done

router = APIRouter(prefix="/v/{launch_id}/recordings")
Changing = Annotated[Session, Depends(open_changing_session)]


@router.post("/from-address")
async def from_address(request: Request, session: Changing, address: Annotated[str, Form()] = "") -> Response:
    """Has the worker fetch a recording from an address of a host on the EHR's list; needs a given consent."""
    await ask_for_fetch(session.parts, session.launch, address=address)
    return await visit_done(request, session)


@router.post("/from-address/stop")
async def stop(request: Request, session: Changing) -> Response:
    """Ends the fetch; nothing of the recording is kept."""
    await stop_fetch(session.parts, session.row.visit_id)
    return await visit_done(request, session)


@router.post("/code")
async def give_code(request: Request, session: Changing) -> Response:
    """A code with which `connector upload` on another computer brings one file into this visit; told once."""
    opened = await open_recording(session.parts, session.row.visit_id)
    code = f"{opened.recording_id}.{opened.upload_token}"
    if wants_json(request):
        return JSONResponse({"code": code}, 201)
    pages: Pages = request.app.state.pages
    view = build_visit_view(await collect_facts(session))
    return pages.render(request, "code.html", {"view": view, "code": code, "base_url": request.app.state.origin})

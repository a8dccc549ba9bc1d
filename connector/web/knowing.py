"""The page "What the scribe knows". In: a request with a session. Out: a page, or the lock. Shows, and never decides.

What can be changed there goes to POST /keyterms and POST /chart of the same visit.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from connector.visit.returning import is_locked, refuse_locked
from connector.web.knows_view import build_knows_view
from connector.web.pages import Pages
from connector.web.session import Session, open_hidden_session
from connector.web.visiting import gather_page, show_lock

router = APIRouter(prefix="/v/{launch_id}")


@router.get("/knows")
async def knows(request: Request, session: Annotated[Session, Depends(open_hidden_session)]) -> Response:
    """Every part of the chart with how its reading ended, and the names for the recogniser with their sources."""
    if is_locked(session.parts, session.row):
        return show_lock(request, session)
    await refuse_locked(session.parts, session.row)
    pages: Pages = request.app.state.pages
    return pages.render(request, "knows.html", {"view": build_knows_view(await gather_page(request, session))})

"""Changes to the names the recogniser listens for. In: a form or JSON object with one change. Out: the visit's status.

Whose visit it is and who asks is the session's; nothing here decides whether a name may be sent.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from connector.errors import InputRefused
from connector.visit.listening import ACTIONS, change_keyterms
from connector.web.bodies import read_object
from connector.web.session import Session, open_changing_session
from connector.web.visiting import visit_done

router = APIRouter(prefix="/v/{launch_id}")

_FIELDS = frozenset(ACTIONS)


@router.post("/keyterms")
async def change(request: Request, session: Annotated[Session, Depends(open_changing_session)]) -> Response:
    """One change: `add` or `remove` with the term, or `undo` with anything; exactly one of the three."""
    action, text = await _read_change(request)
    await change_keyterms(session.parts, session.launch, action=action, text=text)
    return await visit_done(request, session)


async def _read_change(request: Request) -> tuple[str, str]:
    body: dict[str, Any]
    if "json" in request.headers.get("content-type", ""):
        body = await read_object(request, known=_FIELDS)
    else:
        body = {name: value for name, value in (await request.form()).items() if name in _FIELDS}
    given = [(name, value) for name, value in body.items() if value not in (None, False)]
    if len(given) != 1:
        raise InputRefused("A change of the names is one of add, remove and undo: reload the page.")
    action, text = given[0]
    if action == "undo":
        return action, ""
    if not isinstance(text, str):
        raise InputRefused("A name is a text: type it in one line.")
    return action, text

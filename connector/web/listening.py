"""Changes to the names the recogniser listens for. In: a form or JSON object with one change. Out: the visit's status.

Whose visit it is and who asks is the session's; nothing here decides whether a name may be sent.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from connector.errors import InputRefused
from connector.visit.listening import ACTIONS, Change, change_keyterms
from connector.web.bodies import read_object
from connector.web.session import Session, open_changing_session
from connector.web.visiting import visit_done

router = APIRouter(prefix="/v/{launch_id}")

_INSTEAD = "instead"
_FIELDS = frozenset({*ACTIONS, _INSTEAD})


@router.post("/keyterms")
async def change(request: Request, session: Annotated[Session, Depends(open_changing_session)]) -> Response:
    """One change: `add` or `remove` with the term, or `undo` with anything; exactly one of the three.

    With `add`, `instead` may name the term whose place the new one takes.
    """
    await change_keyterms(session.parts, session.launch, await _read_change(request))
    return await visit_done(request, session, page="/knows")


async def _read_change(request: Request) -> Change:
    body: dict[str, Any]
    if "json" in request.headers.get("content-type", ""):
        body = await read_object(request, known=_FIELDS)
    else:
        body = {name: value for name, value in (await request.form()).items() if name in _FIELDS}
    instead = body.pop(_INSTEAD, None) or None
    given = [(name, value) for name, value in body.items() if value not in (None, False)]
    if len(given) != 1:
        raise InputRefused("A change of the names is one of add, remove and undo: reload the page.")
    action, text = given[0]
    if not isinstance(instead, str | None) or (instead is not None and action != "add"):
        raise InputRefused("Only a name that is added can stand in the place of another: reload the page.")
    if action == "undo":
        return Change(action)
    if not isinstance(text, str):
        raise InputRefused("A name is a text: type it in one line.")
    return Change(action, text, instead)

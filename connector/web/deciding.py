"""What the clinician decides of a recording before a note is drafted. In: a session, an answer. Out: the visit goes on.

Decides nothing itself: who may and what follows is said in visit/.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from connector.visit.doubting import answer_question
from connector.visit.earlier import discard_earlier
from connector.visit.refusing import decide
from connector.web.session import Session, open_changing_session
from connector.web.visiting import visit_done

router = APIRouter(prefix="/v/{launch_id}")
Changing = Annotated[Session, Depends(open_changing_session)]


@router.post("/doubts")
async def answer_doubts(
    request: Request, session: Changing, answer: Annotated[str, Form()] = "", language: Annotated[str, Form()] = ""
) -> Response:
    """Answers the question before the draft: `this-visit`, `go-on`, `not-this-patient`, or `transcribe-again` as what
    was spoken in `language`."""
    await answer_question(session.parts, session.launch, answer=answer, language=language)
    return await visit_done(request, session)


@router.post("/kept")
async def decide_kept(
    request: Request, session: Changing, decision: Annotated[str, Form()] = "", recording: Annotated[str, Form()] = ""
) -> Response:
    """Decides on a recording in which no visit was heard: `transcribe-again`, `draft-anyway` or `discard`.

    `recording` names one that a later one took the place of; it can be discarded.
    """
    if recording:
        await discard_earlier(session.parts, session.launch, recording, decision=decision)
    else:
        await decide(session.parts, session.launch, decision=decision)
    return await visit_done(request, session)

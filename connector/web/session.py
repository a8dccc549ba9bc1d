"""Who is asking. In: a request below /v/{launch_id}. Out: the launch its cookie opens. One session per launch.

A launch without its own cookie does not exist: the answer is the same as for an unknown one. Every change needs the
launch's CSRF token and comes from our own origin.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import NotAllowed, NotFound, SessionEnded
from connector.records import Launch
from connector.store.reach import NOTHING, Reach, narrow, narrowed
from connector.store.sessions import LaunchRow, digest
from connector.visit.parts import Parts
from connector.visit.returning import is_locked, refuse_locked
from connector.visit.states import State
from connector.web.headers import ANCESTORS

_SHOWN = "shown_session"
_NOT_FOUND = "This visit is not open in this browser: open the scribe from the patient's chart."


@dataclass(frozen=True)
class Session:
    """A request's launch: `row` for tokens and CSRF, `launch` for who and which patient."""

    row: LaunchRow
    launch: Launch
    parts: Parts


def session_cookie(launch_id: str) -> str:
    """The name of the cookie that carries one launch's session."""
    return f"__Host-visit-{launch_id[:16]}"


def set_cookie(response: Response, name: str, value: str, *, max_age: int) -> None:
    """A `__Host-` cookie for an iframe of another site: Secure, HttpOnly, SameSite=None, Partitioned (CHIPS).

    Written as a raw header, since http.cookies knows Partitioned only from Python 3.14 on. `max_age` 0 removes it.
    """
    cookie = f"{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=None; Partitioned"
    response.headers.append("set-cookie", cookie)


class ReachNothing:
    """Pure ASGI middleware: until a session, a ticket or a token has said whose visit it is, no row can be met."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with narrowed(NOTHING):
            await self._app(scope, receive, send)


async def open_session(request: Request, launch_id: str) -> Session:
    """The session of this launch, with a person behind it; raises NotFound as below, SessionLocked after a pause."""
    session = await _open_shown_session(request, launch_id)
    setattr(request.state, _SHOWN, session)
    return session


async def _open_shown_session(request: Request, launch_id: str) -> Session:
    session = await open_hidden_session(request, launch_id)
    await refuse_locked(session.parts, session.row)
    return session


async def find_shown_session(request: Request) -> Session | None:
    """The session an error's page belongs to: opened by this request, and still neither ended nor hidden."""
    session: Session | None = getattr(request.state, _SHOWN, None)
    if session is None:
        return None
    row = await session.parts.sessions.find_launch(session.row.launch_id)
    if row is None or row.ended or row.expires_at <= session.parts.clock() or is_locked(session.parts, row):
        return None
    return session


async def open_hidden_session(request: Request, launch_id: str) -> Session:
    """The session of this launch, even where its page is hidden; NotFound for an unknown, ended or foreign one."""
    parts: Parts = request.app.state.parts
    # Until the session is found, whatever is said must be readable inside any EHR's frame: it says nothing of a visit.
    allow_framing_by_all(request)
    row = await parts.sessions.find_launch(launch_id)
    secret = request.cookies.get(session_cookie(launch_id), "")
    if not await _opens(parts, row, launch_id, secret=secret) or row is None:
        raise NotFound(_NOT_FOUND)
    narrow(Reach(tenant=row.tenant, visit_id=row.visit_id))
    allow_framing_by(request, row.tenant)
    if row.ended or row.expires_at <= parts.clock():
        raise SessionEnded(await _explain_end(parts, row))
    history = await parts.visits.history(row.visit_id, Launch)
    launch = next((one for one in history if one.launch_id == row.launch_id), None)
    if launch is None:
        raise NotFound(_NOT_FOUND)
    # The encounter is the visit's: it may have been chosen in another launch of it.
    newest = history[0]
    launch = replace(launch, encounter=newest.encounter, encounter_chosen=newest.encounter_chosen)
    return Session(row, launch, parts)


async def _explain_end(parts: Parts, row: LaunchRow) -> str:
    """What to do now, and whether a signed note waits here; nothing of the patient."""
    text = "Open the scribe from the patient's chart again. Nothing was lost."
    if (await parts.visits.row(row.visit_id)).state == State.SIGNED:
        text += " The signed note of this visit is not in the EHR yet: it waits here, and goes to this patient only."
    return text


def allow_framing_by(request: Request, tenant: str | None) -> None:
    """Lets the pages of one registered EHR show this answer, whatever becomes of it; for an unknown one nobody's."""
    parts: Parts = request.app.state.parts
    registration = parts.registrations.by_tenant(tenant) if tenant is not None else None
    setattr(request.state, ANCESTORS, registration.frame_ancestors if registration else ())


def allow_framing_by_all(request: Request) -> None:
    """Lets every registered EHR show this answer, which belongs to no launch and tells nothing."""
    parts: Parts = request.app.state.parts
    origins = {origin for one in parts.registrations.entries for origin in one.frame_ancestors}
    setattr(request.state, ANCESTORS, tuple(sorted(origins)))


async def _opens(parts: Parts, row: LaunchRow | None, launch_id: str, *, secret: str) -> bool:
    """Whether the secret opens the launch; for one that does not exist exactly as much is done as for a stranger's."""
    if hmac.compare_digest(row.session_hash if row else digest(launch_id), digest(secret)) and row is not None:
        return True
    return bool(secret) and await parts.returns.is_carried(secret, launch_id)


async def open_changing_session(request: Request, launch_id: str) -> Session:
    """A session that may change something: a person's, from our own page, with the CSRF token."""
    session = await _open_shown_session(request, launch_id)
    await refuse_forged(request, session)
    setattr(request.state, _SHOWN, session)
    return session


async def open_unlocking_session(request: Request, launch_id: str) -> Session:
    """A session whose page may be hidden, from our own page, with the CSRF token."""
    session = await open_hidden_session(request, launch_id)
    await refuse_forged(request, session)
    return session


def is_same_token(expected: str, given: str) -> bool:
    """Whether a form brings the token of its page; compared in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())


async def refuse_forged(request: Request, session: Session) -> None:
    """Raises NotAllowed for a change another site asked for: origin, then the token as header or form field."""
    refuse_foreign_origin(request)
    token = request.headers.get("x-csrf-token", "")
    if not token and "form" in request.headers.get("content-type", ""):
        token = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(session.row.csrf.encode(), token.encode(errors="replace")):
        raise NotAllowed("This page is out of date: reload it and try again.")


def refuse_embedded(request: Request) -> None:
    """Raises NotAllowed for an address of ours that is a picture, a script or a fetch of some page: nobody is there.

    A launch is a navigation (Fetch Metadata, `Sec-Fetch-Mode: navigate`). A browser that does not say is believed.
    """
    if request.headers.get("sec-fetch-mode", "navigate") not in ("navigate", "nested-navigate"):
        raise NotAllowed("A launch is opened as a page. Open the scribe from the patient's chart.")


def refuse_foreign_origin(request: Request) -> None:
    """Raises NotAllowed for a request another site sent (Sec-Fetch-Site, Origin)."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = request.app.state.origin
    if site not in ("same-origin", "none") or (origin is not None and origin != own):
        raise NotAllowed("This request did not come from the scribe's own page.")

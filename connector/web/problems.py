"""Errors as answers: problem+json (RFC 9457) for machines, a page for people. In: an exception. Out: a response.

Nothing but the error's own sentence, its slug and a support code is ever told; causes go to the log by type only. In
a visit that is open in this browser its page says whose visit it is, as every other page does.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.errors import ConnectorError, InputRefused
from connector.logs import where_raised
from connector.records import PatientContext
from connector.web.chart_view import build_patient
from connector.web.pages import Pages, wants_json
from connector.web.session import find_shown_session

_log = structlog.get_logger("connector.web")
_TITLES = {404: "Not found", 405: "Not possible here", 413: "Too large"}


def install_problems(app: FastAPI, pages: Pages) -> None:
    """Answers every error the same way; with UnexpectedErrors the only place in web that catches."""
    handler = _make_handler(pages)
    app.add_exception_handler(ConnectorError, handler)
    app.add_exception_handler(HTTPException, handler)
    app.add_exception_handler(RequestValidationError, handler)
    app.add_middleware(UnexpectedErrors, pages=pages)


class UnexpectedErrors:
    """Answers what nobody foresaw like every other error, inside the security headers.

    A handler registered for Exception would stand outside of them, and the server would raise the error once more.
    """

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            # Whose page it was is not looked up again: the database may be what failed.
            await _answer(self._pages, Request(scope, receive), error, banner=None)(scope, receive, send)


def _make_handler(pages: Pages) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        banner = None if wants_json(request) else await _find_banner(request)
        return _answer(pages, request, error, banner=banner)

    return answer


async def _find_banner(request: Request) -> dict[str, object] | None:
    """What the banner shows on an error's page of a visit that is open here; None on every other page."""
    session = await find_shown_session(request)
    if session is None:
        return None
    visits, visit_id = session.parts.visits, session.row.visit_id
    return {
        "patient": build_patient(await visits.latest(visit_id, PatientContext), session.parts.clock().date()),
        "full": session.launch.need_patient_banner,
        "state": (await visits.row(visit_id)).state,
    }


def _answer(pages: Pages, request: Request, error: Exception, *, banner: dict[str, object] | None) -> Response:
    code = secrets.token_hex(4)
    status, slug, title, detail = _describe(error)
    route = getattr(request.scope.get("route"), "path", "unmatched")
    _log.info(
        "request.refused",
        status=status,
        slug=slug,
        route=route,
        support_code=code,
        kind=type(error).__name__,
        where=where_raised(error),
    )
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, ConnectorError) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if wants_json(request):
        body = {
            "type": f"urn:smart-scribe:problem:{slug}",
            "title": title,
            "status": status,
            "detail": detail,
            "support_code": code,
        }
        return JSONResponse(body, status, headers, media_type="application/problem+json")
    problem = {"title": title, "detail": detail, "support_code": code, "slug": slug, "status": status}
    return pages.render(request, "problem.html", {"problem": problem, "banner": banner}, status=status, headers=headers)


def _describe(error: Exception) -> tuple[int, str, str, str]:
    if isinstance(error, ConnectorError):
        return error.status, error.slug, error.title, error.detail
    if isinstance(error, HTTPException):
        title = _TITLES.get(error.status_code, "This was refused")
        return error.status_code, "http", title, "Go back to the visit, or open the scribe from the chart again."
    if isinstance(error, RequestValidationError):
        fields = ", ".join(sorted({str(problem["loc"][-1]) for problem in error.errors()}))
        return 422, InputRefused.slug, InputRefused.title, f"Check these fields and send again: {fields}."
    return 500, "internal", "Something went wrong", "Nothing was lost. Try again; if it stays, give the support code."

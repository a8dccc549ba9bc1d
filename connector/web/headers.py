"""Security headers on every answer. In: ASGI messages. Out: the same with headers. Never weaker than the default.

The EHR that may frame a page is the one whose launch the page belongs to; a page of no launch may not be framed.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANCESTORS = "frame_ancestors"
FORM_TARGET = "form_target"
_CAPTURES = "captures"


def allow_capture(request: Request, *features: str) -> None:
    """Lets this page ask for `microphone` or `display-capture`; every other page can do neither."""
    setattr(request.state, _CAPTURES, features)


class SecurityHeaders:
    """Pure ASGI middleware; a route allows framing by setting `request.state.frame_ancestors`.

    A page that sends the browser on by a form names that one origin as `request.state.form_target`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ancestors = " ".join(scope["state"].get(ANCESTORS, ())) or "'none'"
                target = scope["state"].get(FORM_TARGET, "")
                headers = _headers(ancestors, message["headers"], form_action=f"'self' {target}".rstrip())
                message["headers"] = [*message["headers"], *headers, _permissions(scope["state"].get(_CAPTURES, ()))]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _headers(ancestors: str, present: list[tuple[bytes, bytes]], *, form_action: str) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in present}
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"media-src 'self' blob:; font-src 'self'; form-action {form_action}; base-uri 'none'; object-src 'none'; "
        f"frame-ancestors {ancestors}"
    )
    wanted = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "strict-transport-security": "max-age=31536000",
        "cache-control": "no-store",
    }
    return [(name.encode(), value.encode()) for name, value in wanted.items() if name.encode() not in names]


def _permissions(captures: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Permissions Policy: what no page needs is off everywhere, what a recorder needs is on where it was allowed."""
    asked = {name: "(self)" if name in captures else "()" for name in ("microphone", "display-capture")}
    allowed = {**asked, "camera": "()", "geolocation": "()"}
    return b"permissions-policy", ", ".join(f"{name}={value}" for name, value in allowed.items()).encode()

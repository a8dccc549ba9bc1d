"""Into a visit that was just opened. In: the launch and the cookie now spent. Out: a redirect to its own address."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from connector.visit.arriving import OpenedLaunch
from connector.visit.parts import Parts
from connector.web.session import session_cookie, set_cookie


def enter_visit(parts: Parts, opened: OpenedLaunch, spent: str) -> Response:
    """On to the visit's own address, which holds no secret, with the launch's cookie in place of the spent one."""
    response = RedirectResponse(f"/v/{opened.launch_id}", 303)
    set_cookie(response, spent, "", max_age=0)
    set_cookie(
        response,
        session_cookie(opened.launch_id),
        opened.session,
        max_age=int(parts.policy.session_absolute),
    )
    return response

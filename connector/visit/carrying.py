"""A launch inside the EHR's frame, before it goes on to the EHR. In: its reference, cookies. Out: on, or a ticket.

A browser that keeps our cookie from us in the frame gets a ticket: it takes the launch into a window of its own, once,
and never after the launch has gone on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from connector.errors import LaunchRefused
from connector.launch.authorization import RANDOM_BYTES, AuthorizeRequest
from connector.launch.callback import PENDING_FOR
from connector.launch.pending import hash_browser
from connector.store.sessions import PendingRow
from connector.visit.opening import WAITING, DepartingLaunch, pending_cookie_of
from connector.visit.parts import Parts

_OVER = "This launch has gone on already, or is older than ten minutes. Open the scribe from the chart again."
_USED = "This window was opened already, or the launch is older than ten minutes. Open the scribe from the chart again."


@dataclass(frozen=True, slots=True)
class BlockedLaunch:
    """A launch whose cookie did not come back; `ticket` opens it in one window, once."""

    reference: str
    ticket: str = field(repr=False)


async def go_on(parts: Parts, reference: str, *, cookies: dict[str, str]) -> DepartingLaunch | BlockedLaunch:
    """On to the EHR where the frame's cookie came back, else a ticket, which replaces one given before.

    Raises LaunchRefused for a launch that is unknown, over or gone on.
    """
    row = await _need_waiting(parts, reference, refusal=_OVER)
    browser = cookies.get(pending_cookie_of(reference))
    if browser is not None and hash_browser(browser) == row.browser_hash:
        return await _send_on(parts, row, browser, refusal=_OVER)
    ticket = secrets.token_urlsafe(RANDOM_BYTES)
    if not await parts.sessions.rebind_pending(row, browser=ticket, body=row.body):
        raise LaunchRefused(_OVER)
    return BlockedLaunch(reference, ticket)


async def go_on_in_window(parts: Parts, reference: str, *, ticket: str) -> DepartingLaunch:
    """Uses the ticket up: the launch belongs to this window's new cookie from now on, and goes on to the EHR."""
    row = await _need_waiting(parts, reference, refusal=_USED)
    if hash_browser(ticket) != row.browser_hash:
        raise LaunchRefused(_USED)
    return await _send_on(parts, row, secrets.token_urlsafe(RANDOM_BYTES), refusal=_USED)


async def _need_waiting(parts: Parts, reference: str, *, refusal: str) -> PendingRow:
    row = await parts.sessions.find_pending(reference)
    if row is None or WAITING not in row.body or parts.clock() - row.created_at > PENDING_FOR:
        raise LaunchRefused(refusal)
    return row


async def _send_on(parts: Parts, row: PendingRow, browser: str, *, refusal: str) -> DepartingLaunch:
    body = dict(row.body)
    kept = body.pop(WAITING)
    body["browser_hash"] = hash_browser(browser)
    if not await parts.sessions.rebind_pending(row, browser=browser, body=body):
        raise LaunchRefused(refusal)
    parameters = tuple((name, value) for name, value in kept["parameters"])
    request = AuthorizeRequest(kept["endpoint"], parameters, kept["method"])
    return DepartingLaunch(row.tenant, request, pending_cookie_of(row.state_hash), browser)

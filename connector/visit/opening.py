"""From the EHR's launch to an opened visit. In: the launch and callback queries. Out: where to go next.

Nobody is called for an EHR that is not registered, and no session exists before the id_token was verified.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from connector.errors import LaunchRefused
from connector.launch.authorization import AuthorizeRequest, begin, new_secrets
from connector.launch.callback import check_callback, read_callback
from connector.launch.identity import Identity
from connector.launch.pending import PendingLaunch, read_pending, write_pending
from connector.launch.request import read_launch_request
from connector.launch.token_answer import NOBODY, GrantedTokens, read_token_answer
from connector.store.reach import Reach, narrowed
from connector.store.sessions import digest
from connector.visit.access import credentials_of, find_registration
from connector.visit.arriving import OpenedLaunch, arrive
from connector.visit.identifying import identify, verify_identity
from connector.visit.parts import Parts
from connector.visit.picking import AwaitedPatient, begin_picking, refuse_without_picking
from connector.visit.priming import read_ahead

_UNKNOWN_EHR = (
    "This EHR is not registered with the scribe. Tell whoever runs the scribe: "
    "its FHIR base address has to be registered first."
)

_NO_COOKIE = (
    "The scribe's cookie did not come back: this launch was used already or began in another browser, or this browser "
    "blocks the cookie. Allow cookies for this address, or open the scribe in a window of its own."
)
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class DepartingLaunch:
    """A browser on its way to the EHR: what it takes there, and the cookie it must bring back.

    `check` is the reference of a launch that waits until its cookie has come back once.
    """

    tenant: str
    request: AuthorizeRequest
    cookie: str
    browser: str = field(repr=False)
    check: str | None = None


def pending_cookie(state: str) -> str:
    """The name of the cookie that binds one pending launch to its browser."""
    return pending_cookie_of(digest(state))


def pending_cookie_of(reference: str) -> str:
    """The same, by the launch's reference: the hash of its state."""
    return f"__Host-pending-{reference[:12]}"


async def begin_launch(parts: Parts, query: Iterable[tuple[str, str]], *, framed: bool = False) -> DepartingLaunch:
    """Handles the EHR's launch URL; raises LaunchRefused before any call for an unregistered `iss`.

    `framed`: the browser says that the launch is in a frame, where it may keep our cookies from us. Then the launch
    waits until one has come back (`visit/carrying.py`).
    """
    request = read_launch_request(query)
    registration = parts.registrations.by_iss(request.iss)
    if registration is None:
        raise LaunchRefused(_UNKNOWN_EHR)
    return await _depart(parts, registration.tenant, request.launch, framed=framed)


async def begin_standalone(parts: Parts, tenant: str) -> DepartingLaunch:
    """Handles a launch from outside the EHR, which then picks the patient; only where the registration allows it."""
    registration = parts.registrations.by_tenant(tenant)
    if registration is None or not registration.standalone:
        raise LaunchRefused("The scribe cannot be started this way here. Open it from the patient's chart.")
    return await _depart(parts, tenant, None)


async def _depart(parts: Parts, tenant: str, launch_token: str | None, *, framed: bool = False) -> DepartingLaunch:
    endpoints = await parts.directory.endpoints_of(tenant)
    drawn, now = new_secrets(), parts.clock()
    pending, request = begin(parts.directory.ehr_of(tenant), endpoints, launch_token=launch_token, drawn=drawn, now=now)
    body = write_pending(pending)
    if framed:
        body[WAITING] = {"endpoint": request.endpoint, "parameters": request.parameters, "method": request.method}
    await parts.sessions.keep_pending(drawn.state, browser=drawn.browser, tenant=tenant, body=body, at=now)
    check = digest(drawn.state) if framed else None
    return DepartingLaunch(tenant, request, pending_cookie(drawn.state), drawn.browser, check)


async def is_under_way(parts: Parts, query: Iterable[tuple[str, str]], *, cookies: dict[str, str]) -> bool:
    """Whether this browser brings the secret of a launch that waits for its answer."""
    states = [value for name, value in query if name == "state"]
    browser = cookies.get(pending_cookie(states[0])) if len(states) == 1 else None
    row = await parts.sessions.find_pending(digest(states[0])) if browser is not None else None
    return row is not None and browser is not None and hmac.compare_digest(row.browser_hash, digest(browser))


async def complete_launch(
    parts: Parts, query: Iterable[tuple[str, str]], *, cookies: dict[str, str], path: str
) -> tuple[OpenedLaunch | AwaitedPatient, str]:
    """Handles the redirect back to `path`: code exchange, identity, a visit. Returns it with the cookie now spent.

    A launch from outside the EHR that comes back without a patient waits until one is picked.

    Endpoints, client id and redirect URI are those of the pending launch (RFC 9700, section 4.4.2): nothing is looked
    up again.
    """
    answer = read_callback(query)
    cookie = pending_cookie(answer.state)
    browser = cookies.get(cookie)
    body = await parts.sessions.consume_pending(answer.state, browser=browser)
    if body is None and browser is None:
        raise LaunchRefused(_NO_COOKIE)
    if body is None:
        raise LaunchRefused(
            "This launch is unknown, was used already, or began in another browser. "
            "Open the scribe from the chart again."
        )
    if WAITING in body:
        raise LaunchRefused("This launch has not gone to the EHR yet. Open the scribe from the chart again.")
    pending = read_pending(body)
    _check_path(parts, pending, path)
    code = check_callback(answer, pending, browser=browser, now=parts.clock())
    registration = find_registration(parts, pending.tenant)
    token_answer = await parts.smart.exchange_code(
        pending.endpoints.token_endpoint,
        code=code,
        redirect_uri=pending.redirect_uri,
        code_verifier=pending.code_verifier,
        credentials=credentials_of(parts, registration),
    )
    granted = read_token_answer(token_answer, pending=pending, now=parts.clock())
    if granted.patient == NOBODY:
        refuse_without_picking(parts, pending, granted)
    identity = await verify_identity(parts, pending, granted)
    if granted.patient == NOBODY:
        clinician = await identify(parts, pending, granted, identity=identity)
        return await begin_picking(parts, pending, granted, clinician=clinician), cookie
    return await _arrive_reading(parts, pending, granted, identity=identity), cookie


async def _arrive_reading(
    parts: Parts, pending: PendingLaunch, granted: GrantedTokens, *, identity: Identity | None
) -> OpenedLaunch:
    """Opens the visit while its chart is being read, beside the look-up of the clinician: somebody is waiting.

    The reading is dropped where no visit opens, or one that has its chart already. A token that is over as it comes is
    not used: the first page says so.
    """
    if granted.expires_at is not None and granted.expires_at <= parts.clock():
        return await _arrive(parts, pending, granted, identity=identity)
    ahead = asyncio.create_task(read_ahead(parts, pending, granted))
    # Where no visit opens, nobody asks what became of it.
    ahead.add_done_callback(lambda done: done.cancelled() or done.exception())
    opened: OpenedLaunch | None = None
    try:
        opened = await _arrive(parts, pending, granted, identity=identity)
    finally:
        if opened is None or opened.reopened:
            ahead.cancel()
    return opened if opened.reopened else replace(opened, ahead=ahead)


async def _arrive(
    parts: Parts, pending: PendingLaunch, granted: GrantedTokens, *, identity: Identity | None
) -> OpenedLaunch:
    clinician = await identify(parts, pending, granted, identity=identity)
    with narrowed(Reach(tenant=pending.tenant)):
        return await arrive(parts, pending, granted, clinician=clinician)


def _check_path(parts: Parts, pending: PendingLaunch, path: str) -> None:
    """An answer has to come back by the redirect URI of the EHR that was asked, and by no other EHR's."""
    if pending.redirect_uri != parts.policy.public_base_url.rstrip("/") + path:
        raise LaunchRefused("The answer came back by another EHR's way. Open the scribe from the chart again.")

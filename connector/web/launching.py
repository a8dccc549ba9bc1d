"""The open routes of a launch: from the EHR, to the EHR and back. In: queries. Out: redirects to clean addresses."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from connector.errors import NotFound
from connector.store.client_keys import PUBLISHED_FOR_S
from connector.visit.carrying import go_on, go_on_in_window
from connector.visit.opening import (
    DepartingLaunch,
    begin_launch,
    begin_standalone,
    complete_launch,
    is_under_way,
)
from connector.visit.parts import Parts
from connector.visit.picking import AwaitedPatient, picking_cookie
from connector.web.entering import enter_visit
from connector.web.headers import FORM_TARGET
from connector.web.pages import Pages
from connector.web.reading import keep_reading
from connector.web.session import (
    allow_framing_by,
    allow_framing_by_all,
    refuse_embedded,
    refuse_foreign_origin,
    set_cookie,
)
from connector.web.throttling import Throttles, name_caller

router = APIRouter()
_PENDING_SECONDS = 600
_FRAMES = ("iframe", "frame")


@router.get("/launch")
async def launch(request: Request) -> Response:
    """The EHR's launch URL (SMART App Launch 2.2, EHR launch)."""
    parts: Parts = request.app.state.parts
    registration = parts.registrations.by_iss(request.query_params.get("iss", ""))
    allow_framing_by(request, registration.tenant if registration else None)
    _count(request, registration.tenant if registration else "")
    framed = request.headers.get("sec-fetch-dest") in _FRAMES
    departing = await begin_launch(parts, request.query_params.multi_items(), framed=framed)
    if departing.check is None:
        return send_on(request, departing)
    response = RedirectResponse(f"/launch/framed/{departing.check}", 303)
    set_cookie(response, departing.cookie, departing.browser, max_age=_PENDING_SECONDS)
    return response


@router.get("/launch/framed/{reference}")
async def check_cookie(request: Request, reference: str) -> Response:
    """Inside a frame: on to the EHR if the cookie just set has come back, else a way into a window of its own."""
    parts: Parts = request.app.state.parts
    allow_framing_by_all(request)
    throttles: Throttles = request.app.state.throttles
    with throttles.tickets.counting_failures(name_caller(request)):
        found = await go_on(parts, reference, cookies=dict(request.cookies))
    if isinstance(found, DepartingLaunch):
        return send_on(request, found)
    pages: Pages = request.app.state.pages
    return pages.render(request, "blocked.html", {"launch": found})


@router.get("/launch/window/{reference}")
async def launch_in_window(request: Request, reference: str, ticket: str) -> Response:
    """Takes a launch out of the frame into this window: its ticket is used up, its cookie is this window's."""
    refuse_foreign_origin(request)
    throttles: Throttles = request.app.state.throttles
    with throttles.tickets.counting_failures(name_caller(request)):
        return send_on(request, await go_on_in_window(request.app.state.parts, reference, ticket=ticket))


@router.get("/launch/standalone/{tenant}")
async def launch_standalone(request: Request, tenant: str) -> Response:
    """The way in from outside an EHR, which then asks for the patient (SMART App Launch 2.2, standalone launch)."""
    parts: Parts = request.app.state.parts
    allow_framing_by(request, tenant)
    _count(request, tenant if parts.registrations.by_tenant(tenant) else "")
    return send_on(request, await begin_standalone(parts, tenant))


def send_on(request: Request, departing: DepartingLaunch) -> Response:
    """Sends the browser on: by a redirect, or by a form that one small script submits and a button as well."""
    response: Response
    if departing.request.method == "POST":
        pages: Pages = request.app.state.pages
        setattr(request.state, FORM_TARGET, departing.request.origin)
        response = pages.render(request, "authorize.html", {"request": departing.request})
    else:
        response = RedirectResponse(departing.request.url(), 303)
    set_cookie(response, departing.cookie, departing.browser, max_age=_PENDING_SECONDS)
    return response


@router.get("/launch/callback")
@router.get("/launch/callback/{tenant}")
async def callback(request: Request) -> Response:
    """The redirect URI: exchanges the code and goes on to the visit's own address, which holds no secret."""
    parts: Parts = request.app.state.parts
    allow_framing_by_all(request)
    throttles: Throttles = request.app.state.throttles
    refuse_embedded(request)
    query, cookies = request.query_params.multi_items(), dict(request.cookies)
    known = await is_under_way(parts, query, cookies=cookies)
    with throttles.callbacks.counting_failures(name_caller(request), known=known):
        opened, spent = await complete_launch(parts, query, cookies=cookies, path=request.url.path)
    if isinstance(opened, AwaitedPatient):
        response = RedirectResponse(f"/pick/{opened.pick_id}", 303)
        set_cookie(response, spent, "", max_age=0)
        set_cookie(response, picking_cookie(opened.pick_id), opened.browser, max_age=_PENDING_SECONDS)
        return response
    keep_reading(request.app, parts, opened)
    return enter_visit(parts, opened, spent)


@router.get("/ehr/{tenant}/jwks.json")
async def key_set(request: Request, tenant: str) -> Response:
    """The public keys one EHR knows us by (SMART App Launch 2.2, "Registering a client"): old and new in a rotation."""
    parts: Parts = request.app.state.parts
    registration = parts.registrations.with_keys(tenant)
    if registration is None:
        raise NotFound("There is no key set of that name.")
    keys = [key.publish() for key in parts.client_keys(registration)]
    return JSONResponse({"keys": keys}, headers={"Cache-Control": f"public, max-age={PUBLISHED_FOR_S}"})


def _count(request: Request, tenant: str) -> None:
    """By address and EHR, so that one EHR's clients behind one address leave another's alone."""
    refuse_embedded(request)
    throttles: Throttles = request.app.state.throttles
    throttles.launches.spend(name_caller(request), tenant)

"""Picking a patient where the EHR did not: search, look, confirm. In: requests with the launch's cookie. Out: pages.

What is asked and found stands in forms and pages only, never in an address.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from connector.context.patients import LONGEST, PatientQuery
from connector.errors import InputRefused, NotAllowed
from connector.records import PersonSummary
from connector.visit.parts import Parts
from connector.visit.picking import (
    Picking,
    confirm,
    find_picking_ehr,
    look_at,
    open_picking,
    picking_cookie,
    search_patients,
)
from connector.web.chart_view import describe_person
from connector.web.entering import enter_visit
from connector.web.pages import Pages
from connector.web.session import allow_framing_by, is_same_token, refuse_foreign_origin


class FramedRoute(APIRoute):
    """A route whose every answer the waiting launch's EHR may show, refusals and malformed input too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As usual, but first of all, before the body is read, it is settled who may frame the answer."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            parts: Parts = request.app.state.parts
            allow_framing_by(request, await find_picking_ehr(parts, request.path_params["pick_id"]))
            return await handle(request)

        return answer


router = APIRouter(prefix="/pick/{pick_id}", route_class=FramedRoute)
Text = Annotated[str, Form(max_length=LONGEST)]
Token = Annotated[str, Form()]


@router.get("")
async def page(request: Request, pick_id: str) -> Response:
    """The empty search."""
    picking = await _open(request, pick_id)
    return _show(request, picking, {})


@router.post("/search")
async def search(
    request: Request, pick_id: str, csrf: Token = "", name: Text = "", born: Text = "", identifier: Text = ""
) -> Response:
    """What the EHR finds, on the page of the search itself."""
    picking = await _open(request, pick_id, csrf)
    asked = {"name": name, "born": born, "identifier": identifier}
    try:
        query = PatientQuery(name, _read_day(born), identifier)
        found = await search_patients(request.app.state.parts, picking, query)
    except InputRefused as refusal:
        return _show(request, picking, {"asked": asked, "problem": refusal.detail}, status=422)
    people = [_describe(request, person) for person in found.people]
    return _show(request, picking, {"asked": asked, "people": people, "more": found.more})


@router.post("/look")
async def look(request: Request, pick_id: str, patient: Text, csrf: Token = "") -> Response:
    """The patient in full, to be confirmed."""
    picking = await _open(request, pick_id, csrf)
    try:
        person = await look_at(request.app.state.parts, picking, patient)
    except InputRefused as refusal:
        return _show(request, picking, {"problem": refusal.detail}, status=422)
    return _show(request, picking, {"looked_at": {**_describe(request, person), "id": patient}})


@router.post("/confirm")
async def take(request: Request, pick_id: str, patient: Text, csrf: Token = "") -> Response:
    """Opens the visit of the patient that was looked at."""
    picking = await _open(request, pick_id, csrf)
    browser, parts = request.cookies[picking_cookie(pick_id)], request.app.state.parts
    opened = await confirm(parts, picking, patient, browser=browser)
    return enter_visit(parts, opened, picking_cookie(pick_id))


async def _open(request: Request, pick_id: str, csrf: str | None = None) -> Picking:
    """The waiting launch this browser's cookie opens; a form brings its token and comes from our own page."""
    parts: Parts = request.app.state.parts
    picking = await open_picking(parts, pick_id, browser=request.cookies.get(picking_cookie(pick_id)))
    if csrf is not None:
        refuse_foreign_origin(request)
        if not is_same_token(picking.csrf, csrf):
            raise NotAllowed("This page is out of date: reload it and try again.")
    return picking


def _show(request: Request, picking: Picking, values: Mapping[str, Any], *, status: int = 200) -> Response:
    pages: Pages = request.app.state.pages
    shown = {
        "asked": {"name": "", "born": "", "identifier": ""},
        "people": None,
        "more": False,
        "looked_at": None,
        "problem": None,
        **values,
    }
    given = {"base": f"/pick/{picking.pick_id}", "csrf": picking.csrf, "clinician": picking.clinician.name}
    return pages.render(request, "pick.html", {**given, **shown}, status=status)


def _describe(request: Request, person: PersonSummary) -> dict[str, Any]:
    parts: Parts = request.app.state.parts
    shown = describe_person(person, parts.clock().date())
    return {"id": person.source.reference.partition("/")[2], "view": shown}


def _read_day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InputRefused("Write the birth date as year, month and day, such as 1980-07-31.") from None

"""Who may frame what: every answer of every route, generated from the router. Case A25.

A page of a launch names the origins of its own EHR; what belongs to no launch and tells nothing may be read inside
any registered EHR's frame, so that a refusal is seen there; everything else may be framed by nobody.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi.routing import APIRoute

from connector.web.reading import settle
from tests.house.test_routes import ROUTES
from tests.smart.clock import Clock
from tests.smart.drafted import Desk, draft, sit_down
from tests.smart.scribe import PUBLIC, MakeEhr, OpenScribe, Scribe
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_picking import fill as fill_people
from tests.smart.test_picking import search_page

OURS, THEIRS = "https://ours.example.org", "https://theirs.example.org"
NONE, EVERY = "'none'", f"{OURS} {THEIRS}"
# What an open route may answer a stranger with; a new open route has to say so here.
OPEN: dict[str, set[str]] = {
    "/launch": {NONE},
    "/launch/standalone/{tenant}": {NONE},
    "/launch/framed/{reference}": {EVERY},
    "/launch/window/{reference}": {NONE},
    "/pick/{pick_id}": {NONE},
    "/pick/{pick_id}/search": {NONE},
    "/pick/{pick_id}/look": {NONE},
    "/pick/{pick_id}/confirm": {NONE},
    "/launch/callback": {EVERY},
    "/launch/callback/{tenant}": {EVERY},
    "/ehr/{tenant}/jwks.json": {NONE},
    "/recordings/{recording_id}": {NONE},
    "/recordings/{recording_id}/chunks/{seq}": {NONE},
    "/recordings/{recording_id}/marks/{number}": {NONE},
    "/recordings/{recording_id}/close": {NONE},
    "/enter": {NONE},
    "/hooks/assemblyai/{job_key}": {NONE},
}
PAGES = [route for route in ROUTES if isinstance(route, APIRoute)]
# These end the session, so they come last.
ENDING = ("/v/{launch_id}/discard", "/v/{launch_id}/leave")
VISIT = sorted((one for one in PAGES if one.path.startswith("/v/{launch_id}")), key=lambda one: one.path in ENDING)


def ancestors(answer: httpx.Response) -> str:
    """The one policy's frame-ancestors; a second policy or an X-Frame-Options would say something else beside it."""
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "x-frame-options" not in answer.headers
    (found,) = re.findall(r"frame-ancestors ([^;]*)", policy)
    return str(found)


def fill(path: str, launch_id: str) -> str:
    return re.sub(r"\{[^}]+\}", "0", path.replace("{launch_id}", launch_id))


@pytest.fixture
async def both(make_ehr: MakeEhr, open_scribe: OpenScribe) -> AsyncIterator[tuple[Scribe, StrictEhr]]:
    ours, theirs = make_ehr(), make_ehr()
    scribe = open_scribe(ours, theirs, standalone=True)
    origins = {ours.name: (OURS,), theirs.name: (THEIRS,)}
    entries = tuple(replace(one, frame_ancestors=origins[one.tenant]) for one in scribe.parts.registrations.entries)
    parts = replace(scribe.parts, registrations=replace(scribe.parts.registrations, entries=entries))
    changed = Scribe(parts)
    yield changed, ours
    await settle(changed.app)


async def ask(desk: Desk, method: str, path: str, **headers: str) -> httpx.Response:
    own = {"X-CSRF-Token": desk.csrf, "Origin": PUBLIC, **headers}
    return await desk.browser.request(method, path, headers=own)


async def test_a25_every_answer_of_a_launchs_routes_names_its_own_ehr_only(both: tuple[Scribe, StrictEhr]) -> None:
    """Pages, JSON, refused input, a missing token: all of them, whatever the status."""
    scribe, ours = both
    statuses: set[int] = set()
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ours)
        for route in VISIT:
            for method in sorted(route.methods):
                path = fill(route.path, desk.launch_id)
                for headers in ({"X-CSRF-Token": "wrong"}, {"Accept": "application/json"}):
                    answer = await ask(desk, method, path, **headers)
                    assert ancestors(answer) == OURS, (method, path, answer.status_code)
                    statuses.add(answer.status_code)
    assert {200, 403, 404, 422} <= statuses


async def test_a25_a_launch_nobody_here_has_says_so_in_any_registered_ehr(both: tuple[Scribe, StrictEhr]) -> None:
    scribe, ours = both
    async with scribe.browser() as browser, scribe.browser() as stranger:
        desk = await sit_down(scribe, browser, ours)
        for launch_id in (desk.launch_id, "0" * 32):
            for route in VISIT:
                for method in sorted(route.methods):
                    answer = await stranger.request(method, fill(route.path, launch_id))
                    assert (answer.status_code, ancestors(answer)) == (404, EVERY), (method, route.path)


async def test_a25_open_routes_say_who_may_frame_a_refusal(both: tuple[Scribe, StrictEhr]) -> None:
    scribe, _ = both
    found: dict[str, set[str]] = {}
    async with scribe.browser() as stranger:
        for route in PAGES:
            if route in VISIT:
                continue
            for method in sorted(route.methods):
                answer = await stranger.request(method, fill(route.path, "0"), headers={"Origin": PUBLIC})
                found.setdefault(route.path, set()).add(ancestors(answer))
    assert found == OPEN


async def test_a25_nobody_frames_what_is_no_page(both: tuple[Scribe, StrictEhr]) -> None:
    """Unknown addresses, wrong methods, static files, health; too many launches of one EHR are told inside that one."""
    scribe, ours = both
    strict = Scribe(replace(scribe.parts, policy=replace(scribe.parts.policy, launches_per_minute=1)))
    seen: set[int] = set()
    async with scribe.browser() as browser, strict.browser() as busy:
        desk = await sit_down(scribe, browser, ours)
        paths = ["/", "/nowhere", f"{desk.path}/nowhere", "/static/css/base.css", "/static/none.css", "/health/live"]
        answers = [await browser.get(path) for path in [*paths, "/health/ready"]]
        answers += [await browser.request("PATCH", path) for path in (desk.path, "/launch", "/enter", "/health/live")]
        for answer in answers:
            assert ancestors(answer) == NONE, answer.request.url
            seen.add(answer.status_code)
        for _ in range(2):
            limited = await busy.get("/launch", params=ours.open_launch())
    assert (limited.status_code, ancestors(limited)) == (429, OURS)
    assert seen == {200, 404, 405}


BROKEN_PARTS = {"Content-Type": "multipart/form-data; boundary=x"}


async def test_a25_refused_launches_are_told_inside_the_ehr_they_name(both: tuple[Scribe, StrictEhr]) -> None:
    scribe, ours = both
    iss = {"iss": ours.open_launch()["iss"]}
    asked = {
        "/launch": [iss, {**iss, "launch": ""}, [*iss.items(), ("launch", "a"), ("launch", "b")]],
        f"/launch/standalone/{ours.name}": [{}],
    }
    ours.behaviour.away = {"/fhir/.well-known/smart-configuration"}
    async with scribe.browser() as browser:
        for path, queries in asked.items():
            for query in queries:
                answer = await browser.get(path, params=query, headers={"Accept": "text/html"})
                assert answer.status_code >= 400 and "Support code" in answer.text
                assert ancestors(answer) == OURS, (path, query)
        nobody = await browser.get("/launch", params={"iss": "https://nobody.example", "launch": "x"})
    assert (nobody.status_code, ancestors(nobody)) == (400, NONE)


async def test_a25_every_answer_of_a_search_for_a_patient_names_its_own_ehr_only(
    both: tuple[Scribe, StrictEhr], clock: Clock
) -> None:
    """Pages, refused and malformed input, a form without its token, a stranger's browser, and after its time."""
    scribe, ours = both
    fill_people(ours)
    async with scribe.browser() as browser, scribe.browser() as stranger:
        search = await search_page(ours, scribe, browser)
        answers = [await search.open(), await stranger.get(search.base), await search.post("search", name="okafor")]
        for end in ("search", "look", "confirm"):
            address = f"{search.base}/{end}"
            answers += [
                await search.post(end, name="x" * 101, born="never", patient="x" * 101),
                await search.post(end, csrf="wrong", name="okafor", patient="p8"),
                await stranger.post(address, data={"patient": "p8"}),
            ]
            in_parts = await browser.post(address, content=b"--x\r\nnot a part", headers=BROKEN_PARTS)
            assert (in_parts.status_code, ancestors(in_parts)) == (422, NONE)  # whose it is was not looked at
        assert {200, 403, 404, 422} <= {answer.status_code for answer in answers}
        assert [ancestors(answer) for answer in answers] == [OURS] * len(answers)
        clock.forward(seconds=601)
        late = await browser.get(search.base)
        assert (late.status_code, ancestors(late)) == (404, OURS)
        unknown = await browser.post("/pick/unknown/search", data={"name": "x" * 101})
        assert (unknown.status_code, ancestors(unknown)) == (422, NONE)


async def test_a25_a_ticket_that_came_too_late_says_so_inside_its_ehr(
    both: tuple[Scribe, StrictEhr], clock: Clock
) -> None:
    scribe, ours = both
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ours)
        address = (await desk.post("/window")).json()["address"]
        clock.forward(seconds=61)
        late, again = await browser.get(address), await browser.get(address)
        malformed = await browser.get("/enter")
    assert (late.status_code, ancestors(late)) == (404, OURS)
    assert (again.status_code, ancestors(again)) == (404, NONE), "used up: nobody knows whose it was"
    assert (malformed.status_code, ancestors(malformed)) == (422, NONE)

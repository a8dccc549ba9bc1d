"""Every route of a visit: closed to all but the browser that launched it, and to every page but our own."""

from __future__ import annotations

import itertools

import httpx
import pytest
from fastapi.routing import APIRoute

from connector.web import capturing, launching, returning, visiting
from connector.web.application import OPEN_ROUTES
from tests.fixtures.product import ORIGIN
from tests.wire.web.conftest import JSON, PAGE, Seat, Site

_ROUTES = [
    (method, route.path)
    for router in (launching.router, visiting.router, capturing.router, returning.router)
    for route in router.routes
    if isinstance(route, APIRoute) and route.path not in OPEN_ROUTES
    for method in sorted(route.methods)
]
_CHANGING = [(method, path) for method, path in _ROUTES if method not in ("GET", "HEAD")]


def fill(path: str, launch_id: str) -> str:
    return path.format(launch_id=launch_id, recording_id="0" * 32, seq=0)


async def send(site: Site, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    """As a browser would: header bytes need not be ASCII."""
    raw = {name: value.encode("latin-1") for name, value in {**JSON, **headers}.items()}
    return await site.client.request(method, path, headers=httpx.Headers(raw))  # type: ignore[arg-type]


def told(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    """Status and body without what differs from answer to answer."""
    return answer.status_code, {key: value for key, value in answer.json().items() if key != "support_code"}


def test_there_are_routes_to_try() -> None:
    assert len(_ROUTES) > 15 and len(_CHANGING) > 8


@pytest.mark.parametrize(("method", "path"), _ROUTES)
async def test_without_its_session_a_visit_does_not_exist(site: Site, method: str, path: str) -> None:
    """The same answer for no cookie, another launch's cookie, a guess, and a launch that never was."""
    mine, theirs = await site.seat(), await site.seat()
    own_name = mine.cookie["Cookie"].partition("=")[0]
    strangers: list[tuple[str, dict[str, str]]] = [
        (mine.launch_id, {}),
        (mine.launch_id, theirs.cookie),
        (mine.launch_id, {"Cookie": f"{own_name}={theirs.secret}"}),
        (mine.launch_id, {"Cookie": f"{own_name}="}),
        (mine.launch_id, {"Cookie": f"{own_name}=ä\xff"}),
        ("0" * 32, mine.cookie),
        (mine.launch_id[:16] + "0" * 16, mine.cookie),
        ("%00", mine.cookie),
        (mine.launch_id.upper(), mine.cookie),
    ]
    answers = [
        told(await send(site, method, fill(path, launch), {**cookie, "X-CSRF-Token": mine.csrf, "Origin": ORIGIN}))
        for launch, cookie in strangers
    ]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers), answers


def forged(seat: Seat) -> dict[str, dict[str, str]]:
    """What another site can make a browser send, and what a stale page sends."""
    own = seat.cookie
    return {
        "no token": {**own, "Origin": ORIGIN},
        "empty token": {**own, "X-CSRF-Token": "", "Origin": ORIGIN},
        "wrong token": {**own, "X-CSRF-Token": "x" * 43, "Origin": ORIGIN},
        "token that is no ASCII": {**own, "X-CSRF-Token": "ä\xff", "Origin": ORIGIN},
        "another origin": {**seat.changing, "Origin": "https://evil.example"},
        "no origin at all": {**seat.changing, "Origin": "null"},
        "our name on another port": {**seat.changing, "Origin": "http://127.0.0.1:8001"},
        "our name in another scheme": {**seat.changing, "Origin": "https://127.0.0.1:8000"},
        "from another site": {**seat.changing, "Sec-Fetch-Site": "cross-site"},
        "from the same site": {**seat.changing, "Sec-Fetch-Site": "same-site"},
    }


@pytest.mark.parametrize(("method", "path"), _CHANGING)
async def test_a_change_needs_the_token_and_comes_from_our_own_page(site: Site, method: str, path: str) -> None:
    seat, other = await site.seat(), await site.seat()
    tries = {**forged(seat), "token of another launch": {**seat.changing, "X-CSRF-Token": other.csrf}}
    for name, headers in tries.items():
        answer = await send(site, method, fill(path, seat.launch_id), headers)
        assert answer.status_code == 403, (name, answer.text)
    assert (await site.parts.visits.row(seat.visit_id)).state == "PRIMED"


async def test_a_change_from_our_own_page_goes_through(site: Site) -> None:
    """Else the refusals above would prove nothing."""
    seat = await site.seat()
    body = {"answer": "given", "method": "verbal"}
    by_header = await site.client.post(f"{seat.path}/consent", data=body, headers={**JSON, **seat.changing})
    assert by_header.status_code == 200, by_header.text
    headers = {**PAGE, **seat.cookie, "Origin": ORIGIN}
    by_field = await site.client.post(f"{seat.path}/consent", data={**body, "csrf": seat.csrf}, headers=headers)
    assert by_field.status_code == 303
    assert by_field.headers["location"] == seat.path


async def test_two_launches_in_one_browser_keep_to_themselves(site: Site) -> None:
    first, second = await site.seat(), await site.seat()
    jar = {"Cookie": f"{first.cookie['Cookie']}; {second.cookie['Cookie']}"}
    for seat in (first, second):
        answer = await send(site, "GET", f"{seat.path}/status", jar)
        assert answer.status_code == 200
    crossed = {**jar, "X-CSRF-Token": second.csrf, "Origin": ORIGIN}
    answer = await site.client.post(f"{first.path}/consent", data={"answer": "given"}, headers={**JSON, **crossed})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "authorization", ["", "Upload", "Upload ", "Bearer token", "Upload guess", "Upload \xff", "Basic dDp0"]
)
async def test_a_chunk_without_its_upload_token_is_refused_whether_the_recording_exists_or_not(
    site: Site, authorization: str
) -> None:
    seat = await site.seat()
    recording = site.parts.new_id()
    await site.parts.chunks.open_recording(recording, seat.visit_id, token="token", at=site.parts.clock())
    headers = httpx.Headers({**JSON, "Authorization": authorization.encode("latin-1")})  # type: ignore[dict-item]
    answers = [
        told(await site.client.put(f"/recordings/{one}/chunks/0", content=b"sound", headers=headers))
        for one in (recording, "0" * 32, "%00")
    ]
    assert answers[0][0] == 403
    assert all(answer == answers[0] for answer in answers)
    assert await site.parts.chunks.acknowledged(recording) == []


async def test_names_of_session_cookies_do_not_collide(site: Site) -> None:
    names = [(await site.seat()).cookie["Cookie"].partition("=")[0] for _ in range(5)]
    assert all(one != other for one, other in itertools.combinations(names, 2))

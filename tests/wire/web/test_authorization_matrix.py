"""Who may use which route: every route of the application, tried by everybody who may not and by the one who may.

Routes come from the application itself, answers from what a route depends on: a new route is in it by being there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.routing import APIRoute

from connector.store import schema
from connector.web.application import OPEN_ROUTES
from connector.web.session import open_changing_session, open_hidden_session, open_session, open_unlocking_session
from tests.fixtures.product import ORIGIN
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, Seat, Site, statements

_GATES: dict[Callable[..., Any], str] = {
    open_changing_session: "changing",
    open_unlocking_session: "unlocking",
    open_session: "reading",
    open_hidden_session: "hidden",
}
_BY_TOKEN = [
    ("GET", "/recordings/{recording_id}", None),
    ("PUT", "/recordings/{recording_id}/chunks/{seq}", None),
    ("PUT", "/recordings/{recording_id}/marks/{number}", {"kind": "paused", "at_ms": 0}),
    ("POST", "/recordings/{recording_id}/close", {"chunks": 0}),
]
_NOBODY = "0" * 32


@pytest.fixture(scope="module")
def product_folder(product_folder: Path) -> Path:
    """Two EHRs: the clinic, and another tenant."""
    folder = product_folder / "registrations"
    other = yaml.safe_load((folder / "clinic.yaml").read_text(encoding="utf-8"))
    other |= {"name": "Elsewhere", "fhir_base": "http://localhost:8082/fhir", "frame_ancestors": []}
    (folder / "elsewhere.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    return product_folder


def routes_of(site: Site) -> list[tuple[str, str, str]]:
    """Method, path and gate of every route that is not open; a route that declares nothing fails here."""
    found = []
    for route in walk(site.app.router.routes):
        if route.path not in OPEN_ROUTES:
            calls = {one.call for one in route.dependant.dependencies}
            gates = [name for call, name in _GATES.items() if call in calls]
            assert len(gates) == 1, f"{route.path} does not say who may use it"
            found += [(method, route.path, gates[0]) for method in sorted(route.methods)]
    assert len(found) > 20
    return found


def walk(routes: Any) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from walk(getattr(getattr(route, "original_router", None), "routes", ()))


def fill(path: str, launch_id: str, recording_id: str = _NOBODY) -> str:
    return path.format(launch_id=launch_id, recording_id=recording_id, seq=0, number=0, turn_id="t1")


async def send(site: Site, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    return await site.client.request(method, path, headers={**JSON, **headers})


def told(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    return answer.status_code, {key: value for key, value in answer.json().items() if key != "support_code"}


async def change_launch(site: Site, seat: Seat, **values: object) -> None:
    async with site.parts.visits.engine.begin() as connection:
        launches = schema.launches
        await connection.execute(launches.update().where(launches.c.launch_id == seat.launch_id).values(**values))


async def test_d01_to_everybody_else_a_visit_does_not_exist(site: Site) -> None:
    """The same answer, word for word, after the same questions to the database, as for an id nobody ever had."""
    mine = await site.seat(clinician="Practitioner/one")
    strangers = {
        "no session": {},
        "session of another launch": (await site.seat(clinician="Practitioner/one")).changing,
        "another clinician of the same EHR": (await site.seat(clinician="Practitioner/two")).changing,
        "another EHR": (await site.seat(tenant="elsewhere", clinician="Practitioner/one")).changing,
    }
    name = mine.cookie["Cookie"].partition("=")[0]
    for who, headers in strangers.items():
        carried = {**headers, "Cookie": f"{name}={headers['Cookie'].partition('=')[2]}"} if headers else {}
        for method, path, _ in routes_of(site):
            for cookies in (headers, carried):
                unknown_name = {
                    **cookies,
                    "Cookie": cookies.get("Cookie", "").replace(name, f"__Host-visit-{'0' * 16}"),
                }
                with statements(site) as for_foreign:
                    foreign = await send(site, method, fill(path, mine.launch_id), cookies)
                with statements(site) as for_unknown:
                    unknown = await send(site, method, fill(path, _NOBODY), unknown_name)
                assert foreign.status_code == 404, (who, path, foreign.text)
                assert told(foreign) == told(unknown), (who, path)
                assert for_foreign == for_unknown, (who, path)


@pytest.mark.parametrize("how", ["expired", "ended"])
async def test_d01_a_session_that_is_over_opens_no_route(site: Site, how: str) -> None:
    seat = await site.seat()
    past = site.parts.clock() - timedelta(seconds=1)
    await change_launch(site, seat, **({"expires_at": past} if how == "expired" else {"ended": True}))
    for method, path, _ in routes_of(site):
        answer = await send(site, method, fill(path, seat.launch_id), seat.changing)
        assert 401 <= answer.status_code <= 404, (path, answer.text)
        assert samples.context().patient.items[0].name not in answer.text


async def test_d01_a_hidden_page_shows_and_changes_nothing(site: Site) -> None:
    seat = await site.seat()
    long_ago = site.parts.clock() - timedelta(seconds=site.parts.policy.session_idle + 1)
    for method, path, gate in routes_of(site):
        await change_launch(site, seat, seen_at=long_ago)
        answer = await send(site, method, fill(path, seat.launch_id), seat.changing)
        assert samples.context().patient.items[0].name not in answer.text, path
        if gate in ("reading", "changing"):
            assert answer.status_code not in range(200, 400), (path, answer.status_code)
            assert answer.json()["type"].endswith(":session-locked"), (path, answer.text)
        elif gate == "hidden":
            assert answer.status_code == 200, (path, answer.text)
            body = answer.json() if "json" in answer.headers["content-type"] else {"locked": "/unlock" in answer.text}
            assert body["locked"], path
        if path.endswith("/leave"):
            await change_launch(site, seat, ended=False)


async def test_d05_a_forged_change_is_refused_on_every_route(site: Site) -> None:
    seat, other = await site.seat(), await site.seat()
    forged = [
        {**seat.cookie, "Origin": ORIGIN},
        {**seat.changing, "X-CSRF-Token": other.csrf},
        {**seat.changing, "Origin": "https://evil.example"},
        {**seat.changing, "Sec-Fetch-Site": "cross-site"},
    ]
    tried = 0
    for method, path, gate in routes_of(site):
        if gate in ("changing", "unlocking"):
            for headers in forged:
                answer = await send(site, method, fill(path, seat.launch_id), headers)
                assert answer.status_code == 403, (path, answer.text)
                tried += 1
        else:
            assert method in ("GET", "HEAD"), f"{path} changes something without a token"
    assert tried > 40 and (await site.parts.visits.row(seat.visit_id)).state == "PRIMED"


async def test_the_own_session_gets_past_every_gate(site: Site) -> None:
    """Else the refusals above would prove nothing."""
    outsider = told(await send(site, "GET", fill("/v/{launch_id}", _NOBODY), {}))
    for method, path, _ in routes_of(site):
        seat = await site.seat(samples.consent())
        answer = await send(site, method, fill(path, seat.launch_id), seat.changing)
        assert answer.status_code not in (401, 403), (path, answer.text)
        if answer.status_code == 404:
            assert told(answer) != outsider, path


@pytest.mark.parametrize("action", ["token", "close"])
async def test_d01_anothers_recording_is_answered_like_one_that_never_was(site: Site, action: str) -> None:
    mine, parts = await site.seat(samples.consent(), state="CAPTURING"), site.parts
    ids = {}
    for name, seat in {
        "own": mine,
        "colleague": await site.seat(),
        "abroad": await site.seat(tenant="elsewhere"),
    }.items():
        ids[name] = parts.new_id()
        await parts.chunks.open_recording(ids[name], seat.visit_id, token="t", at=parts.clock())
    answers = {}
    for name, recording in {**ids, "unknown": _NOBODY}.items():
        url = f"{mine.path}/recordings/{recording}/{action}"
        with statements(site) as sent:
            answer = await site.client.post(url, json={"chunks": 0}, headers={**JSON, **mine.changing})
        answers[name] = (told(answer), sent)
    assert answers["unknown"][0][0] == 404
    assert answers["colleague"] == answers["abroad"] == answers["unknown"]
    assert answers["own"][0] != answers["unknown"][0]
    for name in ("colleague", "abroad"):
        assert (await parts.chunks.find(ids[name])).state == "open"


async def test_d01_lists_hold_only_what_is_ones_own(site: Site) -> None:
    mine = await site.seat(clinician="Practitioner/lists")
    others = [
        await site.seat(clinician="Practitioner/else"),
        await site.seat(tenant="elsewhere", clinician="Practitioner/lists"),
    ]
    for seat in others:
        recording = site.parts.new_id()
        await site.parts.chunks.open_recording(recording, seat.visit_id, token="t", at=site.parts.clock())
    listed = (await send(site, "GET", f"{mine.path}/visits", mine.cookie)).json()["visits"]
    assert [one["visit_id"] for one in listed] == [mine.visit_id]
    assert (await send(site, "GET", f"{mine.path}/recordings", mine.cookie)).json() == {"recordings": []}


def test_d01_every_route_of_an_upload_token_is_tried() -> None:
    assert {path for _, path, _ in _BY_TOKEN} == {path for path in OPEN_ROUTES if path.startswith("/recordings/")}


@pytest.mark.parametrize(("method", "path", "body"), _BY_TOKEN)
async def test_d01_an_upload_token_opens_its_own_recording_only(
    site: Site, method: str, path: str, body: dict[str, object] | None
) -> None:
    seats = [await site.seat(samples.consent()), await site.seat(samples.consent(), tenant="elsewhere")]
    ids = [site.parts.new_id() for _ in seats]
    for number, (recording, seat) in enumerate(zip(ids, seats, strict=True)):
        await site.parts.chunks.open_recording(recording, seat.visit_id, token=f"t{number}", at=site.parts.clock())
    answers = []
    for recording, token in ((ids[1], "t0"), (_NOBODY, "t0"), (ids[0], "t1"), (ids[0], "")):
        headers = {**seats[0].changing, "Authorization": f"Upload {token or 'x'}"}
        url = fill(path, "", recording)
        answers.append(told(await site.client.request(method, url, json=body, headers={**JSON, **headers})))
    assert answers[0][0] == 403
    assert all(one == answers[0] for one in answers)
    own = await site.client.request(
        method, fill(path, "", ids[0]), json=body, headers={**JSON, "Authorization": "Upload t0"}
    )
    assert own.status_code not in (401, 403, 404), own.text


async def test_d01_an_open_route_tells_nothing_of_any_visit(site: Site) -> None:
    seat = await site.seat()
    values = {"tenant": "clinic", "reference": seat.launch_id, "recording_id": seat.launch_id, "seq": 0, "number": 0}
    values["pick_id"] = values["job_key"] = seat.launch_id
    for route in walk(site.app.router.routes):
        if route.path in OPEN_ROUTES:
            for method in route.methods:
                answer = await send(site, method, route.path.format(**values), seat.cookie)
                assert answer.status_code < 500, (route.path, answer.text)
                assert seat.visit_id not in answer.text
                assert samples.context().patient.items[0].name not in answer.text

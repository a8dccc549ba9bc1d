"""Errors as answers: problem+json for machines, a page for people, and nothing but our own sentences in either."""

from __future__ import annotations

import json
import logging
import re

import httpx
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from connector.errors import EhrUnavailable
from tests.fixtures.product import ORIGIN
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Site
from tests.wire.web.test_headers import check

MARKER = "Qzunforeseen"


@pytest.fixture(scope="module")
def spoilt(site: Site) -> Site:
    """Routes that fail as no route should; they stand in the application like any other."""

    async def crash(request: Request) -> Response:
        raise ValueError(f"cannot read {MARKER} of {request.url}")

    async def crash_late(request: Request) -> Response:
        async def half() -> object:
            yield b"half of it"
            raise ValueError(MARKER)

        return StreamingResponse(half())  # type: ignore[arg-type]

    async def away(request: Request) -> Response:
        raise EhrUnavailable("The EHR cannot be reached.", retry_after=17.2)

    for path, route in (("/crash", crash), ("/crash-late", crash_late), ("/away", away)):
        site.app.add_api_route(path, route, methods=["GET", "POST"])
    return site


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/json, text/html;q=0.1", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
    ],
)
async def test_machines_get_problem_json_and_people_a_page(site: Site, accept: str, kind: str) -> None:
    answer = await site.client.get("/launch", headers={"Accept": accept})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == kind


async def test_a_problem_names_type_title_status_sentence_and_support_code(site: Site) -> None:
    body = (await site.client.get("/launch", headers=JSON)).json()
    assert set(body) == {"type", "title", "status", "detail", "support_code"}
    assert body["type"] == "urn:smart-scribe:problem:launch-refused"
    assert re.fullmatch(r"[0-9a-f]{8}", body["support_code"])
    again = (await site.client.get("/launch", headers=JSON)).json()
    assert again["support_code"] != body["support_code"]


async def test_what_nobody_foresaw_gives_a_support_code_and_no_text_inside_all_headers(spoilt: Site) -> None:
    answer = await spoilt.client.get("/crash?q=1", headers=JSON)
    assert answer.status_code == 500
    assert answer.json()["type"].endswith(":internal")
    assert answer.json()["support_code"]
    assert MARKER not in answer.text and "ValueError" not in answer.text and "crash" not in answer.text
    check(answer)
    page = await spoilt.client.get("/crash", headers=PAGE)
    assert page.status_code == 500 and MARKER not in page.text
    assert re.search(r"<code>[0-9a-f]{8}</code>", page.text)
    check(page)


async def test_the_log_of_what_nobody_foresaw_names_type_place_and_code_and_no_text(
    spoilt: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = await spoilt.client.get("/crash", headers=JSON)
    (line,) = [one for one in lines if one["event"] == "request.refused"]
    assert line["support_code"] == answer.json()["support_code"]
    assert (line["kind"], line["status"], line["route"]) == ("ValueError", 500, "/crash")
    assert re.fullmatch(r"web/test_problems\.py:\d+", line["where"])
    assert MARKER not in json.dumps(lines, default=str)
    assert MARKER not in "".join(capsys.readouterr())


async def test_an_answer_that_fails_half_way_is_cut_and_not_passed_off_as_whole(
    spoilt: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match=MARKER):
        await spoilt.client.get("/crash-late", headers=JSON)


async def test_an_error_that_says_when_to_try_again_passes_it_on(spoilt: Site) -> None:
    answer = await spoilt.client.get("/away", headers=JSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "17")


async def test_a_page_that_is_not_there_does_not_tell_anybody_to_try_again(site: Site) -> None:
    text = (await site.client.get("/", headers=PAGE)).text
    assert "Look at the address, or open the scribe from the patient&#39;s chart." in text
    assert "Try again" not in text


async def test_an_unknown_address_is_not_repeated(site: Site) -> None:
    for accept in (JSON, PAGE):
        answer = await site.client.get(f"/no/{MARKER}?x={MARKER}", headers=accept)
        assert answer.status_code == 404 and MARKER not in answer.text


BODIES = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "not a number": b'{"revision": NaN}',
    "endless": b'{"revision": Infinity}',
    "depth": b"[" * 100_000,
    "depth in an object": b'{"a":' * 50_000,
    "half a pair": rb'{"revision": 1, "sections": {"plan": [{"id": null, "text": "\ud800"}]}}',
    "too large": b'{"revision": 1, "x": "' + b"x" * 1_100_000 + b'"}',
    "a long number": b'{"revision": ' + b"9" * 6000 + b"}",
}
EDITS = {
    "no revision": {"sections": {}},
    "revision as yes": {"revision": True, "sections": {}},
    "revision as text": {"revision": "²", "sections": {}},
    "huge revision": {"revision": 10**30, "sections": {}},
    "negative revision": {"revision": -1, "sections": {}},
    "sections as list": {"revision": 1, "sections": []},
    "no sections": {"revision": 1},
    "section as number": {"revision": 1, "sections": {"plan": 7}},
    "section as text": {"revision": 1, "sections": {"plan": "words"}},
    "sentence as text": {"revision": 1, "sections": {"plan": ["words"]}},
    "sentence without text": {"revision": 1, "sections": {"plan": [{"id": None}]}},
    "text as number": {"revision": 1, "sections": {"plan": [{"id": None, "text": 7}]}},
    "id as number": {"revision": 1, "sections": {"plan": [{"id": 7, "text": "words"}]}},
    "unknown section": {"revision": 1, "sections": {"nowhere": []}},
    "unknown sentence": {"revision": 1, "sections": {"plan": [{"id": "s99", "text": "words"}]}},
}
TARGETS = ["/note", "/sign", "/recordings/" + "0" * 32 + "/close"]


async def post(site: Site, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    all_headers = {**JSON, **headers, "Content-Type": "application/json"}
    return await site.client.post(path, content=body, headers=all_headers)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("target", TARGETS, ids=["note", "sign", "close"])
async def test_a_body_nobody_can_read_is_the_senders_fault_and_never_ours(site: Site, name: str, target: str) -> None:
    seat = await site.seat(samples.transcript(), samples.draft(), samples.shown().findings, state="DRAFTED")
    answer = await post(site, seat.path + target, BODIES[name], seat.changing)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("name", EDITS)
async def test_an_edit_of_the_wrong_shape_is_refused_whole(site: Site, name: str) -> None:
    seat = await site.seat(samples.transcript(), samples.draft(), samples.shown().findings, state="DRAFTED")
    answer = await post(site, f"{seat.path}/note", json.dumps(EDITS[name]).encode(), seat.changing)
    assert answer.status_code in (409, 422), answer.text
    note = (await site.client.get(f"{seat.path}/note", headers={**JSON, **seat.cookie})).json()
    assert note["revision"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"attest": "yes"},
        {"attest": "yes", "revision": 1},
        {"attest": "yes", "revision": "1; DROP", "shown_sha256": "x"},
        {"attest": "yes", "revision": 1, "shown_sha256": 7},
        {"attest": "yes", "revision": 1, "shown_sha256": "ü" * 64},
        {"attest": True, "revision": 1, "shown_sha256": "f" * 64},
    ],
)
async def test_a_signature_of_the_wrong_shape_is_refused(site: Site, body: dict[str, object]) -> None:
    seat = await site.seat(samples.transcript(), samples.draft(), samples.shown().findings, state="DRAFTED")
    answer = await post(site, f"{seat.path}/sign", json.dumps(body).encode(), seat.changing)
    assert answer.status_code in (409, 422), answer.text
    assert (await site.parts.visits.row(seat.visit_id)).state == "DRAFTED"


@pytest.mark.parametrize("seq", ["-1", "x", "1.5", "99999999999999999999", "%00", "²"])
async def test_a_chunk_under_an_impossible_number_is_refused(site: Site, seq: str) -> None:
    seat = await site.seat(samples.consent())
    recording = site.parts.new_id()
    await site.parts.chunks.open_recording(recording, seat.visit_id, token="token", at=site.parts.clock())
    headers = {**JSON, "Authorization": "Upload token", "Content-Digest": "sha-256=:AAAA:"}
    answer = await site.client.put(f"/recordings/{recording}/chunks/{seq}", content=b"x", headers=headers)
    assert 400 <= answer.status_code < 500, answer.text


async def test_a_chunk_larger_than_allowed_is_refused_before_it_is_kept(site: Site) -> None:
    seat = await site.seat(samples.consent())
    recording = site.parts.new_id()
    await site.parts.chunks.open_recording(recording, seat.visit_id, token="token", at=site.parts.clock())
    headers = {**JSON, "Authorization": "Upload token", "Origin": ORIGIN}
    large = b"x" * (site.parts.policy.max_chunk_bytes + 1)
    answer = await site.client.put(f"/recordings/{recording}/chunks/0", content=large, headers=headers)
    assert answer.status_code in (400, 413, 422), answer.text
    assert "MiB" in answer.json()["detail"]
    assert await site.parts.chunks.acknowledged(recording) == []

"""Security headers and cookies: exact, on every answer, errors and static files included."""

from __future__ import annotations

import re

import httpx
import pytest
from starlette.responses import Response

from connector.web.session import set_cookie
from tests.fixtures.product import EHR
from tests.wire.web.conftest import JSON, PAGE, Site

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
}


CAPTURES = {
    "": "microphone=(self), display-capture=()",
    "/recorder": "microphone=(self), display-capture=(self)",
}


def policy_of(answer: httpx.Response) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


def check(
    answer: httpx.Response, *, framed_by: str = "'none'", captures: str = "microphone=(), display-capture=()"
) -> None:
    for name, value in (ALWAYS | {"permissions-policy": f"{captures}, camera=(), geolocation=()"}).items():
        assert answer.headers.get_list(name) == [value], name
    assert len(answer.headers.get_list("content-security-policy")) == 1
    policy = policy_of(answer)
    assert {name: policy.get(name) for name in POLICY} == POLICY
    assert policy["frame-ancestors"] == framed_by
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers
    assert "server" not in answer.headers and "x-powered-by" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/static/css/base.css", 200),
        ("/static/no-such-file.css", 404),
        ("/no/such/page", 404),
        ("/launch", 400),
        ("/launch?iss=http://nobody.invalid&launch=x", 400),
        ("/launch/callback", 400),
        ("/docs", 404),
        ("/openapi.json", 404),
    ],
)
@pytest.mark.parametrize("accept", [JSON, PAGE], ids=["machine", "person"])
async def test_every_open_answer_carries_them(site: Site, path: str, status: int, accept: dict[str, str]) -> None:
    answer = await site.client.get(path, headers=accept)
    assert answer.status_code == status
    known_ehrs = EHR if path == "/launch/callback" else "'none'"
    check(answer, framed_by=known_ehrs)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_a_method_that_is_not_offered_carries_them_too(site: Site, method: str) -> None:
    answer = await site.client.request(method, "/health/live", headers=JSON)
    assert answer.status_code == 405
    check(answer)


@pytest.mark.parametrize("path", ["", "/recorder", "/recorder/watch", "/status", "/note", "/filing", "/recordings"])
async def test_a_visits_answers_may_be_framed_by_its_ehr_alone_and_are_not_stored(site: Site, path: str) -> None:
    seat = await site.seat()
    answer = await site.client.get(seat.path + path, headers={**PAGE, **seat.cookie})
    check(answer, framed_by=EHR, **({"captures": CAPTURES[path]} if path in CAPTURES else {}))
    assert "no-store" in answer.headers["cache-control"]


async def test_a_visit_that_is_not_open_here_says_so_inside_the_frame_of_a_known_ehr(site: Site) -> None:
    """A browser that keeps no cookie in frames must show why, and no other site may frame it."""
    seat = await site.seat()
    for launch in (seat.launch_id, "0" * 32):
        answer = await site.client.get(f"/v/{launch}", headers=PAGE)
        assert answer.status_code == 404
        check(answer, framed_by=EHR)
        assert "open the scribe from the patient" in answer.text.lower()


async def test_a_page_holds_no_script_and_no_style_of_its_own(site: Site) -> None:
    seat = await site.seat()
    page = (await site.client.get(seat.path, headers={**PAGE, **seat.cookie})).text
    assert "<html" in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=", page)
    outside = re.findall(r'(?:src|href|action)="(https?:)?//', page)
    assert outside == []


def test_a_cookie_has_every_attribute_a_framed_session_needs() -> None:
    response = Response()
    set_cookie(response, "__Host-visit-1", "secret", max_age=43_200)
    assert response.headers.getlist("set-cookie") == [
        "__Host-visit-1=secret; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=None; Partitioned"
    ]


def test_a_cookie_is_taken_away_with_the_same_attributes() -> None:
    response = Response()
    set_cookie(response, "__Host-pending-1", "", max_age=0)
    assert response.headers["set-cookie"].endswith("; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None; Partitioned")

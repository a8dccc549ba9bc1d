"""A launch inside the EHR's frame: nothing goes to the EHR before our cookie has come back, or a window was opened.

Case A26. Client requirements 50 and 51: the authorization request is the same whichever way it went out.
"""

from __future__ import annotations

import html
import re

import httpx
import pytest

from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, asked_of, come_back
from tests.smart.strict_ehr import StrictEhr

FRAME = {"Sec-Fetch-Dest": "iframe"}


async def begin(browser: httpx.AsyncClient, ehr: StrictEhr, dest: str = "iframe") -> str:
    answer = await browser.get("/launch", params=ehr.open_launch(), headers={"Sec-Fetch-Dest": dest})
    assert answer.status_code == 303
    return str(answer.headers["location"])


async def offer(browser: httpx.AsyncClient, check: str) -> str:
    """The way into a window that the check page offers, once this browser has lost its cookies."""
    browser.cookies.clear()
    answer = await browser.get(check, headers=FRAME)
    assert answer.status_code == 200
    assert "Open in a window" in answer.text
    return html.unescape(re.findall(r'href="(/launch/window/[^"]+)"', answer.text)[0])


@pytest.mark.parametrize("dest", ["document", "", "empty"])
async def test_a26_a_launch_in_a_window_takes_no_other_way(ehr: StrictEhr, open_scribe: OpenScribe, dest: str) -> None:
    async with open_scribe(ehr).browser() as browser:
        assert (await begin(browser, ehr, dest)).startswith(f"{ehr.issuer}/authorize?")


@pytest.mark.parametrize("dest", ["iframe", "frame"])
async def test_a26_a_frame_that_keeps_our_cookie_goes_on_at_once(
    ehr: StrictEhr, open_scribe: OpenScribe, dest: str
) -> None:
    async with open_scribe(ehr).browser() as browser:
        check = await begin(browser, ehr, dest)
        assert check.startswith("/launch/framed/")
        heard = len(ehr.heard)
        away = await browser.get(check, headers=FRAME)
        assert len(ehr.heard) == heard
        done = await come_back(browser, ehr, ehr.approve(asked_of(away, ehr)))
        assert done.status_code == 303
        assert done.headers["location"].startswith("/v/")
        assert (await browser.get(check, headers=FRAME)).status_code == 400
    assert ehr.flaws == []


async def test_a26_a_frame_without_our_cookie_opens_a_window(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as frame, scribe.browser() as window:
        way = await offer(frame, await begin(frame, ehr))
        assert ehr.open_launch()["launch"] not in way
        asked = asked_of(await window.get(way), ehr)
        assert asked["state"] not in way
        done = await come_back(window, ehr, ehr.approve(asked))
        assert done.status_code == 303
        assert (await window.get(done.headers["location"])).status_code == 200
        assert (await frame.get(done.headers["location"])).status_code == 404
    assert ehr.flaws == []


async def test_a26_a_ticket_is_good_once(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as frame, scribe.browser() as window, scribe.browser() as thief:
        check = await begin(frame, ehr)
        way = await offer(frame, check)
        assert (await window.get(way)).status_code == 303
        assert (await thief.get(way)).status_code == 400
        assert (await window.get(way)).status_code == 400
        assert (await frame.get(check, headers=FRAME)).status_code == 400


async def test_a26_a_newer_ticket_ends_the_older_one_and_the_cookie(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as frame, scribe.browser() as window:
        check = await begin(frame, ehr)
        kept = httpx.Cookies(frame.cookies)
        first = await offer(frame, check)
        second = await offer(frame, check)
        assert (await window.get(first)).status_code == 400
        frame.cookies = kept
        assert "Open in a window" in (await frame.get(check, headers=FRAME)).text
        assert (await window.get(second)).status_code == 400


@pytest.mark.parametrize("seconds", [599, 601])
async def test_a26_a_ticket_lives_as_long_as_its_launch(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, seconds: int
) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as frame, scribe.browser() as window:
        way = await offer(frame, await begin(frame, ehr))
        clock.forward(seconds=seconds)
        assert (await window.get(way)).status_code == (303 if seconds < 600 else 400)


async def test_a26_a_stranger_gets_nowhere(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as frame, scribe.browser() as window:
        check = await begin(frame, ehr)
        way = await offer(frame, check)
        reference, ticket = check.rpartition("/")[2], way.rpartition("=")[2]
        for path in ("/launch/framed/nobody", "/launch/framed/%00", f"/launch/window/{reference}?ticket=x",
                     f"/launch/window/nobody?ticket={ticket}", f"/launch/window/{reference}?ticket="):  # fmt: skip
            assert (await window.get(path)).status_code == 400
        assert (await window.get(f"/launch/window/{reference}")).status_code == 422
        other_site = await window.get(way, headers={"Sec-Fetch-Site": "cross-site"})
        assert other_site.status_code == 403
        assert (await window.get(way)).status_code == 303


async def test_a26_the_check_can_be_framed_by_the_ehr_and_the_window_by_nobody(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    scribe = open_scribe(ehr, frame_ancestors=["https://ehr.example.org"])
    async with scribe.browser() as frame:
        check = await begin(frame, ehr)
        frame.cookies.clear()
        page = await frame.get(check, headers=FRAME)
        assert "frame-ancestors https://ehr.example.org" in page.headers["content-security-policy"]
        way = html.unescape(re.findall(r'href="(/launch/window/[^"]+)"', page.text)[0])
        assert "frame-ancestors 'none'" in (await frame.get(way)).headers["content-security-policy"]


async def test_a26_a_callback_without_a_cookie_says_what_to_do(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    async with open_scribe(ehr).browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
        browser.cookies.clear()
        refused = await come_back(browser, ehr, ehr.approve(asked_of(answer, ehr)))
    assert refused.status_code == 400
    assert "blocks the cookie" in html.unescape(refused.text)
    assert "window of its own" in refused.text


async def test_a26_a_form_to_the_ehr_waits_for_the_cookie_too(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr, authorize_method="post")
    async with scribe.browser() as frame, scribe.browser() as window:
        way = await offer(frame, await begin(frame, ehr))
        page = await window.get(way)
        done = await come_back(window, ehr, ehr.approve(asked_of(page, ehr)))
        assert done.status_code == 303
    assert ehr.flaws == []

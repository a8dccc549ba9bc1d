"""Bodies before anybody knows who sends them: nothing long is kept, and no page of another site spends our tries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connector.web.reading import settle
from tests.smart.scribe import OpenScribe, come_back, depart, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_flood import limited

PATHS = [
    "/pick/unknown/search",
    "/pick/unknown/confirm",
    "/v/unknown/encounter",
    "/v/unknown/text",
]
MANY = 40 * 1024 * 1024
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


@pytest.mark.parametrize("path", PATHS)
async def test_d08_a_body_longer_than_any_page_sends_is_cut_off(
    ehr: StrictEhr, open_scribe: OpenScribe, path: str
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < MANY:
            sent += 64 * 1024
            yield b"a" * (64 * 1024)

    async with open_scribe(ehr).browser() as browser:
        answer = await browser.post(path, content=endless(), headers=FORM)
        told = await browser.post(path, content=b"a" * 2 * 1024 * 1024, headers=FORM)
    assert answer.status_code == 400, answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert sent < 2 * 1024 * 1024, "it was read to the end"
    assert (told.status_code, told.json()["title"]) == (413, "Too large")


@pytest.mark.parametrize("path", PATHS)
async def test_d08_a_body_in_parts_is_refused_before_it_is_read(
    ehr: StrictEhr, open_scribe: OpenScribe, path: str
) -> None:
    async with open_scribe(ehr).browser() as browser:
        answer = await browser.post(path, files={"file": b"a" * 1000}, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (422, "This cannot be taken as it is")
    assert "without parts" in answer.json()["detail"]


async def test_d08_pictures_on_another_sites_page_spend_nobodys_tries(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    picture = {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "cross-site"}
    scribe = limited(open_scribe(ehr))
    async with scribe.browser() as browser, scribe.browser() as other:
        for _ in range(80):
            for path, query in (
                ("/launch/callback", {"state": "x", "code": "y"}),
                ("/launch", ehr.open_launch()),
                ("/enter", {"ticket": "x"}),
            ):
                assert (await other.get(path, params=query, headers=picture)).status_code == 403
        assert (await launch(browser, ehr)).status_code == 303
    await settle(scribe.app)


async def test_d08_who_brings_the_launchs_own_cookie_is_let_through_whatever_others_here_have_done(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Frames on a hostile page can still spend the tries of an address; a launch under way is not stopped by it."""
    scribe = limited(open_scribe(ehr))
    async with scribe.browser() as browser, scribe.browser() as other:
        query = await depart(browser, ehr)
        made_up: dict[str, Any] = {"state": "x", "code": "y"}
        statuses = [(await other.get("/launch/callback", params=made_up)).status_code for _ in range(40)]
        assert statuses[-1] == 429
        back = ehr.approve(query)
        assert (await come_back(other, ehr, back)).status_code == 429
        assert (await come_back(browser, ehr, back)).status_code == 303
    await settle(scribe.app)


async def test_a17_a_ticket_is_not_used_by_a_link_on_another_sites_page(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    scribe = limited(open_scribe(ehr))
    foreign = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site"}
    async with scribe.browser() as browser, scribe.browser() as window:
        base = (await launch(browser, ehr)).headers["location"]
        csrf = (await browser.get(base)).text.split('<meta name="csrf" content="')[1].split('"')[0]
        headers = {"x-csrf-token": csrf, "accept": "application/json"}
        ticket = (await browser.post(f"{base}/window", headers=headers)).json()["address"]
        assert (await window.get(ticket, headers=foreign)).status_code == 403
        assert (await window.get(ticket, headers={**foreign, "sec-fetch-site": "same-origin"})).status_code == 303
    await settle(scribe.app)

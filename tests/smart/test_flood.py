"""Floods and guesses at the open routes: refused in plain words, before anybody is called for them. Case D8."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from starlette.requests import Request

from connector.errors import NotFound, TooMany
from connector.settings import Settings
from connector.web.reading import settle
from connector.web.throttling import COUNTERS, Throttle, name_caller
from tests.smart.scribe import PUBLIC, MakeEhr, OpenScribe, Scribe, come_back, depart, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.watch import connections


def limited(scribe: Scribe) -> Scribe:
    """The same connector with the limits an operator has who sets none."""
    names = ("launches_per_minute", "failed_callbacks_per_minute", "failed_tickets_per_minute")
    changes = {name: Settings.model_fields[name].default for name in names}
    return Scribe(replace(scribe.parts, policy=replace(scribe.parts.policy, **changes)))


def browser_at(scribe: Scribe, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=scribe.app, raise_app_exceptions=False, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC, headers={"Accept": "text/html"})


def assert_waits(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert f"Wait {answer.headers['retry-after']} seconds" in answer.text


async def test_d08_a_flood_of_launches_is_refused_after_thirty_and_nobody_is_called_for_it(
    make_ehr: MakeEhr, open_scribe: OpenScribe
) -> None:
    """The thirty go through; the rest costs no EHR a request, and no other EHR or address a launch."""
    flooded, other = make_ehr(), make_ehr()
    scribe = limited(open_scribe(flooded, other))
    async with browser_at(scribe, "192.0.2.1") as here, browser_at(scribe, "192.0.2.2") as elsewhere:
        first = [await here.get("/launch", params=flooded.open_launch()) for _ in range(30)]
        assert {answer.status_code for answer in first} == {303}
        heard = len(flooded.heard)
        with connections() as made:
            refused = [await here.get("/launch", params=flooded.open_launch()) for _ in range(20)]
        assert (made, len(flooded.heard)) == ([], heard)
        for answer in refused:
            assert_waits(answer)
        assert (await launch(here, other)).status_code == 303
        assert (await launch(elsewhere, flooded)).status_code == 303


@pytest.mark.parametrize("path", ["/launch?iss=https://nobody.example&launch=1", "/launch/standalone/nobody"])
async def test_d08_launches_of_unknown_ehrs_share_one_limit(ehr: StrictEhr, open_scribe: OpenScribe, path: str) -> None:
    """Made-up names are no way around the limit, and no way to use up a real EHR's."""
    scribe = limited(open_scribe(ehr))
    async with browser_at(scribe, "192.0.2.1") as browser:
        answers = [await browser.get(path.replace("nobody", f"nobody{number}")) for number in range(31)]
        assert [answer.status_code for answer in answers] == [400] * 30 + [429]
        assert (await launch(browser, ehr)).status_code == 303


async def test_d08_guessed_states_are_refused_after_ten_and_cost_no_token_call(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """The eleventh is not even looked up, nor is a launch under way without its cookie, which is not used up by it."""
    scribe = limited(open_scribe(ehr))
    async with browser_at(scribe, "192.0.2.1") as guesser, browser_at(scribe, "192.0.2.2") as other:
        answer = ehr.approve(await depart(other, ehr))
        for _ in range(10):
            assert (await come_back(guesser, ehr, {"code": "x", "state": "guess"})).status_code == 400
        assert_waits(await come_back(guesser, ehr, {"code": "x", "state": "guess"}))
        assert_waits(await come_back(guesser, ehr, answer))
        assert "POST /auth/token" not in ehr.paths()
        assert (await come_back(other, ehr, answer)).status_code == 303
    await settle(scribe.app)


async def test_d08_launches_that_succeed_use_no_callback_up(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """A hospital behind one address."""
    scribe = limited(open_scribe(ehr))
    async with browser_at(scribe, "192.0.2.1") as browser:
        answers = [await launch(browser, ehr) for _ in range(25)]
    assert {answer.status_code for answer in answers} == {303}


async def test_d08_an_ehr_that_is_away_uses_no_callback_up(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = limited(open_scribe(ehr))
    async with browser_at(scribe, "192.0.2.1") as browser:
        asked = [ehr.approve(await depart(browser, ehr)) for _ in range(12)]
        ehr.behaviour.away = {"/auth/token"}
        answers = [await come_back(browser, ehr, one) for one in asked]
        assert {answer.status_code for answer in answers} == {503}
        ehr.behaviour.away = set()
        assert (await launch(browser, ehr)).status_code == 303


async def test_d08_guessed_tickets_are_refused_after_ten(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = limited(open_scribe(ehr))
    async with browser_at(scribe, "192.0.2.1") as browser:
        answers = [await browser.get("/enter", params={"ticket": f"guess{number}"}) for number in range(11)]
        assert [answer.status_code for answer in answers] == [404] * 10 + [429]
        assert_waits(answers[-1])
        problem = await browser.get("/enter", params={"ticket": "x"}, headers={"Accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    assert (problem.json()["status"], problem.json()["type"]) == (429, "urn:smart-scribe:problem:too-many")


async def test_d08_the_window_moves_on() -> None:
    throttle = Throttle(RateLimitItemPerSecond(2))
    throttle.spend("a")
    throttle.spend("a")
    with pytest.raises(TooMany) as refused:
        throttle.spend("a")
    throttle.spend("b")
    await asyncio.sleep(float(refused.value.retry_after or 0) + 0.1)
    throttle.spend("a")


def test_d08_only_refusals_count_as_failures() -> None:
    throttle = Throttle(RateLimitItemPerMinute(1))
    for error in (ValueError, OSError):
        with pytest.raises(error), throttle.counting_failures("a"):
            raise error
    with pytest.raises(NotFound), throttle.counting_failures("a"):
        raise NotFound("no")
    with pytest.raises(TooMany), throttle.counting_failures("a"):
        raise AssertionError("never reached")


def test_d08_made_up_addresses_do_not_fill_the_memory() -> None:
    throttle = Throttle(RateLimitItemPerMinute(1))
    for number in range(3 * COUNTERS):
        try:
            throttle.spend(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        except TooMany:
            continue
    kept = throttle._counts.storage.events  # type: ignore[union-attr]
    assert COUNTERS // 2 < len(kept) <= COUNTERS


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_d08_a_caller_is_an_address_or_a_network_of_its_own(address: str, name: str) -> None:
    request = Request({"type": "http", "client": (address, 1), "headers": [(b"x-forwarded-for", b"198.51.100.7")]})
    assert name_caller(request) == name

"""Tokens of every length of life, and an EHR that does not know us any more: each works or says relaunch, never a loop.

Case A24, and the operator's mistake: what is wrong with our registration costs no launch its tokens.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connector.errors import ClientNotAccepted, ConnectorError, Misconfigured, RelaunchNeeded
from connector.visit.access import open_ehr
from connector.visit.filing import Outcome
from connector.web.reading import settle
from tests.smart.clock import Clock
from tests.smart.drafted import Desk, draft, sit_down
from tests.smart.scribe import MakeEhr, OpenScribe, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_withdrawn import refreshes

LIVES: dict[str, tuple[object, int]] = {
    # How long the EHR says a token lives, and how many refreshes five reads of the chart in a row may cost.
    "a minute": (60, 0),
    "ten seconds": (10, 5),
    "none at all": (0, 5),
    "not said": (None, 0),
    "negative": (-5, 0),
    "as text": ("60", 0),
    "a text that is no number": ("soon", 0),
    "more than ten years": (10**15, 0),
    "a number beyond numbers": (1e308, 0),
    "true": (True, 0),
    "a list": ([60], 0),
}


async def read_patient(desk: Desk) -> int:
    """One read of the chart as a request makes it, with nothing kept from the one before."""
    return (await open_ehr(desk.scribe.parts, await desk.row()).chart().read("Patient/p1", {})).status


def say_life(ehr: StrictEhr, seconds: object) -> None:
    ehr.behaviour.token = ehr.behaviour.refreshed = {"expires_in": seconds}
    ehr.records["Patient/p1"] = {"resourceType": "Patient", "id": "p1"}


@pytest.mark.parametrize(("seconds", "most"), LIVES.values(), ids=LIVES)
async def test_a24_a_token_of_any_life_reads_the_chart_with_one_refresh_a_call_at_most(
    ehr: StrictEhr, open_scribe: OpenScribe, seconds: object, most: int
) -> None:
    say_life(ehr, seconds)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        await settle(scribe.app)
        before = refreshes(ehr)
        assert [await read_patient(desk) for _ in range(5)] == [200] * 5
    assert refreshes(ehr) - before == most
    assert ehr.flaws == []


@pytest.mark.parametrize("seconds", [60, 10, None, -5, "60", "soon", 10**15, 1e308, True, [60]], ids=str)
async def test_a24_a_token_without_a_refresh_token_works_while_it_lives_and_then_says_relaunch(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, seconds: object
) -> None:
    """With no life told, the EHR's 401 is the end; the EHR is never asked for a refresh it cannot give."""
    say_life(ehr, seconds)
    ehr.behaviour.token |= {"refresh_token": None}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        await settle(scribe.app)
        assert await read_patient(desk) == 200
        clock.forward(minutes=2)
        ehr.access_tokens.clear()
        asked = len(ehr.heard)
        for _ in range(3):
            with pytest.raises(RelaunchNeeded, match="from the chart again"):
                await read_patient(desk)
        told = seconds in (60, 10, "60")
        assert len(ehr.heard) - asked == (0 if told else 3)
        assert (await desk.get()).status_code == 200
    assert refreshes(ehr) == 0


async def test_a24_a_token_that_is_over_at_once_says_relaunch_on_the_first_page(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    say_life(ehr, 0)
    ehr.behaviour.token |= {"refresh_token": None}
    async with open_scribe(ehr).browser() as browser:
        page = await browser.get((await launch(browser, ehr)).headers["location"])
    assert (page.status_code, "Open the scribe from the chart again" in page.text) == (401, True)
    assert refreshes(ehr) == 0


async def test_a24_an_ehr_that_takes_no_token_is_asked_twice_a_call_and_no_more(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """It renews access and refuses what it has just given: one refresh and one more try, each time."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        await settle(scribe.app)
        issue = ehr._issue

        def worthless(scope: str) -> dict[str, object]:
            issued = issue(scope)
            ehr.access_tokens.clear()
            return issued

        ehr._issue = worthless  # type: ignore[method-assign]
        ehr.access_tokens.clear()
        before, renewed = len(ehr.heard), refreshes(ehr)
        assert await read_patient(desk) == 401
        assert (len(ehr.heard) - before, refreshes(ehr) - renewed) == (3, 1)


def lose_secret(desk: Desk, secret: str | None) -> None:
    """The operator's mistake: another secret than the EHR has; None is a file that is not there."""

    def read(_: object) -> str:
        if secret is None:
            raise Misconfigured("client_secret_file names a file that is not there.")
        return secret

    desk.scribe.parts = replace(desk.scribe.parts, client_secret=read)
    desk.scribe.app.state.parts = desk.scribe.parts


@pytest.mark.parametrize(
    ("secret", "told", "asked"),
    [("wrong", ClientNotAccepted, 5), (None, Misconfigured, 0)],
    ids=["a wrong secret", "no secret"],
)
async def test_a24_a_mistake_of_the_operator_costs_no_launch_its_tokens(
    make_ehr: MakeEhr,
    open_scribe: OpenScribe,
    clock: Clock,
    secret: str | None,
    told: type[ConnectorError],
    asked: int,
) -> None:
    """The page says whose matter it is; once it is mended, the same session goes on."""
    ehr = make_ehr(auth_method="client_secret_basic", secret="the-right-secret")
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        await settle(scribe.app)
        kept = await desk.tokens()
        lose_secret(desk, secret)
        clock.forward(minutes=16)
        answer = await desk.post("/unlock", accept="text/html")
        assert (answer.status_code, "open the scribe from the chart again" in answer.text.lower()) == (
            told.status,
            False,
        )
        answers = [open_ehr(scribe.parts, await desk.row()).renew() for _ in range(4)]
        results = await asyncio.wait_for(asyncio.gather(*answers, return_exceptions=True), 10)
        assert {type(one) for one in results} == {told}
        assert refreshes(ehr) == asked
        assert await desk.tokens() == kept
        lose_secret(desk, "the-right-secret")
        assert (await desk.post("/unlock")).status_code == 200
        assert (await desk.get()).status_code == 200


async def test_a24_a_signed_note_waits_for_the_operator_and_is_filed_once_it_is_mended(
    make_ehr: MakeEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    ehr = make_ehr(auth_method="client_secret_basic", secret="the-right-secret")
    ehr.behaviour.files = True
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        await desk.sign()
        lose_secret(desk, "wrong")
        clock.forward(minutes=6)
        with pytest.raises(ClientNotAccepted, match="operator") as raised:
            await desk.file()
        assert raised.value.retryable
        lose_secret(desk, "the-right-secret")
        assert await desk.file() is Outcome.FILED

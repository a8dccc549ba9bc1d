"""Clocks that differ, and many calls that meet the same expired token. Cases A21 (in one process) and A24."""

from __future__ import annotations

import asyncio

import pytest

from connector.visit.access import open_ehr
from tests.smart.clock import Clock
from tests.smart.drafted import sit_down
from tests.smart.scribe import OpenScribe, launch
from tests.smart.strict_ehr import StrictEhr


@pytest.mark.parametrize("seconds", [-60, -30, 0, 30, 60])
async def test_a24_a_minute_between_the_clocks_is_no_matter(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, seconds: int
) -> None:
    at = int(clock.now().timestamp()) + seconds
    ehr.behaviour.claims = {"iat": at, "exp": at + 300}
    async with open_scribe(ehr).browser() as browser:
        assert (await launch(browser, ehr)).status_code == 303


@pytest.mark.parametrize("seconds", [-600, 600])
async def test_a24_ten_minutes_are_refused_in_a_sentence_about_clocks(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, seconds: int
) -> None:
    at = int(clock.now().timestamp()) + seconds
    ehr.behaviour.claims = {"iat": at, "exp": at + 300}
    async with open_scribe(ehr).browser() as browser:
        answer = await launch(browser, ehr)
    assert (answer.status_code, "clocks" in answer.text, "issued" in answer.text) == (400, True, True)


async def test_a21_twenty_parallel_calls_refresh_once(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        ehr.records["Patient/p1"] = {"resourceType": "Patient", "id": "p1"}
        ehr.behaviour.seconds = 0.3
        ehr.access_tokens.clear()
        chart = open_ehr(scribe.parts, await desk.row()).chart()
        answers = await asyncio.gather(*(chart.read("Patient/p1", {}) for _ in range(20)))
    assert [one.status for one in answers] == [200] * 20
    assert sum(one.form.get("grant_type") == "refresh_token" for one in ehr.heard) == 1

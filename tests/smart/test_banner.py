"""need_patient_banner: who the patient is stands on every page of a visit (SMART App Launch 2.2)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, launch
from tests.smart.strict_ehr import StrictEhr

WHOLE = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"family": "Okafor", "given": ["Julia"]}],
    "gender": "female",
    "birthDate": "1980-07-31",
    "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "A-17"}],
}
BARE = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor", "given": ["Julia"]}]}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str], list[str]]] = {
    "asked for": (WHOLE, {}, ["Julia Okafor", "born 31 Jul 1980", "female", "MRN A-17"], []),
    "nothing said": (WHOLE, {"need_patient_banner": None}, ["Julia Okafor", "female", "MRN A-17"], []),
    "a text": (WHOLE, {"need_patient_banner": "false"}, ["Julia Okafor", "female", "MRN A-17"], []),
    "not needed": (WHOLE, {"need_patient_banner": False}, ["Julia Okafor", "born 31 Jul 1980"], ["MRN", "female"]),
    "little known": (
        BARE, {}, ["Julia Okafor", "birth date not recorded", "sex not recorded", "no MRN recorded"], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("patient", "token", "shown", "hidden"), CASES.values(), ids=CASES)
async def test_the_banner_says_who_the_patient_is_on_every_page(
    ehr: StrictEhr,
    open_scribe: OpenScribe,
    *,
    patient: dict[str, Any],
    token: dict[str, Any],
    shown: list[str],
    hidden: list[str],
) -> None:
    ehr.records["Patient/p1"] = patient
    ehr.behaviour.token = token
    async with open_scribe(ehr).browser() as browser:
        base = (await launch(browser, ehr)).headers["location"]
        for path in (base, f"{base}/visits", f"{base}/knows"):
            page = html.unescape((await browser.get(path)).text)
            banner = re.findall(r'<div id="banner".*?</div>', page, re.DOTALL)
            assert len(banner) == 1
            assert all(words in banner[0] for words in shown)
            assert not any(words in banner[0] for words in hidden)


def banners(page: str) -> list[str]:
    return re.findall(r'<div id="banner".*?</div>', html.unescape(page), re.DOTALL)


async def test_a_page_that_says_what_went_wrong_in_a_visit_says_whose_visit_it_is(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    ehr.records["Patient/p1"] = WHOLE
    async with open_scribe(ehr).browser() as browser:
        base = (await launch(browser, ehr)).headers["location"]
        csrf = re.findall(r'<meta name="csrf" content="([^"]+)">', (await browser.get(base)).text)[0]
        words = {"csrf": csrf, "text": "Cough."}
        assert (await browser.post(f"{base}/text", data=words)).status_code == 303
        refused = {
            409: await browser.post(f"{base}/text", data=words),
            422: await browser.post(f"{base}/discard", data={"csrf": csrf}),
            404: await browser.get(f"{base}/audio"),
        }
    for status, answer in refused.items():
        assert answer.status_code == status
        assert "Support code" in answer.text
        (banner,) = banners(answer.text)
        assert all(words in banner for words in CASES["asked for"][2])


async def test_no_other_page_that_says_what_went_wrong_names_a_patient(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """Without a session, from another site, hidden after a pause, and once the session is over."""
    ehr.records["Patient/p1"] = WHOLE
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser, scribe.browser() as stranger:
        base = (await launch(browser, ehr)).headers["location"]
        csrf = re.findall(r'<meta name="csrf" content="([^"]+)">', (await browser.get(base)).text)[0]
        wrong = {"csrf": csrf, "text": "Cough."}
        answers = [
            await stranger.post(f"{base}/text", data=wrong),
            await browser.post(f"{base}/text", data=wrong, headers={"sec-fetch-site": "cross-site"}),
            await browser.post(f"{base}/text", data={**wrong, "csrf": "another"}),
        ]
        clock.forward(minutes=16)
        answers.append(await browser.post(f"{base}/text", data=wrong))
        clock.forward(hours=12)
        answers.append(await browser.post(f"{base}/text", data=wrong))
    assert [one.status_code for one in answers] == [404, 403, 403, 423, 404]
    for answer in answers:
        assert banners(answer.text) == []
        assert "Okafor" not in answer.text

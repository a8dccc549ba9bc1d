"""need_patient_banner: who the patient is stands on every page of a visit (SMART App Launch 2.2)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

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
        for path in (base, f"{base}/visits"):
            page = html.unescape((await browser.get(path)).text)
            banner = re.findall(r'<div id="banner".*?</div>', page, re.DOTALL)
            assert len(banner) == 1
            assert all(words in banner[0] for words in shown)
            assert not any(words in banner[0] for words in hidden)

"""What a launch will not be able to do is on its page before anything is recorded, and is not tried later.

Case A27; client requirements 107, 108, 147, 215.
"""

from __future__ import annotations

import html
from typing import Any

import pytest

from connector.records import Launch
from connector.visit.access import open_ehr
from connector.visit.limits import find_limits, profile_for
from connector.web.reading import settle
from tests.smart.scribe import SCOPES, OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr

MORE = ("MedicationRequest.rs", "AllergyIntolerance.rs", "Condition.rs", "Observation.rs", "Encounter.r",
        "Composition.crs", "Provenance.cu")  # fmt: skip
WHOLE = " ".join([*SCOPES, *(f"patient/{scope}" for scope in MORE)])


async def page_of(ehr: StrictEhr, open_scribe: OpenScribe, **token: Any) -> tuple[Scribe, Launch, str]:
    ehr.behaviour.token = token
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
        assert answer.status_code == 303, answer.text
        page = await browser.get(answer.headers["location"])
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    return scribe, await scribe.parts.visits.need(row.visit_id, Launch), html.unescape(page.text)


async def test_a27_a_full_grant_has_no_limits(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """The control."""
    scribe, facts, page = await page_of(ehr, open_scribe, scope=WHOLE)
    assert find_limits(scribe.parts, facts) == ()
    assert 'id="limits"' not in page
    profile = profile_for(scribe.parts, facts)
    assert (profile.composition, profile.provenance) == (True, True)


LIMITS: dict[str, tuple[dict[str, Any], str]] = {
    "no write": ({"scope": WHOLE.replace("patient/DocumentReference.crs", "")}, "copy the note, not file it"),
    "no allergies": ({"scope": WHOLE.replace("patient/AllergyIntolerance.rs", "")}, "Allergies cannot be read"),
    "some problems": (
        {"scope": WHOLE.replace("Condition.rs", "Condition.rs?clinical-status=active")}, "Only some problems",
    ),
    "no refresh token": ({"scope": WHOLE, "refresh_token": None}, "access runs out and is not renewed"),
    "no proof of identity": ({"scope": WHOLE, "id_token": None}, "did not prove who you are"),
    "nothing at all": ({"scope": ""}, "copy the note, not file it"),
}  # fmt: skip


@pytest.mark.parametrize(("token", "sentence"), LIMITS.values(), ids=LIMITS)
async def test_a27_what_is_missing_stands_on_the_page_before_the_recording(
    ehr: StrictEhr, open_scribe: OpenScribe, token: dict[str, Any], sentence: str
) -> None:
    """Case A27; client requirement 147."""
    _, _, page = await page_of(ehr, open_scribe, **token)
    assert 'id="limits"' in page
    assert sentence in page


async def test_a27_what_was_not_granted_is_left_out_of_the_filing(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A27: a transaction with an entry that is not allowed would be refused as a whole."""
    scope = WHOLE.replace("patient/Composition.crs", "").replace("patient/Provenance.cu", "")
    scribe, facts, page = await page_of(ehr, open_scribe, scope=scope)
    profile = profile_for(scribe.parts, facts)
    assert (profile.composition, profile.provenance) == (False, False)
    assert "only as one document" in page


async def test_a27_a_refresh_asks_for_no_more_than_was_granted(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirements 107 and 108: without `scope` a refresh keeps what was granted."""
    scribe, facts, _ = await page_of(ehr, open_scribe, scope=WHOLE)
    row = await scribe.parts.sessions.find_launch(facts.launch_id)
    assert row is not None
    await settle(scribe.app)
    await open_ehr(scribe.parts, row).renew()
    assert ehr.heard[-1].form["grant_type"] == "refresh_token"
    assert "scope" not in ehr.heard[-1].form

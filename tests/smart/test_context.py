"""What else a token answer may say: encounter, fhirContext, intent, tenant, smart_style_url, need_patient_banner.

None of it breaks a launch, whatever stands in it, and nothing of it is fetched. Cases A28 and A29.
"""

from __future__ import annotations

import html
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.launch.fhir_context import find_encounter
from connector.records import Launch
from tests.smart.scribe import OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.watch import connections

BASE = "https://ehr.example.org/fhir"
ELSEWHERE = "http://127.0.0.1:9/style.json"
E1 = {"reference": "Encounter/e1"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "reference": st.sampled_from(["Encounter/e1", "Encounter/..", "Encounter/", f"{BASE}/Encounter/e1"]) | JSON,
        "canonical": JSON,
        "identifier": JSON,
        "type": JSON,
        "role": st.sampled_from(["launch", "", "Launch", "https://example.org/role"]) | JSON,
    },
)


async def opened(ehr: StrictEhr, scribe: Scribe, **token: Any) -> tuple[httpx.Response, Launch, str]:
    """A launch with these entries in the token answer; its record and its page."""
    ehr.behaviour.token = token
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
        assert answer.status_code == 303, answer.text
        page = await browser.get(answer.headers["location"])
    assert page.status_code == 200
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    return answer, await scribe.parts.visits.need(row.visit_id, Launch), html.unescape(page.text)


ONE_ENCOUNTER: dict[str, list[Any]] = {
    "without a role": [E1],
    "with the role launch": [{**E1, "role": "launch"}],
    "below our base": [{"reference": f"{BASE}/Encounter/e1"}],
    "twice the same": [E1, {"reference": f"{BASE}/Encounter/e1", "type": "Encounter"}],
    "among others": [
        {"reference": "ImagingStudy/9", "role": "https://example.org/role/compare"},
        {"canonical": "https://example.org/Questionnaire/1"},
        {"identifier": {"system": "urn:x", "value": "7"}, "type": "Coverage"},
        {"reference": "Encounter/old", "role": "https://example.org/role/previous"},
        E1,
    ],
}
NO_ENCOUNTER: dict[str, Any] = {
    "none": None,
    "two": [E1, {"reference": "Encounter/e2"}],
    "another role": [{**E1, "role": "https://example.org/role/previous"}],
    "no role at all": [{**E1, "role": None}],
    "another server": [{"reference": "https://elsewhere.example/fhir/Encounter/e1"}],
    "our base as a part": [{"reference": f"https://elsewhere.example/?{BASE}/Encounter/e1"}],
    "a way out": [{"reference": "Encounter/../Patient/2"}, {"reference": "Encounter/.."}],
    "a version": [{"reference": "Encounter/e1/_history/2"}],
    "contained": [{"reference": "#e1"}],
    "a text": "Encounter/e1",
    "an object": E1,
    "entries of other kinds": ["Encounter/e1", 7, None, [E1]],
}


@pytest.mark.parametrize("given_context", ONE_ENCOUNTER.values(), ids=ONE_ENCOUNTER)
def test_the_one_encounter_of_the_launch_is_found(given_context: list[Any]) -> None:
    assert find_encounter(given_context, fhir_base=BASE) == "e1"


@pytest.mark.parametrize("given_context", NO_ENCOUNTER.values(), ids=NO_ENCOUNTER)
def test_no_other_entry_serves_as_the_encounter(given_context: Any) -> None:
    assert find_encounter(given_context, fhir_base=BASE) is None


@given(JSON | st.lists(ENTRY | JSON, max_size=5))
def test_no_fhir_context_breaks_the_reading(given_context: Any) -> None:
    assert find_encounter(given_context, fhir_base=BASE) in (None, "e1")


async def test_an_encounter_of_the_fhir_context_serves_where_none_is_named(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """SMART App Launch 2.2, "fhirContext": an entry without a role is what the launch is about."""
    scribe = open_scribe(ehr)
    _, facts, _ = await opened(ehr, scribe, encounter=None, fhirContext=[{"reference": "Encounter/e9"}])
    assert (facts.encounter, facts.encounter_chosen) == ("Encounter/e9", False)
    _, facts, _ = await opened(ehr, scribe, fhirContext=[{"reference": "Encounter/e9"}])
    assert facts.encounter == "Encounter/e1"


@pytest.mark.parametrize("intent", ["reconcile-medications", "<script>alert(1)</script>", "", "x" * 9000, 7, ["a"]])
async def test_an_intent_nobody_knows_leads_to_the_usual_screen(
    ehr: StrictEhr, open_scribe: OpenScribe, intent: Any
) -> None:
    scribe = open_scribe(ehr)
    _, _, usual = await opened(ehr, scribe)
    _, _, page = await opened(ehr, scribe, intent=intent)
    assert '<h1 id="heading"' in page
    assert ("Prepare the visit" in page, "alert(1)" in page) == ("Prepare the visit" in usual, False)


async def test_a29_a_style_address_is_not_fetched_and_not_shown(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A29; "smart_style_url" is ignored, whoever's address it is."""
    scribe = open_scribe(ehr)
    await opened(ehr, scribe)
    own = f"{ehr.base}/style.json"
    for address in (ELSEWHERE, own, "javascript:alert(1)", "//elsewhere.example/style.json"):
        heard = len(ehr.heard)
        with connections() as made:
            _, _, page = await opened(ehr, scribe, smart_style_url=address)
        assert address not in page
        assert all("style.json" not in one for one in ehr.paths()[heard:])
        assert {port for _, port in made} <= {int(ehr.base.split(":")[2].split("/")[0])}


async def test_a28_nothing_of_the_fhir_context_is_fetched(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A28."""
    scribe = open_scribe(ehr)
    context = [{"reference": f"{ehr.fhir_base}/ImagingStudy/9"}, {"canonical": ELSEWHERE}, {"reference": ELSEWHERE}]
    await opened(ehr, scribe, fhirContext=context)
    assert all("ImagingStudy" not in one and "style.json" not in one for one in ehr.paths())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extras=st.fixed_dictionaries(
    {},
    optional={
        "intent": JSON,
        "fhirContext": JSON | st.lists(ENTRY, max_size=4),
        "tenant": JSON,
        "smart_style_url": JSON,
        "need_patient_banner": JSON,
        "encounter": JSON,
        "location": JSON,
    },
))  # fmt: skip
async def test_a14_no_value_of_any_extra_breaks_a_launch(
    ehr: StrictEhr, open_scribe: OpenScribe, extras: dict[str, Any]
) -> None:
    """Case A14: patient and practitioner are the launch's own, and the page opens."""
    extras = {name: value for name, value in extras.items() if value is not None and _is_json(value)}
    _, facts, _ = await opened(ehr, open_scribe(ehr), **extras)
    assert (facts.patient, facts.practitioner) == ("Patient/p1", "Practitioner/7")
    assert facts.encounter is None or facts.encounter.startswith("Encounter/")
    assert facts.need_patient_banner is (extras.get("need_patient_banner") is not False)


def _is_json(value: Any) -> bool:
    """What JSONResponse can render: no NaN, no lone surrogate."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True

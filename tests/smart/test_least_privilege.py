"""What is asked of an EHR beyond the letter: no more scopes than are used, keys rather than secrets, words as written.

Client requirements 10, 11, 46, 65, 148, 215, 216.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.assets.registration import Registration
from connector.assets.registrations import load_registrations
from connector.launch.scopes import DIALECTS, parse_scope, render_scopes
from tests.smart.scribe import SCOPES, OpenScribe, depart
from tests.smart.strict_ehr import StrictEhr

SHIPPED = Path(__file__).parents[2] / "smart-launch" / "registrations"
# What the connector does with each type: reads and searches of the chart, and what a filing sends and reads back.
USED = {
    "Patient": "rs",
    "Encounter": "rs",
    "MedicationRequest": "rs",
    "Medication": "r",
    "AllergyIntolerance": "rs",
    "Condition": "rs",
    "Observation": "rs",
    "MedicationStatement": "rs",
    "Immunization": "rs",
    "Procedure": "rs",
    "CareTeam": "rs",
    "Appointment": "rs",
    "Goal": "rs",
    "CarePlan": "rs",
    "ServiceRequest": "rs",
    "Binary": "r",
    "DocumentReference": "crs",
    "Composition": "crs",
    "Provenance": "cu",
    "Practitioner": "r",
    "PractitionerRole": "r",
}
WORDS = {"launch", "openid", "fhirUser", "online_access"}
NAMES = ["epic-sandbox", "oracle-sandbox", "sandbox", "smart-launcher"]


def find_excess(scopes: tuple[str, ...]) -> list[str]:
    """The scopes that ask for more than is used."""
    excess = []
    for text in scopes:
        scope = parse_scope(text)
        if scope is None:
            excess += [] if text in WORDS else [text]
        elif scope.context == "system" or set(scope.letters) - set(USED.get(scope.resource, "")):
            excess.append(text)
    return excess


def shipped(name: str) -> Registration:
    (found,) = [one for one in load_registrations(SHIPPED).waiting if one.tenant == name]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_registration_asks_for_no_more_than_is_used(name: str) -> None:
    """Client requirements 46 and 148."""
    assert shipped(name).scopes
    assert find_excess(shipped(name).scopes) == []


@pytest.mark.parametrize(
    "scope",
    [
        "patient/*.rs",
        "patient/DocumentReference.cruds",
        "patient/DiagnosticReport.rs",
        "offline_access",
        "system/Patient.r",
    ],
)
def test_the_control_what_is_too_much_is_found(scope: str) -> None:
    assert find_excess((*SCOPES, scope)) == [scope]


@pytest.mark.parametrize("name", ["epic-sandbox", "oracle-sandbox"])
def test_a_shipped_registration_of_a_vendor_proves_the_client_by_a_key_pair(name: str) -> None:
    """Client requirements 10, 11 and 65: confidential, and without a secret that is written down at both ends."""
    assert shipped(name).auth_method == "private_key_jwt"
    assert (shipped(name).client_secret_env, shipped(name).client_secret_file) == (None, None)


@pytest.mark.parametrize("word", ["online_access", "offline_access"])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_word_for_new_tokens_is_asked_for_as_the_registration_has_it(
    ehr: StrictEhr, open_scribe: OpenScribe, word: str, dialect: str
) -> None:
    """Client requirements 215 and 216: in every dialect, and never the other one."""
    scopes = [*(scope for scope in SCOPES if scope != "online_access"), word]
    scribe = open_scribe(ehr, scopes=scopes, scope_dialect=dialect)
    async with scribe.browser() as browser:
        asked = await depart(browser, ehr)
    assert {"online_access", "offline_access"} & set(asked["scope"].split()) == {word}
    assert word in render_scopes(scopes, dialect)

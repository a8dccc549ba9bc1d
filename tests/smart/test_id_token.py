"""Who signed in: what an id_token must be before anybody is believed, and who that makes sign.

Cases A11, A13 and A24; client requirements 47, 195, 196, 201, 202, 211, 218; OpenID Connect Core 1.0 section 3.1.3.7.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest

from connector.records import Launch
from tests.smart.clock import Clock
from tests.smart.forged_tokens import FORGED, Forge
from tests.smart.scribe import OpenScribe, Scribe, depart, launch
from tests.smart.strict_ehr import StrictEhr


async def launched(scribe: Scribe, answer: httpx.Response) -> Launch:
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    return await scribe.parts.visits.need(row.visit_id, Launch)


async def run(ehr: StrictEhr, open_scribe: OpenScribe, **changes: Any) -> tuple[Scribe, httpx.Response]:
    scribe = open_scribe(ehr, **changes)
    async with scribe.browser() as browser:
        return scribe, await launch(browser, ehr)


def test_a11_the_table_has_at_least_forty_rows() -> None:
    """Case A11."""
    assert len(FORGED) >= 40


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a11_a_forged_token_opens_nothing(ehr: StrictEhr, open_scribe: OpenScribe, forge: Forge) -> None:
    """Case A11; client requirement 201: no session, no read, no visit, and nothing of the token on the page."""
    ehr.behaviour.id_token = forge
    _, answer = await run(ehr, open_scribe)
    assert answer.status_code == 400
    assert "sign-in could not be verified" in answer.text
    assert "__Host-visit" not in str(answer.headers.get_list("set-cookie"))
    assert "user-7" not in answer.text
    assert "admin" not in answer.text
    assert "GET /fhir/Practitioner/7" not in ehr.paths()


def at_hash(ehr: StrictEhr, bits: int = 256) -> str:
    (token,) = ehr.access_tokens
    digest = hashlib.new(f"sha{bits}", token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


HONEST: dict[str, Any] = {
    "as it is": lambda s, c: s.sign(c),
    "by the forger's own way of signing headers": lambda s, c: s.finish({"alg": "RS256", "kid": "rsa"}, c),
    "RS384": lambda s, c: s.sign(c, alg="RS384"),
    "ES256": lambda s, c: s.sign(c, key=s.p256, alg="ES256", kid="p256"),
    "ES384": lambda s, c: s.sign(c, key=s.p384, alg="ES384", kid="p384"),
    "type in small letters": lambda s, c: s.sign(c, typ="jwt"),
    "audience as a list": lambda s, c: s.sign({**c, "aud": ["scribe"]}),
    "two audiences, we are authorized": lambda s, c: s.sign({**c, "aud": ["scribe", "other"], "azp": "scribe"}),
    "expired within the leeway": lambda s, c: s.sign({**c, "exp": c["iat"] - 59}),
    "issued ahead within the leeway": lambda s, c: s.sign({**c, "iat": c["iat"] + 59}),
    "a header that points to keys": lambda s, c: s.sign(c, jku="http://127.0.0.1:9/jwks", x5t="abc"),
    "claims nobody knows": lambda s, c: s.sign({**c, "acr": "1", "profile": {"a": [1]}}),
}


@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST)
async def test_a11_an_honest_token_names_the_clinician(ehr: StrictEhr, open_scribe: OpenScribe, make: Forge) -> None:
    """Client requirements 47, 195, 196, 202: the control for the table."""
    ehr.behaviour.id_token = make
    scribe, answer = await run(ehr, open_scribe)
    facts = await launched(scribe, answer)
    assert (facts.practitioner, facts.practitioner_name) == ("Practitioner/7", "Dr. Ada Okafor")


@pytest.mark.parametrize(("alg", "bits"), [("RS256", 256), ("RS384", 384)])
async def test_a11_a_token_that_belongs_to_this_access_token_says_so_rightly(
    ehr: StrictEhr, open_scribe: OpenScribe, alg: str, bits: int
) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.8: at_hash, where the EHR sends one."""
    ehr.behaviour.id_token = lambda s, c: s.sign({**c, "at_hash": at_hash(ehr, bits)}, alg=alg)
    _, answer = await run(ehr, open_scribe)
    assert answer.status_code == 303


async def test_a11_the_authorization_request_asks_for_no_claims_of_its_own(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirement 211: neither auth_time nor max_age."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        asked = await depart(browser, ehr)
    assert not {"max_age", "claims", "auth_time", "prompt"} & set(asked)


WITHOUT: dict[str, Any] = {
    "no id_token": {"token": {"id_token": None}},
    "an id_token that is no text": {"token": {"id_token": 7}},
    "no fhirUser": {"claims": {"fhirUser": None}},
    "fhirUser no text": {"claims": {"fhirUser": ["Practitioner/7"]}},
    "fhirUser a patient": {"claims": {"fhirUser": "Patient/p1"}},
    "fhirUser a relative": {"claims": {"fhirUser": "RelatedPerson/1"}},
    "fhirUser a person": {"claims": {"fhirUser": "Person/1"}},
    "fhirUser a device": {"claims": {"fhirUser": "Device/1"}},
    "fhirUser elsewhere": {"claims": {"fhirUser": "http://127.0.0.1:9/fhir/Practitioner/7"}},
    "fhirUser upwards": {"claims": {"fhirUser": "Practitioner/.."}},
    "fhirUser nobody knows": {"claims": {"fhirUser": "Practitioner/404"}},
    "a role the EHR does not show": {"claims": {"fhirUser": "PractitionerRole/404"}},
    "no keys published": {"metadata": {"jwks_uri": None, "capabilities": []}},
    "no issuer named": {"metadata": {"issuer": None}, "callback": {"iss": None}},
}


@pytest.mark.parametrize("behaviour", WITHOUT.values(), ids=WITHOUT)
async def test_a13_without_a_verified_practitioner_nobody_can_sign(
    ehr: StrictEhr, open_scribe: OpenScribe, behaviour: dict[str, Any]
) -> None:
    """Case A13: the launch opens, the note can be written and copied, and nobody is taken for a signer."""
    for name, value in behaviour.items():
        setattr(ehr.behaviour, name, value)
    if "issuer" in behaviour.get("metadata", {}):
        ehr.behaviour.metadata["authorization_response_iss_parameter_supported"] = None
    scribe, answer = await run(ehr, open_scribe)
    assert answer.status_code == 303, answer.text
    facts = await launched(scribe, answer)
    assert (facts.practitioner, facts.practitioner_name) == (None, None)


@pytest.mark.parametrize("behaviour", WITHOUT.values(), ids=WITHOUT)
async def test_a13_where_the_site_requires_a_proof_the_launch_is_refused(
    ehr: StrictEhr, open_scribe: OpenScribe, behaviour: dict[str, Any]
) -> None:
    """Case A13: policy per registration."""
    for name, value in behaviour.items():
        setattr(ehr.behaviour, name, value)
    if "issuer" in behaviour.get("metadata", {}):
        ehr.behaviour.metadata["authorization_response_iss_parameter_supported"] = None
    _, answer = await run(ehr, open_scribe, require_fhir_user=True)
    assert answer.status_code == 400
    assert "did not prove which clinician" in answer.text


@pytest.mark.parametrize("absolute", [True, False])
async def test_a13_a_fhir_user_is_absolute_or_relative(ehr: StrictEhr, open_scribe: OpenScribe, absolute: bool) -> None:
    """Client requirement 202."""
    ehr.behaviour.claims = {"fhirUser": f"{ehr.fhir_base}/Practitioner/7" if absolute else "Practitioner/7"}
    scribe, answer = await run(ehr, open_scribe)
    assert (await launched(scribe, answer)).practitioner == "Practitioner/7"


@pytest.mark.parametrize("absolute", [True, False])
async def test_a13_a_role_is_resolved_to_the_person_who_holds_it(
    ehr: StrictEhr, open_scribe: OpenScribe, absolute: bool
) -> None:
    """Client requirement 202: PractitionerRole, then its practitioner, both from the launch's own FHIR base."""
    held = f"{ehr.fhir_base}/Practitioner/7" if absolute else "Practitioner/7"
    ehr.records["PractitionerRole/3"] = {"resourceType": "PractitionerRole", "practitioner": {"reference": held}}
    ehr.behaviour.claims = {"fhirUser": f"{ehr.fhir_base}/PractitionerRole/3"}
    scribe, answer = await run(ehr, open_scribe)
    facts = await launched(scribe, answer)
    assert (facts.practitioner, facts.practitioner_name) == ("Practitioner/7", "Dr. Ada Okafor")
    assert ehr.paths_of_launch()[-2:] == ["GET /fhir/PractitionerRole/3", "GET /fhir/Practitioner/7"]


async def test_a13_where_the_scope_does_not_reach_the_person_the_roles_own_words_name_her(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirement 147: no read beyond what was granted."""
    held = {"reference": "Practitioner/7", "display": "Okafor, Ada"}
    ehr.records["PractitionerRole/3"] = {"resourceType": "PractitionerRole", "practitioner": held}
    ehr.behaviour.claims = {"fhirUser": "PractitionerRole/3"}
    ehr.behaviour.token = {"scope": "launch openid fhirUser patient/Patient.r"}
    scribe, answer = await run(ehr, open_scribe)
    facts = await launched(scribe, answer)
    assert (facts.practitioner, facts.practitioner_name) == ("Practitioner/7", "Okafor, Ada")
    assert "GET /fhir/Practitioner/7" not in ehr.paths()


@pytest.mark.parametrize(
    "held", [None, "Practitioner/7", {}, {"reference": 7}, {"reference": "Patient/p1"}, {"reference": "#x"},
             {"reference": "http://127.0.0.1:9/fhir/Practitioner/7"}]
)  # fmt: skip
async def test_a13_a_role_nobody_is_known_to_hold_signs_nothing(
    ehr: StrictEhr, open_scribe: OpenScribe, held: object
) -> None:
    """Case A13."""
    ehr.records["PractitionerRole/3"] = {"resourceType": "PractitionerRole", "practitioner": held}
    ehr.behaviour.claims = {"fhirUser": "PractitionerRole/3"}
    scribe, answer = await run(ehr, open_scribe)
    assert (await launched(scribe, answer)).practitioner is None


async def test_a13_a_practitioner_whose_name_cannot_be_read_is_known_all_the_same(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirement 202: the claim is the proof, the record gives a name and may not be for us to read."""
    ehr.behaviour.forbidden = {"/fhir/Practitioner/7"}
    scribe, answer = await run(ehr, open_scribe)
    facts = await launched(scribe, answer)
    assert (facts.practitioner, facts.practitioner_name) == ("Practitioner/7", None)


async def test_a13_a_practitioner_who_cannot_be_read_just_now_is_known_all_the_same(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """An EHR that is busy does not keep a clinician from signing later."""
    ehr.behaviour.away = {"/fhir/Practitioner/7"}
    scribe, answer = await run(ehr, open_scribe)
    assert (await launched(scribe, answer)).practitioner == "Practitioner/7"


@pytest.mark.parametrize(("seconds", "status"), [(-59, 303), (59, 303), (0, 303), (-600, 400), (600, 400)])
async def test_a24_clocks_may_differ_by_a_minute_and_not_by_ten(
    ehr: StrictEhr, open_scribe: OpenScribe, seconds: int, status: int
) -> None:
    """Case A24: the EHR's clock behind or ahead; ten minutes end in a sentence that says so."""
    ehr.clock = Clock()
    ehr.clock.forward(seconds=seconds)
    _, answer = await run(ehr, open_scribe)
    assert answer.status_code == status
    if status == 400:
        assert "10 min" in answer.text
        assert "clocks of the EHR and of the scribe" in answer.text

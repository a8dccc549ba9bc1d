"""The way to the EHR: by address or by form, from a chart or from outside, in the words the EHR understands.

Client requirements 25, 26, 32 to 38, 41, 43, 46, 50 to 52, 132, 133, 150 to 153, 161, 162, 166; case A25 for the form.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from tests.smart.scribe import SCOPES, OpenScribe, asked_of, come_back, depart
from tests.smart.strict_ehr import StrictEhr

LONG = [
    *SCOPES,
    *(f"patient/Observation.rs?category=http://example.org/category|code-{number}" for number in range(30)),
]


def csp(answer) -> dict[str, str]:
    policy = answer.headers["content-security-policy"]
    return {name: value for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))}


async def test_the_request_goes_by_address_unless_said(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirements 50 and 51."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 303
    assert csp(answer)["form-action"] == "'self'"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_request_goes_by_form_where_the_registration_says_so(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirements 50 and 52: a page with a button that a small script presses; nothing in any address."""
    scribe = open_scribe(ehr, authorize_method="post", frame_ancestors=["http://localhost:8081"])
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
        asked = asked_of(answer, ehr)
        back = await come_back(browser, ehr, ehr.approve(asked))
        script = await browser.get("/static/js/authorize.js")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(ehr.base))
    assert csp(answer)["form-action"] == f"'self' {origin}"
    assert csp(answer)["script-src"] == "'self'"
    assert csp(answer)["frame-ancestors"] == "http://localhost:8081"
    assert answer.headers["cache-control"] == "no-store"
    assert '<form id="authorize" method="post"' in answer.text
    assert 'type="submit"' in answer.text
    assert re.search(r'<script src="/static/js/authorize.js"', answer.text)
    assert ".submit()" in script.text
    assert back.status_code == 303
    assert csp(back)["form-action"] == "'self'"
    assert ehr.flaws == []


@pytest.mark.parametrize(("capabilities", "status"), [(["authorize-post"], 200), ([], 303)])
async def test_a_request_too_long_for_an_address_goes_by_form_where_the_ehr_offers_it(
    ehr: StrictEhr, open_scribe: OpenScribe, capabilities: list[str], status: int
) -> None:
    """Client requirement 133."""
    ehr.behaviour.metadata = {"capabilities": [*capabilities, "sso-openid-connect"]}
    scribe = open_scribe(ehr, scopes=LONG)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == status
    assert asked_of(answer, ehr)["scope"] == " ".join(LONG)


async def test_what_is_asked_by_form_cannot_break_out_of_it(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirement 5; case A19: `launch` is opaque and may hold anything."""
    scribe = open_scribe(ehr, authorize_method="post")
    evil = "\"><script>alert(1)</script><input value='"
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params={"iss": ehr.fhir_base, "launch": evil})
    assert "<script>alert" not in answer.text
    assert asked_of(answer, ehr)["launch"] == evil


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("granular", SCOPES),
        ("v2", [*SCOPES[:5], "patient/Observation.rs", *SCOPES[6:]]),
        (
            "v1",
            [
                *SCOPES[:4],
                "patient/Patient.read",
                "patient/Observation.read",
                "patient/DocumentReference.read",
                "patient/DocumentReference.write",
                "user/Practitioner.read",
            ],
        ),
    ],
)
async def test_scopes_are_asked_for_in_the_ehrs_dialect(
    ehr: StrictEhr, open_scribe: OpenScribe, dialect: str, expected: list[str]
) -> None:
    """Client requirements 37, 46, 132; written once, in v2."""
    scribe = open_scribe(ehr, scope_dialect=dialect)
    async with scribe.browser() as browser:
        asked = await depart(browser, ehr)
    assert asked["scope"].split() == expected


async def test_a_standalone_launch_brings_no_handle_and_asks_for_a_patient(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirements 25, 26, 36, 38, 150 to 153, 166."""
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        asked = asked_of(await browser.get(f"/launch/standalone/{ehr.name}"), ehr)
        assert "launch" not in asked
        assert {"launch/patient", "launch/encounter"} <= set(asked["scope"].split())
        assert "launch" not in asked["scope"].split()
        back = await come_back(browser, ehr, ehr.approve(asked, standalone=True))
    assert back.status_code == 303
    assert ehr.flaws == []


@pytest.mark.parametrize("tenant", ["nobody", None])
async def test_a_standalone_launch_is_for_ehrs_that_allow_it(
    ehr: StrictEhr, open_scribe: OpenScribe, tenant: str | None
) -> None:
    """Neither an unknown tenant nor one without `standalone: true`; nobody is called."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get(f"/launch/standalone/{tenant or ehr.name}")
    assert answer.status_code == 400
    assert ehr.heard == []

"""Where tokens, codes and secrets go: to the EHR they belong to, and to nobody else, whatever the EHR says.

Case A28; client requirements 1, 7, 8, 9, 90, 93, 97, 98.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from connector.context.answer import ChartReader
from connector.visit.access import open_ehr
from connector.web.reading import settle
from tests.smart.scribe import MakeEhr, OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr


async def opened(ehr: StrictEhr, open_scribe: OpenScribe, **changes: Any) -> tuple[Scribe, httpx.Response]:
    scribe = open_scribe(ehr, **changes)
    async with scribe.browser() as browser:
        return scribe, await launch(browser, ehr)


async def chart_of(scribe: Scribe, answer: httpx.Response) -> ChartReader:
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    return open_ehr(scribe.parts, row).chart()


async def test_a28_the_token_is_shown_to_the_fhir_base_as_a_bearer(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirement 93: the control; the token is in the header and in no address."""
    scribe, answer = await opened(ehr, open_scribe)
    await settle(scribe.app)
    ehr.records["Patient/p1"] = {"resourceType": "Patient", "id": "p1"}
    chart = await chart_of(scribe, answer)
    assert (await chart.read("Patient/p1", {})).status == 200
    (token,) = ehr.access_tokens
    assert ehr.heard[-1].headers["authorization"] == f"Bearer {token}"
    assert not any(token in one.path + str(one.query) for one in ehr.heard)


LINKS = {
    "another EHR": "{theirs}/Patient?page=2",
    "another EHR without scheme": "//127.0.0.1:{port}/{name}/fhir/Patient?page=2",
    "our EHR's host, another base": "{origin}/{name}/fhir/Patient",
    "above the base": "{ours}/../../{name}/fhir/Patient",
    "encoded dots": "{ours}/%2e%2e/%2e%2e/{name}/fhir/Patient",
    "our host as a user": "http://localhost@127.0.0.1:{port}/{name}/fhir/Patient",
    "another port": "http://127.0.0.1:9/fhir/Patient",
    "another scheme": "https://127.0.0.1:{port}/{name}/fhir/Patient",
    "a file": "file:///etc/passwd",
    "no address at all": "http://[",
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
async def test_a28_a_next_link_to_somewhere_else_is_not_followed(
    make_ehr: MakeEhr, open_scribe: OpenScribe, link: str
) -> None:
    """Client requirements 97 and 98; case A28: the other EHR sees no request and no token."""
    ours, theirs = make_ehr(), make_ehr()
    scribe, answer = await opened(ours, open_scribe)
    origin = ours.base.rpartition("/")[0]
    port = origin.rpartition(":")[2]
    address = link.format(theirs=theirs.fhir_base, ours=ours.fhir_base, origin=origin, port=port, name=theirs.name)
    followed = await (await chart_of(scribe, answer)).follow(address)
    assert followed.failure == "foreign-link"
    assert theirs.heard == []


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:9/Patient/1", "../x", "/Patient/1", "Patient/1?x=1", "Patient/..", ""]
)
async def test_a28_a_reference_that_is_no_plain_one_is_not_read(
    ehr: StrictEhr, open_scribe: OpenScribe, path: str
) -> None:
    """Client requirement 98: an absolute reference is ignored, never tried."""
    scribe, answer = await opened(ehr, open_scribe)
    before = len(ehr.heard)
    assert (await (await chart_of(scribe, answer)).read(path, {})).failure == "foreign-link"
    assert len(ehr.heard) == before


@pytest.mark.parametrize("kind", ["Practitioner/7", "PractitionerRole/3"])
async def test_a28_a_fhir_user_on_another_server_gets_no_token(
    make_ehr: MakeEhr, open_scribe: OpenScribe, kind: str
) -> None:
    """Case A28: the claim is signed, and all the same nobody else is shown the token."""
    ours, theirs = make_ehr(), make_ehr()
    ours.behaviour.claims = {"fhirUser": f"{theirs.fhir_base}/{kind}"}
    _, answer = await opened(ours, open_scribe)
    assert answer.status_code == 303
    assert theirs.heard == []


async def test_a28_a_role_held_on_another_server_gets_no_token(make_ehr: MakeEhr, open_scribe: OpenScribe) -> None:
    """Case A28, one step further on."""
    ours, theirs = make_ehr(), make_ehr()
    held = {"reference": f"{theirs.fhir_base}/Practitioner/7"}
    ours.records["PractitionerRole/3"] = {"resourceType": "PractitionerRole", "practitioner": held}
    ours.behaviour.claims = {"fhirUser": "PractitionerRole/3"}
    await opened(ours, open_scribe)
    assert theirs.heard == []


async def test_a28_the_browser_never_holds_an_ehr_token(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirements 7 to 9 and 90: neither in a cookie nor in an address nor on a page."""
    _, answer = await opened(ehr, open_scribe)
    shown = f"{answer.headers} {answer.text}"
    for token in (*ehr.access_tokens, *ehr.refresh_tokens):
        assert token not in shown


@pytest.mark.parametrize("secret", ["client_secret_basic", "client_secret_post"])
async def test_a28_a_secret_goes_to_the_token_endpoint_only(
    make_ehr: MakeEhr, open_scribe: OpenScribe, secret: str
) -> None:
    """Client requirements 1 and 10."""
    ehr = make_ehr(auth_method=secret, secret="a-client-secret")
    _, answer = await opened(ehr, open_scribe)
    assert answer.status_code == 303
    for one in ehr.heard:
        told = "a-client-secret" in str(one.form) + str(one.query) or one.headers.get("authorization", "").startswith(
            "Basic"
        )
        assert told == (one.path == "/auth/token")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_a28_endpoints_without_tls_are_refused(ehr: StrictEhr, open_scribe: OpenScribe, name: str) -> None:
    """Client requirements 1, 230, 232, 318: plain http only on loopback, where a test EHR lives."""
    ehr.behaviour.metadata = {name: "http://login.example.org/x"}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 400
    assert "https" in answer.text


async def test_a24_a_token_that_expires_in_mid_call_is_renewed_once_for_all_calls(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Case A24; client requirements 105, 106, 117: one refresh, every call answered, the old refresh token dropped."""
    scribe, answer = await opened(ehr, open_scribe)
    ehr.records["Patient/p1"] = {"resourceType": "Patient", "id": "p1"}
    chart = await chart_of(scribe, answer)
    for _ in range(2):
        ehr.access_tokens.clear()
        answers = await asyncio.gather(*(chart.read("Patient/p1", {}) for _ in range(6)))
        assert [one.status for one in answers] == [200] * 6
    refreshes = [one.form["refresh_token"] for one in ehr.heard if one.form.get("grant_type") == "refresh_token"]
    assert len(refreshes) == len(set(refreshes)) == 2
    assert ehr.flaws == []

"""The way back: whose answer is taken, how often, and what happens to every other.

Cases A3 to A8 and A24; client requirements 2, 3, 4, 13, 39, 40, 44, 45, 60, 61, 62, 67 to 71; RFC 9207, RFC 9700.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, come_back, depart, launch
from tests.smart.strict_ehr import StrictEhr

TOKEN_CALL = "POST /auth/token"


def exchanges(ehr: StrictEhr) -> int:
    return ehr.paths().count(TOKEN_CALL)


async def test_a03_a_launch_as_it_should_be(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """The control: one code exchange, one read of who launched, a page of its own; no flaw noticed by the EHR.

    Client requirements 29, 32 to 37, 41, 44, 45, 47, 60, 62, 63, 67 to 71, 202, 218.
    """
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/v/")
    assert ehr.flaws == []
    assert ehr.paths_of_launch() == [
        "GET /fhir/.well-known/smart-configuration",
        TOKEN_CALL,
        "GET /auth/jwks",
        "GET /fhir/Practitioner/7",
    ]
    exchanged = ehr.heard[1].form
    assert sorted(exchanged) == ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"]
    assert 43 <= len(exchanged["code_verifier"]) <= 128


@pytest.mark.parametrize("state", [None, "", "unknown", "x" * 5000, "\x00", "é"])
async def test_a03_without_a_known_state_no_code_is_exchanged(
    ehr: StrictEhr, open_scribe: OpenScribe, state: str | None
) -> None:
    """Case A3; client requirements 4 and 60."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        given = {**query, "state": state} if state is not None else {"code": query["code"]}
        answer = await come_back(browser, ehr, given)
    assert answer.status_code == 400
    assert exchanges(ehr) == 0


@pytest.mark.parametrize(("seconds", "status"), [(599, 303), (601, 400), (86_400, 400)])
async def test_a03_a_launch_waits_for_ten_minutes(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, seconds: int, status: int
) -> None:
    """Case A3: state lives for ten minutes."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        clock.forward(seconds=seconds)
        answer = await come_back(browser, ehr, query)
    assert answer.status_code == status
    assert exchanges(ehr) == (1 if status == 303 else 0)


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
async def test_a03_no_parameter_may_come_twice(ehr: StrictEhr, open_scribe: OpenScribe, name: str) -> None:
    """RFC 6749 section 3.1; case A3."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        pairs = [*query.items(), (name, query.get(name, "x")), (name, "other")]
        answer = await browser.get(urlsplit(ehr.client.redirect_uri).path, params=pairs)
    assert answer.status_code == 400
    assert exchanges(ehr) == 0


async def test_a03_state_nonce_and_verifier_are_fresh_and_long(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Client requirements 2, 3, 39, 40: at least 122 bits, never the same."""
    scribe = open_scribe(ehr)
    seen: list[str] = []
    for _ in range(5):
        async with scribe.browser() as browser:
            asked = await depart(browser, ehr)
            seen += [asked["state"], asked["nonce"], asked["code_challenge"]]
            assert len(base64.urlsafe_b64decode(asked["state"] + "==")) * 8 >= 122
    assert len(set(seen)) == len(seen)


async def test_a04_a_state_is_good_once(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A4: the second use finds nothing, with the cookie still there."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        cookies = dict(browser.cookies)
        first = await come_back(browser, ehr, query)
        for name, value in cookies.items():
            browser.cookies.set(name, value, domain="scribe.example.org")
        second = await come_back(browser, ehr, query)
    assert (first.status_code, second.status_code) == (303, 400)
    assert exchanges(ehr) == 1


async def test_a04_of_many_uses_at_once_one_exchanges_the_code(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A4: two services over one database, eight callbacks at the same moment, one token call."""
    services = [open_scribe(ehr), open_scribe(ehr)]
    async with services[0].browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    async def one(number: int) -> int:
        async with services[number % 2].browser() as other:
            other.headers["Cookie"] = cookie
            return (await come_back(other, ehr, query)).status_code

    statuses = await asyncio.gather(*(one(number) for number in range(8)))
    assert sorted(statuses) == [303, *[400] * 7]
    assert exchanges(ehr) == 1


async def test_a04_a_refusal_uses_the_state_up_too(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A4: an error answer ends the launch; the code that comes after it is not exchanged."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        cookies = dict(browser.cookies)
        refused = await come_back(browser, ehr, {"error": "access_denied", "state": query["state"], "iss": ehr.issuer})
        for name, value in cookies.items():
            browser.cookies.set(name, value, domain="scribe.example.org")
        after = await come_back(browser, ehr, query)
    assert (refused.status_code, after.status_code) == (400, 400)
    assert exchanges(ehr) == 0


async def test_a05_an_answer_in_another_browser_is_refused_and_spoils_nothing(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Case A5; client requirement 61: two people's launches swapped by an attacker end nowhere, and both go on."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as alice, scribe.browser() as mallory:
        hers, his = ehr.approve(await depart(alice, ehr)), ehr.approve(await depart(mallory, ehr))
        crossed = [await come_back(alice, ehr, his), await come_back(mallory, ehr, hers)]
        assert [one.status_code for one in crossed] == [400, 400]
        assert exchanges(ehr) == 0
        straight = [await come_back(alice, ehr, hers), await come_back(mallory, ehr, his)]
    assert [one.status_code for one in straight] == [303, 303]
    assert straight[0].headers["location"] != straight[1].headers["location"]


async def test_a05_a_browser_without_the_cookie_is_refused(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A5: where an iframe's cookie is blocked, or somebody is sent a link."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser, scribe.browser() as other:
        query = ehr.approve(await depart(browser, ehr))
        answer = await come_back(other, ehr, query)
    assert answer.status_code == 400
    assert "began in another browser" in answer.text
    assert exchanges(ehr) == 0


async def test_a05_the_cookie_is_bound_to_the_host_and_to_secure_transport(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Case A5; client requirements 7 and 61."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-pending-")
    for part in ("Path=/", "Max-Age=600", "Secure", "HttpOnly", "SameSite=None", "Partitioned"):
        assert part in cookie.split("; ")
    assert "Domain" not in cookie


async def test_a06_a_code_of_another_launch_is_stopped_by_pkce(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A6; client requirement 70: the injected code does not fit this launch's verifier."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as victim, scribe.browser() as attacker:
        stolen = ehr.approve(await depart(victim, ehr))
        own = ehr.approve(await depart(attacker, ehr))
        answer = await come_back(attacker, ehr, {**own, "code": stolen["code"]})
    assert answer.status_code == 400
    assert ehr.access_tokens == set()


async def test_a06_where_the_ehr_ignores_pkce_the_nonce_stops_it(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A6: the id_token of the injected code carries the victim's nonce."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as victim, scribe.browser() as attacker:
        stolen = await depart(victim, ehr)
        own = await depart(attacker, ehr)
        query = ehr.approve(own)
        ehr.codes[query["code"]] = {**own, "nonce": stolen["nonce"]}
        answer = await come_back(attacker, ehr, query)
    assert answer.status_code == 400
    assert "sign-in could not be verified" in answer.text
    assert "/fhir/Practitioner/7" not in str(ehr.paths())


@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256", ["s256"], [None]])
async def test_a07_an_ehr_without_s256_is_not_launched(
    ehr: StrictEhr, open_scribe: OpenScribe, methods: object
) -> None:
    """Case A7; client requirements 13 and 45: PKCE is never given up."""
    ehr.behaviour.metadata = {"code_challenge_methods_supported": methods}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 400
    assert "S256" in answer.text
    assert "location" not in answer.headers


async def test_a07_where_plain_is_offered_too_s256_is_used(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A7; client requirements 44 and 45."""
    ehr.behaviour.metadata = {"code_challenge_methods_supported": ["plain", "S256"]}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        asked = await depart(browser, ehr)
    assert asked["code_challenge_method"] == "S256"


async def test_a08_each_ehr_has_a_redirect_uri_of_its_own(make_ehr: Any, open_scribe: OpenScribe) -> None:
    """Case A8; client requirements 21, 34, 69; RFC 9700 section 4.4.2."""
    ours, theirs = make_ehr(), make_ehr()
    scribe = open_scribe(ours, theirs)
    async with scribe.browser() as browser:
        first, second = await depart(browser, ours), await depart(browser, theirs)
        assert first["redirect_uri"] == ours.client.redirect_uri
        assert second["redirect_uri"] == theirs.client.redirect_uri
        assert first["redirect_uri"] != second["redirect_uri"]


@pytest.mark.parametrize("way", ["the other's redirect URI", "the shared one", "one nobody has"])
async def test_a08_an_answer_by_another_ehrs_way_is_refused(make_ehr: Any, open_scribe: OpenScribe, way: str) -> None:
    """Case A8: cross-delivered answers reach no token endpoint, neither the honest one nor the attacker's."""
    honest, evil = make_ehr(), make_ehr()
    scribe = open_scribe(honest, evil)
    paths = {
        "the other's redirect URI": urlsplit(evil.client.redirect_uri).path,
        "the shared one": "/launch/callback",
        "one nobody has": "/launch/callback/nobody",
    }
    async with scribe.browser() as browser:
        query = honest.approve(await depart(browser, honest))
        answer = await browser.get(paths[way], params=query)
    assert answer.status_code == 400
    assert exchanges(honest) == exchanges(evil) == 0


@pytest.mark.parametrize("promised", [True, False], ids=["promised", "not promised"])
@pytest.mark.parametrize("iss", ["https://evil.example", "", "{issuer}/", "{base}"])
async def test_a08_an_answer_in_another_issuers_name_is_refused(
    ehr: StrictEhr, open_scribe: OpenScribe, promised: bool, iss: str
) -> None:
    """RFC 9207 section 2.4: checked whenever it is there; it is the issuer, not the FHIR base."""
    ehr.behaviour.metadata = {"authorization_response_iss_parameter_supported": promised}
    ehr.behaviour.callback = {"iss": iss.format(issuer=ehr.issuer, base=ehr.fhir_base)}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 400
    assert exchanges(ehr) == 0


@pytest.mark.parametrize(("promised", "status"), [(True, 400), (False, 303), (None, 303)])
async def test_a08_an_answer_without_issuer_is_taken_only_where_none_was_promised(
    ehr: StrictEhr, open_scribe: OpenScribe, promised: bool | None, status: int
) -> None:
    """RFC 9207 section 2.4: required when advertised."""
    ehr.behaviour.metadata = {"authorization_response_iss_parameter_supported": promised}
    ehr.behaviour.callback = {"iss": None}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == status
    assert exchanges(ehr) == (1 if status == 303 else 0)


async def test_a08_the_code_goes_where_the_launch_was_begun_whatever_the_ehr_says_meanwhile(
    make_ehr: Any, open_scribe: OpenScribe
) -> None:
    """Case A8: the callback uses the endpoints of the pending launch and looks nothing up again."""
    honest, evil = make_ehr(), make_ehr()
    scribe = open_scribe(honest, evil)
    async with scribe.browser() as browser:
        query = honest.approve(await depart(browser, honest))
        honest.behaviour.metadata = {"token_endpoint": f"{evil.issuer}/token", "jwks_uri": f"{evil.issuer}/jwks"}
        before = len(honest.heard)
        answer = await come_back(browser, honest, query)
    assert answer.status_code == 303
    assert evil.heard == []
    assert "smart-configuration" not in str(honest.paths()[before:])

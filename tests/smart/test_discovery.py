"""What an EHR publishes about itself: read once, kept for a day at most, watched for changes.

Case A9; client requirements 29, 218, 375, 379. Figures: no request before the redirect of a warm launch, one after it
besides who launched.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, come_back, depart, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.watch import connections

DISCOVERY = "GET /fhir/.well-known/smart-configuration"
CHANGES: dict[str, dict[str, Any]] = {
    "token endpoint elsewhere": {"token_endpoint": "http://127.0.0.1:9/token"},
    "authorization endpoint elsewhere": {"authorization_endpoint": "http://127.0.0.1:9/authorize"},
    "keys elsewhere": {"jwks_uri": "http://127.0.0.1:9/jwks"},
    "keys nowhere": {"jwks_uri": None, "capabilities": []},
    "another issuer": {"issuer": "http://127.0.0.1:9"},
    "no issuer": {"issuer": None},
    "callbacks without issuer": {"authorization_response_iss_parameter_supported": False},
    "PKCE taken back": {"code_challenge_methods_supported": ["plain"]},
    "no token endpoint": {"token_endpoint": None},
    "plain http elsewhere": {"token_endpoint": "http://login.example.org/token"},
}


async def settle() -> None:
    """Lets what goes on in the background end."""
    for _ in range(50):
        await asyncio.sleep(0.002)


async def test_a09_a_warm_launch_asks_nobody_before_the_redirect_and_once_after_it(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Targets `outbound_before_redirect_warm` 0 and `outbound_after_callback_warm` 1, Practitioner not counted."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        assert (await launch(browser, ehr)).status_code == 303
        ehr.heard.clear()
        with connections() as seen:
            asked = await depart(browser, ehr)
        assert (seen, ehr.heard) == ([], [])
        assert (await come_back(browser, ehr, ehr.approve(asked))).status_code == 303
    assert ehr.paths_of_launch() == ["POST /auth/token", "GET /fhir/Practitioner/7"]


async def test_a09_many_first_launches_at_once_ask_once(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """One flight for one EHR."""
    scribe = open_scribe(ehr)

    async def one() -> None:
        async with scribe.browser() as browser:
            await depart(browser, ehr)

    await asyncio.gather(*(one() for _ in range(12)))
    assert ehr.paths() == [DISCOVERY]


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
async def test_a09_what_differs_from_what_was_known_closes_the_ehr_to_launches(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, changes: dict[str, Any]
) -> None:
    """Case A9: fail closed, with an alarm in the log and a page, and open again when the EHR is itself again."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        await depart(browser, ehr)
        ehr.behaviour.metadata = changes
        clock.forward(hours=2)
        with capture_logs() as events:
            await depart(browser, ehr)  # the kept endpoints, which are still those of before
            await settle()
            answer = await browser.get("/launch", params=ehr.open_launch())
        assert answer.status_code == 502
        assert "addresses have changed" in answer.text
        assert "location" not in answer.headers
        alarms = [one for one in events if one["event"] == "ehr.endpoints-changed"]
        assert {one["tenant"] for one in alarms} == {ehr.name}
        assert alarms[0]["log_level"] == "error"
        ehr.behaviour.metadata = {}
        clock.forward(minutes=2)
        await depart(browser, ehr)


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
async def test_a09_a_launch_under_way_ends_where_it_was_begun(
    ehr: StrictEhr, open_scribe: OpenScribe, changes: dict[str, Any]
) -> None:
    """Case A9: poisoned metadata between redirect and callback move neither code nor token."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        query = ehr.approve(await depart(browser, ehr))
        ehr.behaviour.metadata = changes
        answer = await come_back(browser, ehr, query)
    assert answer.status_code == 303


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_a09_a_pinned_endpoint_holds_from_the_first_launch(
    ehr: StrictEhr, open_scribe: OpenScribe, name: str
) -> None:
    """Case A9: pins in the registration need no earlier launch to compare with, and hold across restarts."""
    own = {key: f"{ehr.issuer}/{end}" for key, end in _ENDS.items()}
    scribe = open_scribe(ehr, **own, expected_issuer=ehr.issuer)
    async with scribe.browser() as browser:
        await depart(browser, ehr)
    ehr.behaviour.metadata = {name: f"{ehr.issuer}/elsewhere"}
    restarted = open_scribe(ehr, **own)
    async with restarted.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 502
    assert name in answer.text


_ENDS = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}


@pytest.mark.parametrize("issuer", ["https://evil.example", "{issuer}/", "{base}"])
async def test_a09_an_unexpected_issuer_is_refused(ehr: StrictEhr, open_scribe: OpenScribe, issuer: str) -> None:
    """Case A9; RFC 8414 section 3.3: compared byte for byte with the registered one."""
    ehr.behaviour.metadata = {"issuer": issuer.format(issuer=ehr.issuer, base=ehr.fhir_base)}
    scribe = open_scribe(ehr, expected_issuer=ehr.issuer)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 502


async def test_a09_an_issuer_the_ehr_does_not_name_is_the_registered_one(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """An older server without `issuer`: id_token and callback are held against what the operator wrote."""
    ehr.behaviour.metadata = {"issuer": None}
    scribe = open_scribe(ehr, expected_issuer=ehr.issuer)
    async with scribe.browser() as browser:
        assert (await launch(browser, ehr)).status_code == 303
    assert ehr.flaws == []


async def test_a09_endpoints_are_kept_through_an_outage_for_a_day_and_no_longer(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """Kept for at most 24 hours; then nothing is guessed."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        await depart(browser, ehr)
        ehr.behaviour.away = {"/fhir/.well-known/smart-configuration"}
        for _ in range(23):
            clock.forward(hours=1)
            await depart(browser, ehr)
            await settle()
        clock.forward(hours=1)
        answer = await browser.get("/launch", params=ehr.open_launch())
        assert answer.status_code == 503
        asked = len(ehr.heard)
        again = await browser.get("/launch", params=ehr.open_launch())
        assert again.status_code == 503
        assert len(ehr.heard) == asked  # not hammered while it is down
        ehr.behaviour.away = set()
        clock.forward(seconds=6)
        await depart(browser, ehr)


async def test_a09_what_is_an_hour_old_is_renewed_behind_the_launch(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """Nobody waits for it, and it is asked once for many launches."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        await depart(browser, ehr)
        clock.forward(minutes=59)
        await depart(browser, ehr)
        assert ehr.paths() == [DISCOVERY]
        clock.forward(minutes=2)
        await depart(browser, ehr)
        await depart(browser, ehr)
        await settle()
    assert ehr.paths() == [DISCOVERY, DISCOVERY]


async def test_a09_metadata_that_is_no_metadata_is_an_outage_once_it_was_known(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """A maintenance page instead of JSON does not move endpoints."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        await depart(browser, ehr)
        clock.forward(hours=2)
        ehr.behaviour.away = {"/fhir/.well-known/smart-configuration"}
        await depart(browser, ehr)
        await settle()
        await depart(browser, ehr)


async def test_a09_where_the_smart_configuration_names_no_keys_the_issuer_is_asked(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirement 218: {issuer}/.well-known/openid-configuration, then its jwks_uri."""
    ehr.behaviour.metadata = {"jwks_uri": None}
    ehr.behaviour.openid = {"issuer": ehr.issuer, "jwks_uri": f"{ehr.issuer}/jwks"}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        assert (await launch(browser, ehr)).status_code == 303
    assert ehr.paths()[:2] == [DISCOVERY, "GET /auth/.well-known/openid-configuration"]
    assert "GET /auth/jwks" in ehr.paths()


@pytest.mark.parametrize(
    "body",
    [
        {"issuer": "https://evil.example", "jwks_uri": "{issuer}/jwks"},
        {"jwks_uri": "{issuer}/jwks"},
        {"issuer": "{issuer}", "jwks_uri": "http://login.example.org/jwks"},
        {"issuer": "{issuer}", "jwks_uri": None},
    ],
)
async def test_a09_an_openid_configuration_of_somebody_else_is_refused(
    ehr: StrictEhr, open_scribe: OpenScribe, body: dict[str, Any]
) -> None:
    """OpenID Connect Discovery 1.0 section 4.3: its issuer is the one that was asked, its keys are to be used."""
    ehr.behaviour.metadata = {"jwks_uri": None}
    ehr.behaviour.openid = {
        name: value.format(issuer=ehr.issuer) if isinstance(value, str) else value for name, value in body.items()
    }
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 400


@pytest.mark.parametrize("issuer", ["http://login.example.org", "/auth", "ftp://x", "file:///etc/passwd"])
async def test_a09_an_issuer_that_must_not_be_called_is_not_called(
    ehr: StrictEhr, open_scribe: OpenScribe, issuer: str
) -> None:
    """Case A9: a published issuer is no way to make us call somebody."""
    ehr.behaviour.metadata = {"jwks_uri": None, "issuer": issuer}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await browser.get("/launch", params=ehr.open_launch())
    assert answer.status_code == 400
    assert ehr.paths() == [DISCOVERY]


async def test_a09_relative_endpoints_of_older_servers_are_below_the_fhir_base(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirement 379 (RFC 1808)."""
    ehr.behaviour.metadata = {
        "authorization_endpoint": "../auth/authorize",
        "token_endpoint": f"/{ehr.name}/auth/token",
        "jwks_uri": f"/{ehr.name}/auth/jwks",
    }
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        assert (await launch(browser, ehr)).status_code == 303


async def test_a09_discovery_says_what_it_accepts_and_follows_no_redirect(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """Client requirements 29 and 375."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        await depart(browser, ehr)
    (heard,) = ehr.heard
    assert heard.headers["accept"] == "application/json"
    assert "authorization" not in heard.headers
    assert "cookie" not in heard.headers

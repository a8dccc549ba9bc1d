"""The authorization server's side of a launch, against servers that refuse, fail, wander off or never finish."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import httpx
import pytest

from connector.clients.smart import ClientCredentials, SmartServer
from connector.errors import (
    ClientNotAccepted,
    ConnectorError,
    EhrUnavailable,
    LaunchRefused,
    Misconfigured,
    RelaunchNeeded,
)

PUBLIC = ClientCredentials("scribe")
BASIC = ClientCredentials("scribe:1", "client_secret_basic", "s3cret +%&:ü")
ANSWER = {"access_token": "a-token", "token_type": "Bearer", "patient": "1"}
SECRETS = ("the-code", "the-verifier", "the-refresh-token", "s3cret", "a-token", "PEER-SAYS", "127.0.0.1")


@pytest.fixture
def server(client: httpx.AsyncClient, clock: Any) -> SmartServer:
    return SmartServer(client, deadline=1.0, timing=clock.timing())


@pytest.fixture
def hasty(client: httpx.AsyncClient) -> SmartServer:
    return SmartServer(client, deadline=0.3)


async def exchange(
    server: SmartServer, peer: Any, credentials: ClientCredentials = PUBLIC, *, at: str | None = None
) -> Mapping[str, object]:
    return await server.exchange_code(
        at or f"{peer.origin}/token",
        code="the-code",
        redirect_uri="https://scribe.example.org/launch/callback",
        code_verifier="the-verifier",
        credentials=credentials,
    )


async def renew(
    server: SmartServer, peer: Any, credentials: ClientCredentials = PUBLIC, *, at: str | None = None
) -> Mapping[str, object]:
    return await server.refresh(
        at or f"{peer.origin}/token", refresh_token="the-refresh-token", credentials=credentials
    )


async def configure(
    server: SmartServer, peer: Any, credentials: ClientCredentials = PUBLIC, *, at: str | None = None
) -> Mapping[str, object]:
    return await server.fetch_configuration(at or f"{peer.origin}/fhir")


Call = Callable[..., Awaitable[Mapping[str, object]]]
CALLS: dict[str, Call] = {"exchange": exchange, "refresh": renew, "configuration": configure}


def check_hides(error: BaseException) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert not any(secret in shown for secret in SECRETS)


# Metadata -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_configuration_is_below_the_base_even_where_it_has_a_path(
    peer: Any, server: SmartServer, slash: str
) -> None:
    peer.says(200, {"issuer": "x"}, kind="text/plain")
    assert await server.fetch_configuration(f"{peer.origin}/tenant/fhir{slash}") == {"issuer": "x"}
    (heard,) = peer.heard
    assert (heard.method, heard.target) == ("GET", "/tenant/fhir/.well-known/smart-configuration")
    assert heard.headers["accept"] == "application/json"
    assert "authorization" not in heard.headers


async def test_keys_are_fetched_from_their_address(peer: Any, server: SmartServer) -> None:
    peer.says(200, {"keys": []}, kind="application/jwk-set+json")
    assert await server.fetch_jwks(f"{peer.origin}/keys?tenant=1") == {"keys": []}
    assert peer.heard[0].target == "/keys?tenant=1"


@pytest.mark.parametrize(
    "body", [b"<html>PEER-SAYS</html>", b"", b"[]", b'{"a": NaN}', b"[" * 90_000, b"{" + b" " * 1_100_000]
)
async def test_metadata_that_is_no_json_object_ends_the_launch(peer: Any, server: SmartServer, body: bytes) -> None:
    peer.says(200, body)
    with pytest.raises(LaunchRefused, match="SMART configuration") as raised:
        await configure(server, peer)
    check_hides(raised.value)


@pytest.mark.parametrize("status", [201, 301, 302, 307, 400, 401, 403, 404])
async def test_metadata_that_is_not_there_ends_the_launch(
    peer: Any, stranger: Any, server: SmartServer, status: int
) -> None:
    peer.says(status, {"issuer": "x"}, headers={"Location": f"{stranger.origin}/.well-known/smart-configuration"})
    with pytest.raises(LaunchRefused, match=str(status)):
        await server.fetch_jwks(f"{peer.origin}/keys")
    assert stranger.heard == []


# The code exchange --------------------------------------------------------------------------------------------


async def test_a_public_client_sends_its_id_and_no_authorization(peer: Any, server: SmartServer) -> None:
    peer.says(200, ANSWER, kind="application/json")
    assert await exchange(server, peer) == ANSWER
    (heard,) = peer.heard
    assert (heard.method, heard.target) == ("POST", "/token")
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in heard.headers
    assert sorted(parse_qsl(heard.body.decode(), strict_parsing=True)) == [
        ("client_id", "scribe"),
        ("code", "the-code"),
        ("code_verifier", "the-verifier"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://scribe.example.org/launch/callback"),
    ]


@pytest.mark.parametrize("call", [exchange, renew])
async def test_a_confidential_client_proves_itself_in_the_header_only(
    peer: Any, server: SmartServer, call: Call
) -> None:
    peer.says(200, ANSWER)
    await call(server, peer, BASIC)
    (heard,) = peer.heard
    scheme, _, encoded = heard.headers["authorization"].partition(" ")
    pair = base64.b64decode(encoded, validate=True).decode("ascii")
    assert scheme == "Basic"
    assert [unquote_plus(part) for part in pair.split(":")] == ["scribe:1", "s3cret +%&:ü"]
    assert b"client_id" not in heard.body
    assert b"secret" not in heard.body


@pytest.mark.parametrize(
    "credentials",
    [
        ClientCredentials("scribe", "private_key_jwt"),
        ClientCredentials("scribe", "client_secret_basic"),
        ClientCredentials("scribe", "client_secret_basic", ""),
        ClientCredentials("scribe", ""),
    ],
)
async def test_without_a_way_to_prove_itself_nothing_is_sent(
    peer: Any, server: SmartServer, credentials: ClientCredentials
) -> None:
    for call in (exchange, renew):
        with pytest.raises(Misconfigured):
            await call(server, peer, credentials)
    assert peer.heard == []


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (400, "invalid_grant", "did not accept this launch's code"),
        (400, "invalid_client", "does not accept this client"),
        (401, "invalid_client", "does not accept this client"),
        (401, None, "does not accept this client"),
        (400, "unauthorized_client", "does not accept this client"),
        (400, "PEER-SAYS", "gave no access"),
        (403, None, "gave no access"),
        (302, None, "gave no access"),
        (200, ["x"], None),
    ],
)
async def test_a_refused_code_ends_the_launch_in_our_own_words(
    peer: Any, server: SmartServer, status: int, error: object, sentence: str | None
) -> None:
    body: object = {"error": error, "error_description": "PEER-SAYS a name"}
    peer.says(status, body if sentence is not None else b"PEER-SAYS")
    with pytest.raises(LaunchRefused, match=sentence or "gave no access") as raised:
        await exchange(server, peer)
    check_hides(raised.value)
    assert len(peer.heard) == 1


# Renewal ------------------------------------------------------------------------------------------------------


async def test_a_refresh_sends_the_token_once(peer: Any, server: SmartServer) -> None:
    peer.says(200, ANSWER)
    assert await renew(server, peer) == ANSWER
    assert sorted(parse_qsl(peer.heard[0].body.decode())) == [
        ("client_id", "scribe"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "the-refresh-token"),
    ]


async def test_a_refresh_may_ask_for_fewer_scopes(peer: Any, server: SmartServer) -> None:
    peer.says(200, ANSWER)
    await server.refresh(f"{peer.origin}/token", refresh_token="r", credentials=PUBLIC, scope="openid fhirUser")
    assert ("scope", "openid fhirUser") in parse_qsl(peer.heard[0].body.decode())


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant", "error_description": "PEER-SAYS"}),
        (400, {"error": "invalid_scope"}),
        (401, {}),
        (403, {}),
        (302, {}),
        (200, b"PEER-SAYS"),
    ],
)
async def test_a_refused_refresh_needs_a_relaunch(peer: Any, server: SmartServer, status: int, body: object) -> None:
    peer.says(status, body)
    with pytest.raises(RelaunchNeeded) as raised:
        await renew(server, peer)
    check_hides(raised.value)


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
async def test_a_refresh_by_a_client_the_ehr_does_not_know_says_nothing_of_the_grant(
    peer: Any, server: SmartServer, status: int, code: str
) -> None:
    peer.says(status, {"error": code, "error_description": "PEER-SAYS"})
    with pytest.raises(ClientNotAccepted, match="operator") as raised:
        await renew(server, peer)
    check_hides(raised.value)


# What may go wrong with any of them ---------------------------------------------------------------------------


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_failing_server_is_unavailable_and_may_say_for_how_long(
    peer: Any, server: SmartServer, call: Call, status: int
) -> None:
    peer.says(status, {"error": "PEER-SAYS"}, headers={"Retry-After": "9"})
    with pytest.raises(EhrUnavailable) as raised:
        await call(server, peer)
    assert raised.value.retry_after == 9.0
    assert len(peer.heard) == 1
    check_hides(raised.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_nobody_there_is_unavailable(server: SmartServer, peer: Any, nowhere: str, call: Call) -> None:
    with pytest.raises(EhrUnavailable) as raised:
        await call(server, peer, at=nowhere)
    check_hides(raised.value)


LOST = {
    "closed": (b"", "close"),
    "reset": (b"", "reset"),
    "silent": (b"", "hang"),
    "cut off": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "reset"),
    "never finished": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "hang"),
    "not HTTP": (b"PEER-SAYS a name\r\n\r\n", "close"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("raw", "then"), LOST.values(), ids=LOST)
async def test_a_lost_answer_is_unavailable_and_after_a_refresh_needs_a_relaunch(
    peer: Any, hasty: SmartServer, call: Call, raw: bytes, then: str
) -> None:
    peer.sends(raw, then=then)
    expected: type[ConnectorError] = RelaunchNeeded if call is renew else EhrUnavailable
    with pytest.raises(expected) as raised:
        await call(hasty, peer)
    assert len(peer.heard) == 1
    check_hides(raised.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_answer_that_drips_ends_at_the_deadline(peer: Any, hasty: SmartServer, call: Call) -> None:
    peer.drips(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b" " * 1000, every=0.02)
    with pytest.raises((EhrUnavailable, RelaunchNeeded)) as raised:
        await call(hasty, peer)
    check_hides(raised.value)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_answer_without_end_is_left_after_the_limit(peer: Any, server: SmartServer, call: Call) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.floods(start, b"4000\r\n" + b" " * 16_384 + b"\r\n", times=2_000)
    with pytest.raises((LaunchRefused, RelaunchNeeded)):
        await call(server, peer)
    assert not peer.released.is_set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_no_redirect_is_followed(peer: Any, stranger: Any, server: SmartServer, call: Call, status: int) -> None:
    peer.says(status, ANSWER, headers={"Location": f"{stranger.origin}/token"})
    with pytest.raises((LaunchRefused, RelaunchNeeded)):
        await call(server, peer, BASIC)
    assert stranger.heard == []


async def test_cookies_of_one_launch_are_not_sent_with_the_next(peer: Any, server: SmartServer) -> None:
    for _ in range(2):
        peer.says(200, ANSWER, headers={"Set-Cookie": "session=of-another-launch; Path=/"})
        await exchange(server, peer)
    assert [heard.headers.get("cookie") for heard in peer.heard] == [None, None]


def test_a_secret_is_not_printed() -> None:
    assert "s3cret" not in repr(BASIC)

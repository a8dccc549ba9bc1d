"""Writing to an EHR: sent once, its answer handed on whole, and a lost answer never taken for a yes or a no."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from connector.clients.fhir import FhirLimits, FhirServer, FhirWriteAnswer
from connector.errors import ConnectorError, EhrOutcomeUnknown, EhrUnavailable, RelaunchNeeded

BUNDLE = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"text": "Müller, knee pain"}}]}
DONE = {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "201 Created"}}]}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}
TOKENS = ["secret-token-1", "secret-token-2"]


@pytest.fixture
def renewals() -> list[bool]:
    return []


@pytest.fixture
def server(peer: Any, client: httpx.AsyncClient, renewals: list[bool], clock: Any) -> FhirServer:
    async def source(renew: bool) -> str:
        if renew:
            renewals.append(True)
        return TOKENS[len(renewals)]

    limits = FhirLimits(largest_body=100_000, write_deadline=1.0)
    return FhirServer(client, f"{peer.origin}/fhir", source, limits=limits, timing=clock.timing())


async def test_a_transaction_is_posted_to_the_base_as_it_is(peer: Any, server: FhirServer) -> None:
    peer.says(200, DONE)
    assert await server.transact(BUNDLE) == FhirWriteAnswer(200, DONE, None)
    (heard,) = peer.heard
    assert (heard.method, heard.target) == ("POST", "/fhir")
    assert heard.headers["content-type"] == "application/fhir+json"
    assert heard.headers["accept"] == "application/fhir+json"
    assert heard.headers["authorization"] == "Bearer secret-token-1"
    assert json.loads(heard.body) == BUNDLE


async def test_a_created_answer_without_json_keeps_its_location(peer: Any, server: FhirServer) -> None:
    peer.says(201, b"", kind="text/html", headers={"Location": "/fhir/DocumentReference/9/_history/1"})
    answer = await server.transact(BUNDLE)
    assert answer == FhirWriteAnswer(201, None, "/fhir/DocumentReference/9/_history/1")


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422, 500, 502, 504])
async def test_a_refusal_is_an_answer_and_nothing_is_sent_again(peer: Any, server: FhirServer, status: int) -> None:
    peer.says(status, OUTCOME)
    assert await server.transact(BUNDLE) == FhirWriteAnswer(status, OUTCOME, None)
    assert len(peer.heard) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_request_to_wait_is_handed_on_and_not_waited_for(
    peer: Any, server: FhirServer, clock: Any, status: int
) -> None:
    peer.says(status, OUTCOME, headers={"Retry-After": "7"})
    assert await server.transact(BUNDLE) == FhirWriteAnswer(status, OUTCOME, None, retry_after=7.0)
    assert len(peer.heard) == 1
    assert clock.slept == []


async def test_a_401_is_answered_with_a_renewed_token_once(peer: Any, server: FhirServer, renewals: list[bool]) -> None:
    peer.says(401, OUTCOME)
    peer.says(200, DONE)
    assert (await server.transact(BUNDLE)).status == 200
    assert [heard.headers["authorization"] for heard in peer.heard] == [f"Bearer {token}" for token in TOKENS]
    assert peer.heard[0].body == peer.heard[1].body
    assert len(renewals) == 1


async def test_a_second_401_is_the_answer(peer: Any, server: FhirServer) -> None:
    for _ in range(3):
        peer.says(401, OUTCOME)
    assert (await server.transact(BUNDLE)).status == 401
    assert len(peer.heard) == 2


async def test_a_source_that_needs_a_relaunch_is_heard_before_anything_is_sent(
    peer: Any, client: httpx.AsyncClient
) -> None:
    async def used_up(renew: bool) -> str:
        raise RelaunchNeeded("Open the scribe from the chart again.")

    with pytest.raises(RelaunchNeeded):
        await FhirServer(client, peer.origin, used_up).transact(BUNDLE)
    assert peer.heard == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_the_note_goes_nowhere_else(
    peer: Any, stranger: Any, server: FhirServer, status: int
) -> None:
    peer.says(status, b"", headers={"Location": f"{stranger.origin}/fhir"})
    answer = await server.transact(BUNDLE)
    assert (answer.status, answer.body) == (status, None)
    assert stranger.heard == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{" + b" " * 200_000 + b"}"], ids=["HTML", "list", "large"])
async def test_a_yes_with_an_unreadable_body_is_still_a_yes(peer: Any, server: FhirServer, body: bytes) -> None:
    peer.says(200, body)
    assert await server.transact(BUNDLE) == FhirWriteAnswer(200, None, None)


def check_hides(error: ConnectorError) -> None:
    """No word of the note, no token and no word of the peer is in what may be logged."""
    shown = [str(error), repr(error), error.detail]
    if error.__cause__ is not None or not error.__suppress_context__:
        shown.append(repr(error.__cause__ or error.__context__))
    for word in ("Müller", "knee", "secret-token", "PEER-SAYS", "127.0.0.1"):
        assert not any(word in text for text in shown)


async def test_nobody_there_means_nothing_was_sent(client: httpx.AsyncClient, nowhere: str) -> None:
    async def source(renew: bool) -> str:
        return TOKENS[0]

    with pytest.raises(EhrUnavailable) as raised:
        await FhirServer(client, nowhere, source).transact(BUNDLE)
    assert type(raised.value) is EhrUnavailable
    check_hides(raised.value)


LOST = {
    "closed without a word": (b"", "close"),
    "reset without a word": (b"", "reset"),
    "silent": (b"", "hang"),
    "a yes cut off by a close": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "close"),
    "a yes cut off by a reset": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "reset"),
    "a yes that never ends": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "hang"),
    "not HTTP": (b"PEER-SAYS Muller\r\n\r\n", "close"),
    "a header that is none": (b"HTTP/1.1 200 OK\r\nPEER-SAYS Muller\r\n\r\n", "close"),
}


@pytest.mark.parametrize(("raw", "then"), LOST.values(), ids=LOST)
async def test_a_lost_answer_is_unknown_and_nothing_is_sent_again(
    peer: Any, server: FhirServer, raw: bytes, then: str
) -> None:
    peer.sends(raw, then=then)
    with pytest.raises(EhrOutcomeUnknown) as raised:
        await server.transact(BUNDLE)
    assert len(peer.heard) == 1
    check_hides(raised.value)

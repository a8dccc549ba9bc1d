"""Reading a chart from peers that are slow, broken or hostile: an answer always comes back, a token never leaks."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import httpx
import pytest

from connector.clients.fhir import FhirLimits, FhirReadAnswer, FhirServer
from connector.errors import RelaunchNeeded

PATIENT = {"resourceType": "Patient", "id": "1"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}


class Tokens:
    """A token source with a list of tokens: each renewal takes the next."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.renewals = 0

    async def __call__(self, renew: bool) -> str:
        if renew:
            self.renewals += 1
            await asyncio.sleep(0)
            self.tokens.pop(0)
        return self.tokens[0]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("token-1", "token-2", "token-3")


@pytest.fixture
def server(peer: Any, client: httpx.AsyncClient, tokens: Tokens, clock: Any) -> FhirServer:
    limits = FhirLimits(largest_body=100_000, read_deadline=3.0)
    return FhirServer(client, f"{peer.origin}/fhir", tokens, limits=limits, timing=clock.timing())


async def test_a_read_asks_for_fhir_json_with_the_token(peer: Any, server: FhirServer) -> None:
    peer.says(200, PATIENT)
    assert await server.read("Patient/1") == FhirReadAnswer(200, PATIENT, None)
    (heard,) = peer.heard
    assert (heard.method, heard.target) == ("GET", "/fhir/Patient/1")
    assert heard.headers["authorization"] == "Bearer token-1"
    assert heard.headers["accept"] == "application/fhir+json"


async def test_a_search_sends_its_parameters_encoded_once(peer: Any, server: FhirServer) -> None:
    peer.says(200, {"resourceType": "Bundle"})
    answer = await server.search("Observation", {"patient": "1", "category": "http://x/y|vital-signs", "_count": "50"})
    assert answer.failure is None
    target = peer.heard[0].target
    assert target == "/fhir/Observation?patient=1&category=http%3A%2F%2Fx%2Fy%7Cvital-signs&_count=50"


async def test_a_parameter_may_come_twice(peer: Any, server: FhirServer) -> None:
    peer.says(200, {"resourceType": "Bundle"})
    await server.search("Observation", [("date", "ge2025"), ("date", "le2026")])
    assert peer.heard[0].target == "/fhir/Observation?date=ge2025&date=le2026"


@pytest.mark.parametrize(
    "kind",
    ["application/fhir+json;charset=UTF-8", "application/json", "application/json+fhir", "APPLICATION/FHIR+JSON"],
)
async def test_every_name_of_json_is_json(peer: Any, server: FhirServer, kind: str) -> None:
    peer.says(200, PATIENT, kind=kind)
    assert (await server.read("Patient/1")).failure is None


# What the EHR answers with ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422, 500, 502])
async def test_an_error_status_is_an_answer_with_its_outcome(peer: Any, server: FhirServer, status: int) -> None:
    peer.says(status, OUTCOME)
    assert await server.read("Patient/1") == FhirReadAnswer(status, OUTCOME, None)
    assert len(peer.heard) == 1


async def test_an_error_status_without_json_is_an_answer_too(peer: Any, server: FhirServer) -> None:
    peer.says(403, b"Tenant not valid", kind="text/plain")
    assert await server.read("Patient/1") == FhirReadAnswer(403, None, None)


UNREADABLE = {
    "HTML": (b"<html>Sign in</html>", "text/html"),
    "JSON called HTML": (b'{"resourceType": "Patient"}', "text/html"),
    "HTML called JSON": (b"<html>Sign in</html>", "application/fhir+json"),
    "nothing": (b"", "application/fhir+json"),
    "cut off": (b'{"resourceType": "Pat', "application/fhir+json"),
    "a list": (b"[]", "application/fhir+json"),
    "a number that is none": (b'{"value": NaN}', "application/fhir+json"),
    "no UTF-8": (b'{"name": "\xff"}', "application/fhir+json"),
    "nesting without end": (b"[" * 90_000, "application/fhir+json"),
    "XML": (b"<Patient/>", "application/fhir+xml"),
}


@pytest.mark.parametrize(("body", "kind"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_body_that_is_no_json_object_is_said_to_be_none(
    peer: Any, server: FhirServer, body: bytes, kind: str
) -> None:
    peer.says(200, body, kind=kind)
    assert await server.read("Patient/1") == FhirReadAnswer(200, None, "not-json")


async def test_a_body_that_cannot_be_unpacked_is_no_json(peer: Any, server: FhirServer) -> None:
    peer.says(200, b"not gzip", headers={"Content-Encoding": "gzip"})
    assert await server.read("Patient/1") == FhirReadAnswer(200, None, "not-json")


# Size and time ------------------------------------------------------------------------------------------------


async def test_a_body_announced_too_large_is_not_read(peer: Any, server: FhirServer) -> None:
    peer.sends(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 99999999999\r\n\r\n{", then="hang"
    )
    assert await server.read("Patient/1") == FhirReadAnswer(200, None, "too-large")


async def test_a_body_without_end_is_left_after_the_limit(peer: Any, server: FhirServer) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.floods(start, b"1000\r\n" + b" " * 4096 + b"\r\n", times=20_000)
    assert await server.read("Patient/1") == FhirReadAnswer(200, None, "too-large")
    assert not peer.released.is_set()


async def test_a_small_body_that_unpacks_to_a_huge_one_is_too_large(peer: Any, server: FhirServer) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < 100_000
    peer.says(200, packed, headers={"Content-Encoding": "gzip"})
    assert await server.read("Patient/1") == FhirReadAnswer(200, None, "too-large")


async def test_a_packed_body_of_sensible_size_is_read(peer: Any, server: FhirServer) -> None:
    peer.says(200, gzip.compress(b'{"resourceType": "Patient"}'), headers={"Content-Encoding": "gzip"})
    assert (await server.read("Patient/1")).body == {"resourceType": "Patient"}


async def test_silence_ends_at_the_deadline(peer: Any, server: FhirServer) -> None:
    peer.sends(b"", then="hang")
    assert await server.read("Patient/1") == FhirReadAnswer(0, None, "timeout")
    assert len(peer.heard) == 1


async def test_a_body_that_drips_ends_at_the_deadline_of_the_whole(peer: Any, server: FhirServer) -> None:
    peer.drips(b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n\r\n" + b" " * 1000, every=0.02)
    assert await server.read("Patient/1") == FhirReadAnswer(0, None, "timeout")


# Connections --------------------------------------------------------------------------------------------------


async def test_nobody_there_is_an_answer_too(client: httpx.AsyncClient, tokens: Tokens, nowhere: str) -> None:
    server = FhirServer(client, nowhere, tokens)
    assert await server.read("Patient/1") == FhirReadAnswer(0, None, "unreachable")


BROKEN = {
    "closed without a word": (b"", "close"),
    "reset without a word": (b"", "reset"),
    "reset in the middle": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "reset"),
    "closed in the middle": (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "close"),
    "not HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "close"),
}


@pytest.mark.parametrize(("raw", "then"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_connection_is_tried_again(
    peer: Any, server: FhirServer, clock: Any, raw: bytes, then: str
) -> None:
    peer.sends(raw, then=then)
    peer.says(200, PATIENT)
    assert (await server.read("Patient/1")).body == PATIENT
    assert clock.slept == [0.5]


async def test_a_connection_that_breaks_every_time_is_given_up(peer: Any, server: FhirServer, clock: Any) -> None:
    for _ in range(5):
        peer.sends(b"", then="reset")
    assert await server.read("Patient/1") == FhirReadAnswer(0, None, "unreachable")
    assert len(peer.heard) == 3
    assert clock.slept == [0.5, 1.0]


# Waiting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("said", "waited"), [("2", 2.0), ("0", 0.0), ("Mon, 02 Mar 2026 09:30:07 GMT", 7.0)])
async def test_retry_after_is_honoured(
    peer: Any, server: FhirServer, clock: Any, status: int, said: str, waited: float
) -> None:
    peer.says(status, OUTCOME, headers={"Retry-After": said})
    peer.says(200, PATIENT)
    assert (await server.read("Patient/1")).status == 200
    assert clock.slept == [waited]


async def test_without_retry_after_the_pauses_double(peer: Any, server: FhirServer, clock: Any) -> None:
    for _ in range(5):
        peer.says(429, OUTCOME)
    assert await server.read("Patient/1") == FhirReadAnswer(429, OUTCOME, None)
    assert len(peer.heard) == 3
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize("said", ["11", "3600", "Mon, 02 Mar 2026 10:30:00 GMT", "999999999"])
async def test_a_wait_beyond_patience_is_not_waited(peer: Any, server: FhirServer, clock: Any, said: str) -> None:
    peer.says(503, OUTCOME, headers={"Retry-After": said})
    assert (await server.read("Patient/1")).status == 503
    assert clock.slept == []
    assert len(peer.heard) == 1


@pytest.mark.parametrize("said", ["soon", "-5", "", "Mon, 99 Foo", "1e9999"])
async def test_a_retry_after_that_says_nothing_is_like_none(
    peer: Any, server: FhirServer, clock: Any, said: str
) -> None:
    peer.says(503, OUTCOME, headers={"Retry-After": said})
    peer.says(200, PATIENT)
    assert (await server.read("Patient/1")).status == 200
    assert clock.slept == [0.5]


# Tokens -------------------------------------------------------------------------------------------------------


async def test_a_401_is_answered_with_a_renewed_token_once(peer: Any, server: FhirServer, tokens: Tokens) -> None:
    peer.says(401, OUTCOME)
    peer.says(200, PATIENT)
    assert (await server.read("Patient/1")).status == 200
    assert [heard.headers["authorization"] for heard in peer.heard] == ["Bearer token-1", "Bearer token-2"]
    assert tokens.renewals == 1


async def test_a_second_401_is_the_answer(peer: Any, server: FhirServer, tokens: Tokens) -> None:
    for _ in range(5):
        peer.says(401, OUTCOME)
    assert await server.read("Patient/1") == FhirReadAnswer(401, OUTCOME, None)
    assert len(peer.heard) == 2
    assert tokens.renewals == 1


async def test_parallel_calls_share_one_renewal(peer: Any, server: FhirServer, tokens: Tokens) -> None:
    async def only_the_second(heard: Any, writer: asyncio.StreamWriter) -> None:
        fresh = heard.headers["authorization"] == "Bearer token-2"
        status = b"200 OK" if fresh else b"401 No"
        writer.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
            % status
        )

    peer.always = only_the_second
    answers = await asyncio.gather(*(server.read(f"Patient/{n}") for n in range(6)))
    assert [answer.status for answer in answers] == [200] * 6
    assert tokens.renewals == 1


async def test_a_source_that_needs_a_relaunch_is_heard(peer: Any, client: httpx.AsyncClient) -> None:
    async def used_up(renew: bool) -> str:
        if renew:
            raise RelaunchNeeded("Open the scribe from the chart again.")
        return "token-1"

    peer.says(401, OUTCOME)
    with pytest.raises(RelaunchNeeded):
        await FhirServer(client, peer.origin, used_up).read("Patient/1")


async def test_a_redirect_is_an_answer_and_is_not_followed(peer: Any, stranger: Any, server: FhirServer) -> None:
    for status in (301, 302, 303, 307, 308):
        peer.says(status, b"", headers={"Location": f"{stranger.origin}/fhir/Patient/1"})
        assert await server.read("Patient/1") == FhirReadAnswer(status, None, None)
    assert stranger.heard == []


async def test_cookies_of_one_answer_are_not_sent_with_the_next(peer: Any, server: FhirServer) -> None:
    peer.says(200, PATIENT, headers={"Set-Cookie": "session=of-another-launch; Path=/"})
    peer.says(200, PATIENT)
    await server.read("Patient/1")
    await server.read("Patient/1")
    assert [heard.headers.get("cookie") for heard in peer.heard] == [None, None]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/Patient/1",
        "Patient//1",
        "Patient/../../admin",
        "Patient/./1",
        "Patient/1?_elements=id",
        "Patient/1#x",
        "Patient/%2e%2e",
        "Patient\\1",
        "//evil.example/Patient/1",
        "https://evil.example/Patient/1",
        "evil.example:80/Patient/1",
        "@evil.example/",
        "Patient/1\r\nX: y",
        "Patient/1 ",
        "Patient/é",
        "a/" * 20 + "b",
    ],
)
async def test_a_path_that_is_none_is_not_called(peer: Any, server: FhirServer, path: str) -> None:
    assert await server.read(path) == FhirReadAnswer(0, None, "foreign-link")
    assert peer.heard == []


# Next links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("{base}?_getpages=a-b&_getpagesoffset=20", "/fhir?_getpages=a-b&_getpagesoffset=20"),
        ("{base}/Observation?page=2&code=a%7Cb", "/fhir/Observation?page=2&code=a%7Cb"),
        ("{base}/", "/fhir/"),
        ("Observation?page=2", "/fhir/Observation?page=2"),
        ("?page=2", "/fhir/?page=2"),
        ("/fhir/Observation?page=2", "/fhir/Observation?page=2"),
    ],
)
async def test_a_next_link_of_the_same_base_is_followed_as_it_came(
    peer: Any, server: FhirServer, link: str, target: str
) -> None:
    peer.says(200, {"resourceType": "Bundle"})
    assert (await server.follow(link.format(base=f"{peer.origin}/fhir"))).status == 200
    assert peer.heard[0].target == target
    assert peer.heard[0].headers["authorization"] == "Bearer token-1"


async def test_a_base_without_a_path_has_its_own_next_links(
    peer: Any, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    peer.says(200, {"resourceType": "Bundle"})
    server = FhirServer(client, peer.origin, tokens)
    assert (await server.follow(f"{peer.origin}?_getpages=1")).status == 200
    assert peer.heard[0].target == "/?_getpages=1"


@pytest.mark.parametrize(
    "link",
    [
        "{stranger}/fhir?_getpages=1",
        "//{stranger_host}/fhir?_getpages=1",
        "{base}@{stranger_host}/fhir",
        "http://user:word@{peer_host}/fhir?page=2",
        "{base}x/Observation",
        "{peer}/admin",
        "{peer}/",
        "{base}/../admin",
        "{base}/%2e%2e/admin",
        "{base}/..%2fadmin",
        "{base}/%5c..%5cadmin",
        "https://{peer_host}/fhir?page=2",
        "http://localhost:{peer_port}/fhir?page=2",
        "ftp://{peer_host}/fhir",
        "file:///fhir",
        "data:,x",
        "{base}?page=2#fragment",
        "http://[::1/fhir",
        "http://127.0.0.1:99999999/fhir",
        "\x00",
    ],
)
async def test_a_next_link_elsewhere_is_not_called(
    peer: Any, stranger: Any, server: FhirServer, tokens: Tokens, link: str
) -> None:
    url = link.format(
        base=f"{peer.origin}/fhir",
        peer=peer.origin,
        peer_host=peer.origin.removeprefix("http://"),
        peer_port=peer.origin.rpartition(":")[2],
        stranger=stranger.origin,
        stranger_host=stranger.origin.removeprefix("http://"),
    )
    assert await server.follow(url) == FhirReadAnswer(0, None, "foreign-link")
    assert stranger.heard == []
    assert peer.heard == []


@pytest.mark.parametrize("link", [None, 7, ["x"], {}])
async def test_a_next_link_that_is_no_text_is_not_called(peer: Any, server: FhirServer, link: Any) -> None:
    assert await server.follow(link) == FhirReadAnswer(0, None, "foreign-link")
    assert peer.heard == []

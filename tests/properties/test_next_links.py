"""Whatever a `next` link says, a token only ever goes to the registered base: same origin, same path or below."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.clients.fhir import FhirServer
from connector.clients.http import make_client

BASES = ("https://ehr.example.org/fhir/r4", "https://ehr.example.org", "http://127.0.0.1:8081/fhir")
MARKS = (
    "https://",
    "http://",
    "//",
    "/",
    "\\",
    "..",
    ".",
    "%2e%2e",
    "%2f",
    "%5c",
    "@",
    ":",
    ":443",
    "?",
    "#",
    "&",
    "\t",
)
WORDS = (
    "ehr.example.org",
    "EHR.example.org",
    "evil.example",
    "127.0.0.1",
    "fhir",
    "r4",
    "Patient",
    "user:word",
    " ",
    "é",
)
PIECES = st.sampled_from(MARKS) | st.sampled_from(WORDS)


async def token(renew: bool) -> str:
    return "token"


def follow_noting(base: str, link: str) -> list[httpx.Request]:
    """The requests that following `link` puts on the wire."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    async def follow() -> None:
        async with make_client(timeout=5, transport=httpx.MockTransport(answer)) as client:
            await FhirServer(client, base, token).follow(link)

    asyncio.run(follow())
    return sent


@pytest.mark.parametrize("base", BASES)
def test_the_control_a_link_of_the_base_is_sent(base: str) -> None:
    (sent,) = follow_noting(base, f"{base}/Observation?page=2")
    assert str(sent.url) == f"{base}/Observation?page=2"


@settings(max_examples=300, deadline=None)
@given(
    base=st.sampled_from(BASES),
    link=st.builds(
        lambda change, pieces: change("".join(pieces)),
        st.sampled_from([lambda text: text, lambda text: BASES[0] + text, lambda text: BASES[1] + text]),
        st.lists(PIECES, max_size=8),
    )
    | st.text(max_size=40),
)
@example(base=BASES[0], link="https://ehr.example.org/fhir/r4/../../admin")
@example(base=BASES[1], link="https://ehr.example.org.evil.example/")
@example(base=BASES[1], link="https://ehr.example.org@evil.example/")
def test_a_token_never_leaves_the_registered_base(base: str, link: str) -> None:
    home = httpx.URL(base)
    for sent in follow_noting(base, link):
        assert (sent.url.scheme, sent.url.host, sent.url.port) == (home.scheme, home.host, home.port)
        assert sent.headers["host"] == home.netloc.decode()
        assert f"{sent.url.path}/".startswith(f"{home.path.rstrip('/')}/")
        assert ".." not in sent.url.path.split("/")
        assert not sent.url.userinfo

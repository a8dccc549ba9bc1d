"""A Binary that a server answers with its bytes as they are: plain text is read, and nothing else is taken for it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connector.clients.fhir import FhirServer
from connector.context.notes import read_attachment


@pytest.fixture
def server(peer: Any, client: httpx.AsyncClient) -> FhirServer:
    async def token(renew: bool) -> str:
        return "token"

    return FhirServer(client, f"{peer.origin}/fhir", token)


async def test_the_plain_text_of_a_binary_is_the_resource_it_stands_for(peer: Any, server: FhirServer) -> None:
    peer.says(200, "Fühlt sich besser.".encode(), kind="text/plain; charset=utf-8")
    answer = await server.read("Binary/1")
    assert (answer.status, answer.failure) == (200, None)
    assert answer.body is not None and answer.body["resourceType"] == "Binary"
    note = read_attachment(answer.body["data"], answer.body["contentType"], most=1000)
    assert note is not None and note.text == "Fühlt sich besser."


@pytest.mark.parametrize(
    ("path", "kind", "content", "status"),
    [
        ("Binary/1", "text/html", b"<p>signed out</p>", 200),
        ("Binary/1", "application/octet-stream", b"text", 200),
        ("Binary/1", "text/plain", b"", 200),
        ("Binary/1", "text/plain", b"not found", 404),
        ("Observation/Binary", "text/plain", b"text", 200),
        ("Patient/1", "text/plain", b"text", 200),
    ],
)
async def test_no_other_text_is_taken_for_a_resource(
    peer: Any, server: FhirServer, path: str, kind: str, content: bytes, status: int
) -> None:
    peer.says(status, content, kind=kind)
    answer = await server.read(path)
    assert answer.body is None and (answer.failure == "not-json" or status == 404)

"""Codes, tokens and secrets go over TLS 1.2 or newer, to a server that has proven who it is, and to nobody else.

Client requirements 1 and 318.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from connector.clients.fhir import FhirServer
from connector.clients.http import make_client
from connector.clients.smart import ClientCredentials, SmartServer
from connector.errors import EhrUnavailable, Misconfigured, RelaunchNeeded
from connector.settings import Settings

SUPPORTED_VERSIONS = 43
TLS_1_1, TLS_1_2, TLS_1_3 = 0x0302, 0x0303, 0x0304
CREDENTIALS = ClientCredentials("scribe", "client_secret_basic", "a-secret")


def write_certificate(path: Path) -> None:
    """A certificate for localhost that no authority vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private)


@dataclass
class Unproven:
    """An HTTPS server nobody vouches for; `heard` is what it was sent once the connection was secured."""

    port: int = 0
    certificate: Path = Path()
    heard: list[bytes] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
        await writer.drain()
        writer.close()


@pytest.fixture
async def unproven(tmp_path: Path) -> AsyncIterator[Unproven]:
    made = Unproven(certificate=tmp_path / "server.pem")
    write_certificate(made.certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate)
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


async def exchange(client: httpx.AsyncClient, origin: str) -> None:
    smart = SmartServer(client)
    secret = {"code": "the-code", "redirect_uri": "https://x/callback", "code_verifier": "v" * 43}
    await smart.exchange_code(f"{origin}/token", **secret, credentials=CREDENTIALS)


async def renew(client: httpx.AsyncClient, origin: str) -> None:
    await SmartServer(client).refresh(f"{origin}/token", refresh_token="the-refresh-token", credentials=CREDENTIALS)


async def read(client: httpx.AsyncClient, origin: str) -> None:
    async def token(_renew: bool) -> str:
        return "the-token"

    answer = await FhirServer(client, f"{origin}/fhir", token).read("Patient/1", ())
    if answer.failure is not None:
        raise EhrUnavailable(answer.failure)


Call = Callable[[httpx.AsyncClient, str], Awaitable[None]]
CALLS: dict[str, Call] = {"code exchange": exchange, "refresh": renew, "FHIR read": read}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_server_nobody_vouches_for_is_sent_nothing(unproven: Unproven, call: Call) -> None:
    """Client requirements 1 and 318: neither code nor token nor secret leaves, and no error says where to."""
    async with make_client(timeout=5) as client:
        with pytest.raises((EhrUnavailable, RelaunchNeeded)):
            await call(client, unproven.origin)
    assert unproven.heard == []


async def test_the_control_a_client_that_believes_it_is_heard(unproven: Unproven) -> None:
    believing = ssl.create_default_context(cafile=str(unproven.certificate))
    transport = httpx.AsyncHTTPTransport(verify=believing)
    async with make_client(timeout=5, transport=transport) as client:
        await read(client, unproven.origin)
    (heard,) = unproven.heard
    assert b"Bearer the-token" in heard


async def test_a_private_authority_of_the_operators_is_believed(unproven: Unproven) -> None:
    async with make_client(timeout=5, ca_file=unproven.certificate) as client:
        await read(client, unproven.origin)
    assert len(unproven.heard) == 1


@pytest.mark.parametrize(
    "content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"]
)
def test_a_file_without_certificates_stops_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"authority\.pem"):
        make_client(timeout=5, ca_file=path)


@pytest.mark.parametrize(
    "address",
    [
        "https://scribe.example.org",
        "https://scribe.example.org:8443/",
        "http://127.0.0.1:8000",
        "http://ehr.localhost:81",
    ],
)
def test_a_public_address_with_tls_or_on_this_machine_is_taken(address: str) -> None:
    assert Settings(public_base_url=address).public_base_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://scribe.example.org",
        "http://10.0.0.5:8000",
        "http://localhost.evil.example",
        "https://scribe.example.org/scribe",
        "https://u:p@scribe.example.org",
        "https://scribe.example.org?x=1",
        "https://[::1",
        "scribe.example.org",
        "",
    ],
)
def test_a_public_address_browsers_bring_no_cookie_back_to_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="public_base_url"):
        Settings(public_base_url=address)


def offered_versions(hello: bytes) -> set[int]:
    """The TLS versions a ClientHello offers (RFC 8446, section 4.2.1), without the numbers that are only noise."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack_from(">H", hello, at)[0]
    at += 1 + hello[at]
    at += 2
    while at < len(hello):
        kind, size = struct.unpack_from(">HH", hello, at)
        if kind == SUPPORTED_VERSIONS:
            listed = hello[at + 5 : at + 4 + size]
            return {version for (version,) in struct.iter_unpack(">H", listed) if version >> 8 == 3}
        at += 4 + size
    return {struct.unpack_from(">H", hello, 9)[0]}


async def greet(client: httpx.AsyncClient) -> set[int]:
    """What a client offers to a server that only listens."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        heard.append(head + await reader.readexactly(struct.unpack(">H", head[3:])[0]))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, family=socket.AF_INET)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(httpx.TransportError):
        await client.get(f"https://localhost:{port}/")
    server.close()
    await server.wait_closed()
    return offered_versions(heard[0])


async def test_only_tls_1_2_and_newer_is_offered() -> None:
    """Client requirement 318."""
    async with make_client(timeout=5) as client:
        assert await greet(client) == {TLS_1_2, TLS_1_3}


async def test_the_control_an_older_version_would_be_seen() -> None:
    context: Any = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    async with make_client(timeout=5, transport=httpx.AsyncHTTPTransport(verify=context)) as client:
        assert TLS_1_1 in await greet(client)

"""Recordings are fetched from this machine only where a setting says so and the whole deployment is a sandbox on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connector.app import make_fetcher
from connector.clients.web_address import WebAddress
from connector.errors import AddressRefused, Misconfigured, SourceRefused
from connector.settings import Settings
from tests.fixtures.sound_host import HOST, sound_host, whole

HERE: dict[str, Any] = {
    "public_base_url": "http://127.0.0.1:8000",
    "assemblyai_base_url": "http://127.0.0.1:1",
    "gateway_base_url": "http://localhost:1/v1",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_base_url", "https://scribe.example.org"),
        ("assemblyai_base_url", "https://api.assemblyai.com"),
        ("gateway_base_url", "https://llm-gateway.assemblyai.com/v1"),
        ("gateway_base_url", "https://localhost.example.org/v1"),
        ("assemblyai_base_url", "http://10.0.0.1:1"),
    ],
)
def test_it_is_refused_as_soon_as_one_address_is_not_of_this_machine(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ValidationError, match="for sandboxes only"):
        Settings(**{**HERE, name: value}, sandbox_audio_ca_file=tmp_path / "authority.pem")
    Settings(**{**HERE, name: value})


async def test_with_it_every_host_is_this_machine_and_without_it_none_is(tmp_path: Path) -> None:
    with sound_host(tmp_path, whole(b"sound")) as host:
        address = WebAddress(HOST, host.port, "/a")
        async with make_fetcher(Settings(**HERE, sandbox_audio_ca_file=host.authority)).open(address) as source:
            assert b"".join([piece async for piece in source.pieces]) == b"sound"
        assert host.met == 1
        with pytest.raises((AddressRefused, SourceRefused)):
            async with make_fetcher(Settings(**HERE)).open(WebAddress("localhost", host.port, "/a")):
                pass
        assert host.met == 1


def test_a_file_without_certificates_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="CONNECTOR_SANDBOX_AUDIO_CA_FILE"):
        make_fetcher(Settings(**HERE, sandbox_audio_ca_file=tmp_path / "none.pem"))

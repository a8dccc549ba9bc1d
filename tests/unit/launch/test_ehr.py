"""Endpoints an EHR publishes: resolved against its FHIR base, https or a host registered for plain http."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import LaunchRefused
from connector.launch.ehr import RegisteredEhr, resolve_endpoint


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://login.example.org/token", "https://login.example.org/token"),
        ("https://login.example.org/token?tenant=1", "https://login.example.org/token?tenant=1"),
        ("auth/token", "https://ehr.example.org/fhir/r4/auth/token"),
        ("/auth/token", "https://ehr.example.org/auth/token"),
        ("//login.example.org/token", "https://login.example.org/token"),
    ],
)
def test_an_endpoint_is_absolute_or_relative_to_the_fhir_base(ehr: RegisteredEhr, value: str, expected: str) -> None:
    assert resolve_endpoint(value, ehr, field="token_endpoint") == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "http://login.example.org/token",
        "http://127.0.0.1/token",
        "ftp://login.example.org/token",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:token",
        "https:/login.example.org/token",
        "https://user@login.example.org/token",
        "https://user:word@login.example.org/token",
        "https://login.example.org/token#part",
        "https://login.example.org:port/token",
        "https://[::1/token",
        "https://login.example.org\\@evil.example/token",
        "https://login.example.org/to ken",
        "https://login.example.org/token\n",
        "https://lögin.example.org/token",
    ],
)
def test_an_endpoint_that_must_not_be_called_is_refused(ehr: RegisteredEhr, value: object) -> None:
    with pytest.raises(LaunchRefused) as refused:
        resolve_endpoint(value, ehr, field="token_endpoint")
    assert "token_endpoint" in refused.value.detail
    assert "login.example" not in refused.value.detail


def test_plain_http_is_for_the_hosts_registered_for_it(ehr: RegisteredEhr) -> None:
    local = replace(ehr, fhir_base="http://localhost:8080/fhir", plain_http_hosts=("localhost", "::1"))
    assert resolve_endpoint("http://[::1]:9/token", local, field="token_endpoint") == "http://[::1]:9/token"
    assert resolve_endpoint("/token", local, field="token_endpoint") == "http://localhost:8080/token"
    with pytest.raises(LaunchRefused):
        resolve_endpoint("http://localhost.evil.example/token", local, field="token_endpoint")

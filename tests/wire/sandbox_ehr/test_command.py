"""The command that starts the sandbox EHR, and the configuration it reads."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from connector_sandbox.ehr.configuration import ConfigurationRefused, parse_config
from connector_sandbox.ehr.keys import load_signing_key, publish_keys

from tests.wire.sandbox_ehr.conftest import listen
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


def config(port: int, upstream: str, state_dir: Path) -> dict[str, Any]:
    """A configuration file's content."""
    app = {
        "client_id": "scribe",
        "name": "Scribe",
        "client_secret": None,
        "redirect_uris": ["http://127.0.0.1:9/callback"],
        "launch_url": "http://127.0.0.1:9/launch",
        "scopes": "launch patient/Patient.r",
    }
    return {
        "port": port,
        "base_url": f"http://localhost:{port}",
        "fhir_upstream": upstream,
        "state_dir": str(state_dir),
        "clients": [app],
    }


def start(path: Path) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "connector_sandbox.ehr", "--config", str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_starts_serves_and_stops(fhir: TinyFhir, tmp_path: Path) -> None:
    sock, port = listen()
    sock.close()
    path = tmp_path / "ehr.json"
    path.write_text(json.dumps(config(port, fhir.base, tmp_path / "state")))
    process = start(path)
    try:
        deadline, health = time.monotonic() + 30, {}
        while not health.get("ready") and time.monotonic() < deadline:
            try:
                health = httpx.get(f"http://localhost:{port}/health", trust_env=False).json()
            except httpx.HTTPError:
                time.sleep(0.1)
        assert health["ready"] is True
        (key_file,) = (tmp_path / "state").iterdir()
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        second = start(path)
        _, errors = second.communicate(timeout=30)
        assert second.returncode == 2
        assert "cannot start" in errors
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert output == f"Sandbox EHR ready on http://localhost:{port}\n"
    assert errors == ""
    assert process.returncode in (0, -signal.SIGTERM)


def test_a_configuration_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ehr.json"
    path.write_text("{}")
    process = start(path)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "clients" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"port": "80"}, "port"),
        ({"base_url": "localhost:80"}, "base_url"),
        ({"fhir_upstream": "ftp://x/fhir"}, "fhir_upstream"),
        ({"clients": []}, "clients"),
        ({"clients": [{"client_id": "x"}]}, "name"),
        ({"colour": "red"}, "colour"),
        ({"state_dir": None}, "state_dir"),
        ({"name": "General Hospital"}, "sandbox"),
        ({"scope_dialect": "v3"}, "scope_dialect"),
        ({"off": ["weather"]}, "off"),
        ({"off": "launch-ehr"}, "off"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationRefused, match=named):
        parse_config({**config(1, "http://127.0.0.1:1/fhir", tmp_path), **change})


JWKS = {"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"auth_method": "client_secret_jwt"}, "auth_method"),
        ({"auth_method": "client_secret_basic"}, "client_secret"),
        ({"auth_method": "public", "client_secret": "x"}, "client_secret"),
        ({"auth_method": "private_key_jwt"}, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": JWKS, "jwks_url": "http://127.0.0.1:9/jwks"}, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": JWKS, "client_secret": "x"}, "client_secret"),
        ({"client_secret": "x", "jwks": JWKS}, "jwks"),
        ({"jwks_url": "ftp://x"}, "jwks_url"),
        ({"jwks": {"keys": []}}, "at least one"),
        ({"jwks": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}}, "kid"),
        ({"jwks": {"keys": [{"kty": "oct", "kid": "1", "k": "AQAB"}]}}, "private"),
        ({"jwks": {"keys": [{**JWKS["keys"][0], "d": "AQAB"}]}}, "private"),
        ({"jwks": {"keys": [{"kty": "EC", "kid": "1", "crv": "P-384", "x": "AQAB"}]}}, "needs crv, x, y"),
        ({"scope_dialect": "v3"}, "scope_dialect"),
        ({"redirect_uris": []}, "redirect_uris"),
    ],
)
def test_each_mistake_of_a_client_is_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    right = config(1, "http://127.0.0.1:1/fhir", tmp_path)
    with pytest.raises(ConfigurationRefused, match=named):
        parse_config({**right, "clients": [{**right["clients"][0], **change}]})


@pytest.mark.parametrize(
    ("change", "method"),
    [
        ({}, "public"),
        ({"client_secret": "x"}, "client_secret_basic"),
        ({"client_secret": "x", "auth_method": "client_secret_post"}, "client_secret_post"),
        ({"jwks": JWKS}, "private_key_jwt"),
        ({"jwks_url": "http://127.0.0.1:9/jwks"}, "private_key_jwt"),
    ],
)
def test_how_a_client_proves_itself_follows_from_what_is_given(
    tmp_path: Path, change: dict[str, Any], method: str
) -> None:
    right = config(1, "http://127.0.0.1:1/fhir", tmp_path)
    (client,) = parse_config({**right, "clients": [{**right["clients"][0], **change}]}).clients
    assert client.auth_method == method


def test_a_client_may_be_listed_once(tmp_path: Path) -> None:
    right = config(1, "http://127.0.0.1:1/fhir/", tmp_path)
    assert parse_config(right).fhir_upstream == "http://127.0.0.1:1/fhir"
    with pytest.raises(ConfigurationRefused, match="once"):
        parse_config({**right, "clients": right["clients"] * 2})


def test_a_secret_does_not_show_in_the_configurations_repr(tmp_path: Path) -> None:
    raw = config(1, "http://127.0.0.1:1/fhir", tmp_path)
    raw["clients"][0]["client_secret"] = "do-not-show"
    assert "do-not-show" not in repr(parse_config(raw))


def test_the_signing_key_is_kept_and_its_public_half_published(tmp_path: Path) -> None:
    first, second = load_signing_key(tmp_path), load_signing_key(tmp_path)
    assert publish_keys([first]) == publish_keys([second])
    assert set(publish_keys([first])["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}

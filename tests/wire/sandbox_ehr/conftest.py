"""The sandbox EHR on real loopback sockets, in front of a tiny FHIR server that remembers what it was sent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from connector_sandbox.ehr.app import create_app
from connector_sandbox.ehr.configuration import EhrConfig, parse_config

from tests.wire.sandbox_ehr.app_keys import KeyServer, inline_jwks
from tests.wire.sandbox_ehr.app_under_launch import (
    ASYMMETRIC,
    CONFIDENTIAL,
    POSTING,
    PUBLIC,
    REDIRECT,
    REGISTERED,
    SECRET,
    URL_KEYED,
    Ehr,
    Turnable,
)
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


@contextmanager
def serve(app: Any, sock: socket.socket) -> Iterator[None]:
    """Run an ASGI app on a listening socket in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        sock.close()


def listen() -> tuple[socket.socket, int]:
    """A listening socket on a free port of 127.0.0.1."""
    sock = socket.create_server(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


def describe_ehr(port: int, upstream: str, state_dir: Path, *, jwks_url: str, **more: Any) -> EhrConfig:
    """A configuration with one app for each way of authentication; the assertion's keys inline and by address."""
    proofs: dict[str, dict[str, Any]] = {
        CONFIDENTIAL: {"client_secret": SECRET},
        PUBLIC: {"auth_method": "public"},
        POSTING: {"auth_method": "client_secret_post", "client_secret": SECRET},
        ASYMMETRIC: {"auth_method": "private_key_jwt", "jwks": inline_jwks()},
        URL_KEYED: {"auth_method": "private_key_jwt", "jwks_url": jwks_url},
    }
    apps = [
        {
            "client_id": client_id,
            "name": f"App {client_id}",
            "redirect_uris": [REDIRECT],
            "launch_url": "http://127.0.0.1:9/launch",
            "scopes": REGISTERED,
            **proof,
        }
        for client_id, proof in proofs.items()
    ]
    settled = {"port": port, "base_url": f"http://localhost:{port}", "fhir_upstream": upstream, "clients": apps}
    return parse_config({**settled, "state_dir": str(state_dir), **more})


@contextmanager
def run_ehr(upstream: str, state_dir: Path, *, jwks_url: str = "http://127.0.0.1:9/jwks", **more: Any) -> Iterator[Ehr]:
    """A sandbox EHR in front of `upstream`, with a clock that can be turned; `more` goes into its configuration."""
    sock, port = listen()
    clock = Turnable()
    config = describe_ehr(port, upstream, state_dir, jwks_url=jwks_url, **more)
    with serve(create_app(config, clock=clock), sock), httpx.Client(timeout=20, trust_env=False) as http:
        yield Ehr(config.base_url, clock, http)


@pytest.fixture(scope="session")
def key_server() -> Iterator[KeyServer]:
    """The server of an app's jwks_url."""
    sock, port = listen()
    server = KeyServer(f"http://127.0.0.1:{port}/jwks")
    with serve(server.app(), sock):
        yield server


@pytest.fixture(scope="session")
def fhir() -> Iterator[TinyFhir]:
    """The tiny FHIR server; every test adds patients of its own."""
    sock, port = listen()
    tiny = TinyFhir(base=f"http://127.0.0.1:{port}/fhir")
    with serve(tiny.app(), sock):
        yield tiny


@pytest.fixture(scope="session")
def running_ehr(fhir: TinyFhir, key_server: KeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    """One sandbox EHR for all tests here."""
    with run_ehr(fhir.base, tmp_path_factory.mktemp("ehr"), jwks_url=key_server.url) as ehr:
        yield ehr


@pytest.fixture
def ehr(running_ehr: Ehr) -> Iterator[Ehr]:
    """The same, with no fault, mischief or setting left over and a browser without cookies."""
    yield running_ehr
    for kind in ("faults", "mischief", "settings"):
        running_ehr.http.delete(f"{running_ehr.base}/sandbox/{kind}")
    running_ehr.http.cookies.clear()

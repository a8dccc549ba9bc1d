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

from tests.wire.sandbox_ehr.app_under_launch import CONFIDENTIAL, PUBLIC, REDIRECT, SCOPES, SECRET, Ehr, Turnable
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


def describe_ehr(port: int, upstream: str, state_dir: Path) -> EhrConfig:
    """A configuration with a confidential and a public app."""
    apps = [
        {
            "client_id": client_id,
            "name": f"App {client_id}",
            "client_secret": secret,
            "redirect_uris": [REDIRECT],
            "launch_url": "http://127.0.0.1:9/launch",
            "scopes": SCOPES,
        }
        for client_id, secret in ((CONFIDENTIAL, SECRET), (PUBLIC, None))
    ]
    return parse_config(
        {
            "port": port,
            "base_url": f"http://localhost:{port}",
            "fhir_upstream": upstream,
            "state_dir": str(state_dir),
            "clients": apps,
        }
    )


@contextmanager
def run_ehr(upstream: str, state_dir: Path) -> Iterator[Ehr]:
    """A sandbox EHR in front of `upstream`, with a clock that can be turned."""
    sock, port = listen()
    clock = Turnable()
    config = describe_ehr(port, upstream, state_dir)
    with serve(create_app(config, clock=clock), sock), httpx.Client(timeout=20, trust_env=False) as http:
        yield Ehr(config.base_url, clock, http)


@pytest.fixture(scope="session")
def fhir() -> Iterator[TinyFhir]:
    """The tiny FHIR server; every test adds patients of its own."""
    sock, port = listen()
    tiny = TinyFhir(base=f"http://127.0.0.1:{port}/fhir")
    with serve(tiny.app(), sock):
        yield tiny


@pytest.fixture(scope="session")
def running_ehr(fhir: TinyFhir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    """One sandbox EHR for all tests here."""
    with run_ehr(fhir.base, tmp_path_factory.mktemp("ehr")) as ehr:
        yield ehr


@pytest.fixture
def ehr(running_ehr: Ehr) -> Iterator[Ehr]:
    """The same, with no fault left over and a browser without cookies."""
    yield running_ehr
    running_ehr.http.delete(f"{running_ehr.base}/sandbox/faults")
    running_ehr.http.cookies.clear()

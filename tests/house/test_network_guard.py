"""Sockets are shut but for loopback and unix, in this process and in those the tests start."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

ELSEWHERE = ["192.0.2.1", "203.0.113.7", "2001:db8::1", "0.0.0.0", "::"]


@pytest.mark.parametrize("host", ELSEWHERE)
def test_no_test_connects_to_anything_but_this_machine(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one, pytest.raises(RuntimeError, match="loopback only"):
        one.connect((host, 443))


def test_no_test_listens_for_others() -> None:
    with socket.socket() as one, pytest.raises(RuntimeError, match="loopback only"):
        one.bind(("0.0.0.0", 0))


@pytest.mark.parametrize("name", ["example.com", "ehr.invalid", b"example.com"])
def test_no_test_asks_for_a_name_elsewhere(name: str | bytes) -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.getaddrinfo(name, 443)


def test_loopback_and_unix_sockets_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    assert socket.getaddrinfo("localhost", 80)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("here")


def test_a_process_the_tests_start_is_shut_in_too() -> None:
    program = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=5)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode != 0
    assert "NetworkShut" in run.stderr and "loopback only" in run.stderr

"""Secrets on the machine and lines in the log: for their owner alone, never in arguments, never two lines for one."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.__main__ import cli
from connector.assets.registrations import load_registrations, read_client_secret
from connector.errors import Misconfigured
from connector.logs import LibraryLines
from connector.settings import Settings
from connector.store.database import locate_database, make_engine, open_state_folder, start_embedded
from connector.store.keyring import create_master_key, read_master_key

_NASTY = ["a\nb", "a\r\nb", "\x1b[31mred", "nul\0", "\u202edesrever", "\x85", "\u2028", '"}\n{"event": "forged"}']


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o606, 0o777])
def test_d12_a_secret_everybody_can_read_is_refused_in_one_sentence(tmp_path: Path, mode: int) -> None:
    secret, key = tmp_path / "secret", tmp_path / "keys" / "master.key"
    secret.write_text("s3cret")
    create_master_key(key)
    (tmp_path / "one.yaml").write_text(
        "name: One\nfhir_base: https://ehr.example.org/fhir\nclient_id: x\nauth_method: client_secret_basic\n"
        "client_secret_file: secret\nscopes: [launch, openid, fhirUser]\nframe_ancestors: []\nvendor_profile: generic\n"
    )
    one = load_registrations(tmp_path).entries[0]
    secret.chmod(0o640)
    assert read_client_secret(one, {}) == "s3cret" and read_master_key(key) is not None
    secret.chmod(mode)
    key.chmod(mode)
    for read in (lambda: read_client_secret(one, {}), lambda: read_master_key(key)):
        with pytest.raises(Misconfigured) as refused:
            read()
        assert "s3cret" not in refused.value.detail and refused.value.detail.endswith(".")


def test_d12_the_state_folder_is_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    open_state_folder(folder)
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    with pytest.raises(Misconfigured, match="chmod 700"):
        open_state_folder(folder)


@pytest.mark.parametrize("mode", [0o755, 0o704])
def test_d12_an_embedded_database_others_can_read_is_not_started(tmp_path: Path, mode: int) -> None:
    data = tmp_path / "pg"
    data.mkdir()
    data.chmod(mode)
    with pytest.raises(Misconfigured, match="chmod 700 on pg"):
        start_embedded(tmp_path)
    assert list(data.iterdir()) == []


def test_d12_no_secret_is_in_what_is_shown_of_the_settings() -> None:
    """A password in the database's address is one as well."""
    secrets = [f"{name}-9c41e7" for name in ("password", "vendor", "gateway")]
    settings = Settings(
        database_url=f"postgresql://scribe:{secrets[0]}@127.0.0.1/scribe",
        assemblyai_api_key=SecretStr(secrets[1]),
        gateway_api_key=SecretStr(secrets[2]),
    )
    address = locate_database(settings)
    shown = f"{settings!r} {settings} {address!r} {address.url} {make_engine(address)!r}"
    assert [one for one in secrets if one in shown] == []
    assert secrets[0] in address.libpq


def test_d12_no_command_takes_a_secret_as_an_argument() -> None:
    names = [parameter.name or "" for command in walk(typer.main.get_command(cli)) for parameter in command.params]
    assert len(names) > 15
    told = [name for name in names if any(word in name for word in ("secret", "password", "token", "api_key"))]
    assert all(name.endswith(("_env", "_file")) for name in told), told


def walk(command: click.Command) -> list[click.Command]:
    below = getattr(command, "commands", {}).values()
    return [command, *(one for child in below for one in walk(child))]


def test_d10_servers_leave_no_core_dump() -> None:
    script = "import resource; from connector.serving import forbid_core_dumps; forbid_core_dumps(); "
    told = subprocess.run(
        [sys.executable, "-c", script + "print(resource.getrlimit(resource.RLIMIT_CORE))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "(0, 0)"


@pytest.mark.parametrize("value", _NASTY)
def test_d11_what_an_event_holds_stays_on_its_line(value: str) -> None:
    script = (
        "import sys, structlog; from connector.logs import start_logging; start_logging(); "
        "value = sys.stdin.buffer.read().decode(); structlog.get_logger().info('x', slug=value, tenant=value)"
    )
    told = subprocess.run([sys.executable, "-c", script], input=value.encode(), capture_output=True, check=True)
    line = told.stderr.decode("ascii")
    assert line.count("\n") == 1 and line[:-1].isprintable()
    assert json.loads(line)["slug"] == value


@given(st.text(), st.text())
def test_d11_what_a_library_logs_stays_on_one_line_and_says_no_text(name: str, text: str) -> None:
    record = logging.LogRecord(name, logging.ERROR, "x.py", 1, f"secret:{text}", (), None)
    line = LibraryLines().format(record)
    assert line.isascii() and line.isprintable() and "secret:" not in line
    assert json.loads(line)["logger"] == name

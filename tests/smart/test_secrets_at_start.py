"""Case D12: no command starts or talks beside a secret others can read, and none of them prints one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from connector.store.client_keys import make_key
from connector.store.database import DatabaseAddress
from tests.smart.clock import Clock

SECRETS = {name: f"{name}-7f3ac91be2d04" for name in ("vendor", "gateway", "file", "variable", "password")}
BASE = {"scopes": ["launch", "openid", "fhirUser"], "vendor_profile": "generic", "client_id": "scribe"}
EHRS = {
    "filed": {"auth_method": "client_secret_basic", "client_secret_file": "../held/secret"},
    "named": {"auth_method": "client_secret_post", "client_secret_env": "NAMED_SECRET"},
    "keyed": {"auth_method": "private_key_jwt", "client_key_folder": "../held/keys"},
    "handed": {
        "auth_method": "private_key_jwt",
        "client_key_file": "../held/handed.json",
        "assertion_algorithm": "ES384",
    },
    "open": {"auth_method": "public"},
}
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def registrations(tmp_path: Path) -> Path:
    """EHRs that know us in every way there is, each secret its owner's alone."""
    folder = tmp_path / "registrations"
    folder.mkdir()
    for tenant, given in EHRS.items():
        body = {**BASE, **given, "name": tenant, "fhir_base": f"https://{tenant}.example.org/fhir"}
        (folder / f"{tenant}.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")
    held = tmp_path / "held"
    held.mkdir()
    _keep(held / "secret", SECRETS["file"])
    make_key(held / "keys", algorithm="RS384", now=Clock().now())
    handed = make_key(held / "other", algorithm="ES384", now=Clock().now())
    _keep(held / "handed.json", json.dumps(handed.key.as_dict(private=True)))
    return folder


def _keep(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for the module's one database: its master key is in it."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def connector(registrations: Path, state: Path, database: DatabaseAddress) -> Command:
    """Runs a command in a process of its own; both streams are one."""
    usual = {
        "CONNECTOR_STATE_FOLDER": str(state),
        "CONNECTOR_REGISTRATIONS_FOLDER": str(registrations),
        "CONNECTOR_DATABASE_URL": database.libpq,
        "CONNECTOR_ASSEMBLYAI_API_KEY": SECRETS["vendor"],
        "CONNECTOR_ASSEMBLYAI_BASE_URL": "http://127.0.0.1:1",
        "CONNECTOR_GATEWAY_BASE_URL": "http://127.0.0.1:1",
        "CONNECTOR_GATEWAY_API_KEY": SECRETS["gateway"],
        "NAMED_SECRET": SECRETS["variable"],
    }

    def run(*command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "connector", *command],
            env={**os.environ, **usual, **changes},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )

    return run


@pytest.mark.parametrize("command", ["serve", "worker"])
@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [("secret", 0o644, "filed.yaml"), ("keys", 0o640, "0600"), ("handed.json", 0o604, "handed.json")],
)
def test_d12_no_server_starts_beside_a_secret_others_can_read(
    connector: Command, registrations: Path, command: str, path: str, mode: int, told: str
) -> None:
    found = registrations.parent / "held" / path
    (next(found.iterdir()) if found.is_dir() else found).chmod(mode)
    ended = connector(command)
    assert ended.returncode == 2
    assert told in ended.stdout and "set its mode to" in ended.stdout
    assert len(ended.stdout.splitlines()) == 1 and ended.stdout.endswith(".\n")


def test_d12_the_doctor_says_what_proves_us_to_each_ehr(connector: Command) -> None:
    good = connector("doctor").stdout
    assert "MEND" not in good
    told = {"filed": "a secret is set", "named": "a secret is set", "keyed": "1 key pair", "open": "none is needed"}
    for tenant, kind in told.items():
        assert f"ok    Secret or key for {tenant}: {kind}" in good


def test_d12_the_doctor_names_every_secret_others_can_read(connector: Command, registrations: Path) -> None:
    """Each on a line of its own that says how to mend it, the master key and what waits for a client id included."""
    held = registrations.parent / "held"
    other = make_key(held / "keys", algorithm="RS384", now=Clock().now())
    waiting = {**BASE, **EHRS["filed"], "client_id": "", "name": "w", "fhir_base": "https://waits.example.org/fhir"}
    (registrations / "waits.yaml").write_text(yaml.safe_dump(waiting), encoding="utf-8")
    master = held / "master.key"
    _keep(master, "00" * 32)
    for path in (held / "secret", *(held / "keys").iterdir(), held / "handed.json", master):
        path.chmod(0o644)
    spoilt = connector("doctor", NAMED_SECRET="", CONNECTOR_MASTER_KEY_FILE=str(master))
    assert spoilt.returncode == 1, spoilt.stdout
    wrong = {}
    for line in spoilt.stdout.splitlines():
        if line.startswith("MEND"):
            about, _, text = line.removeprefix("MEND  ").removeprefix("Secret or key for ").partition(": ")
            wrong[about] = text
    how = {
        "filed": "set its mode to 0640",
        "handed": "handed.json can be read by others than it should: set its mode to 0640",
        "keyed": "set its mode to 0600",
        "named": "NAMED_SECRET, which is not set",
        "waits, which waits for a client id": "set its mode to 0640",
        "Database and master key": "master.key can be read by others: run chmod 600",
    }
    assert set(wrong) == set(how), spoilt.stdout
    assert [about for about, text in how.items() if text not in wrong[about]] == []
    assert all(path.name in wrong["keyed"] for path in (held / "keys").iterdir()) and other.kid in wrong["keyed"]


FAILING = {
    "a good set-up": {},
    "a database that is not there": {
        "CONNECTOR_DATABASE_URL": f"postgresql://scribe:{SECRETS['password']}@127.0.0.1:1/none"
    },
    "an address that is none": {"CONNECTOR_DATABASE_URL": f"postgres//scribe:{SECRETS['password']}@x:y/z"},
    "a port that is none": {"CONNECTOR_DATABASE_URL": f"postgresql://scribe:{SECRETS['password']}@127.0.0.1:many/z"},
    "a key in a field of another kind": {"CONNECTOR_PORT": SECRETS["vendor"]},
    "a key where a list belongs": {"CONNECTOR_SPEECH_MODELS": SECRETS["vendor"]},
    "an option no database has": {
        "CONNECTOR_DATABASE_URL": f"postgresql://scribe:{SECRETS['password']}@127.0.0.1:1/none?{SECRETS['file']}=1"
    },
    "a password in our own address": {"CONNECTOR_PUBLIC_BASE_URL": f"https://x:{SECRETS['password']}@scribe.example.org"},
}  # fmt: skip


@pytest.mark.parametrize("command", ["doctor", "migrate"])
@pytest.mark.parametrize("changes", FAILING.values(), ids=FAILING)
def test_d12_no_command_prints_a_secret_whatever_is_wrong(
    connector: Command, command: str, changes: dict[str, str]
) -> None:
    ended = connector(command, **changes)
    assert ended.stdout and "Traceback" not in ended.stdout
    for secret in SECRETS.values():
        assert secret not in ended.stdout
    assert ended.returncode == (0 if not changes else 1 if command == "doctor" and "MEND" in ended.stdout else 2)


SPOILT: dict[str, Callable[[Path], object]] = {
    "files that hold something else": lambda held: _fill(held, SECRETS["file"].encode()),
    "files that are no text": lambda held: _fill(held, b"\xff\xfe" + SECRETS["file"].encode()),
    "keys of no known kind": lambda held: _fill(held, json.dumps(dict.fromkeys("dkn", SECRETS["file"])).encode()),
    "folders in place of files": lambda held: [_become_folder(path) for path in _secret_files(held)],
}


def _secret_files(held: Path) -> list[Path]:
    return [held / "secret", held / "handed.json", next((held / "keys").glob("*.json"))]


def _fill(held: Path, content: bytes) -> None:
    for path in _secret_files(held):
        path.write_bytes(content)


def _become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_d12_what_is_in_a_spoilt_secret_file_is_not_printed(
    connector: Command, registrations: Path, spoil: Callable[[Path], object]
) -> None:
    """A master key, two key pairs, a client secret; and a certificate file that is none."""
    held = registrations.parent / "held"
    spoil(held)
    handed = str(held / "handed.json")
    told = {
        "doctor": connector("doctor", CONNECTOR_MASTER_KEY_FILE=handed),
        "serve": connector("serve", CONNECTOR_MASTER_KEY_FILE=handed),
        "ehr check": connector("ehr", "check", "filed", "keyed", CONNECTOR_EHR_CA_FILE=handed),
        "rotate": connector("ehr", "rotate-key", "keyed"),
    }
    assert [ended.returncode for ended in told.values()] == [1, 2, 2, 2]
    for ended in told.values():
        assert "Traceback" not in ended.stdout and SECRETS["file"] not in ended.stdout
    assert told["doctor"].stdout.count("MEND") >= 3 and "master key file handed.json" in told["doctor"].stdout


_BREAK_OFF = """
import os, sys
from connector import __main__ as commands

@commands.cli.command()
def break_off() -> None:
    raise RuntimeError(f"cannot use {os.environ['PLANTED']}")

sys.argv[1:] = ["break-off"]
commands.main() if os.environ["WHOSE"] == "ours" else commands.cli()
"""


def test_d12_a_fault_of_the_commands_own_is_told_by_its_place_alone() -> None:
    """The control: Python's own words on the same fault hold the secret."""
    told = {
        whose: subprocess.run(
            [sys.executable, "-c", _BREAK_OFF],
            env={**os.environ, "PLANTED": SECRETS["vendor"], "WHOSE": whose},
            capture_output=True,
            text=True,
            timeout=60,
        )
        for whose in ("ours", "python")
    }
    ours = told["ours"]
    assert (ours.returncode, ours.stdout) == (os.EX_SOFTWARE, "")
    assert ours.stderr == "The command broke off on a fault of its own: RuntimeError at <string>:7.\n"
    assert f"RuntimeError: cannot use {SECRETS['vendor']}" in told["python"].stderr

"""The passwords of a compose installation are drawn once, and only their owner can read them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from connector_sandbox.ehr.configuration import read_config

from tests.unit.compose.model import COMPOSE_FOLDER


def _run(folder: Path) -> dict[str, str]:
    command = [sys.executable, str(COMPOSE_FOLDER / "prepare.py"), str(COMPOSE_FOLDER / "ehr.json"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def test_a_first_run_draws_and_a_second_keeps(tmp_path: Path) -> None:
    first = _run(tmp_path)
    assert set(first) == {"postgres-password", "pgpass", "client-secret", "ehr.json"}
    assert _run(tmp_path) == first


def test_two_installations_have_nothing_in_common(tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        folder.mkdir()
    one, other = map(_run, folders)
    for name in ("postgres-password", "client-secret"):
        assert one[name] != other[name]
        assert len(one[name]) >= 43, "256 bits"
    assert one["postgres-password"] != one["client-secret"]


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    _run(tmp_path)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_the_sandbox_ehr_takes_the_configuration_with_the_secret_in_it(tmp_path: Path) -> None:
    written = _run(tmp_path)
    (client,) = read_config(tmp_path / "ehr.json").clients
    assert client.client_secret == written["client-secret"]
    assert written["pgpass"] == f"*:*:*:*:{written['postgres-password']}\n"


def test_a_change_of_the_configuration_reaches_an_installation_that_is_there(tmp_path: Path) -> None:
    _run(tmp_path)
    changed = json.loads((COMPOSE_FOLDER / "ehr.json").read_text(encoding="utf-8")) | {"token_seconds": 60}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed), encoding="utf-8")
    command = [sys.executable, str(COMPOSE_FOLDER / "prepare.py"), str(other), str(tmp_path)]
    subprocess.run(command, check=True)
    assert read_config(tmp_path / "ehr.json").token_seconds == 60


@pytest.mark.parametrize("name", ["postgres-password", "client-secret"])
def test_an_unreadable_configuration_changes_nothing(tmp_path: Path, name: str) -> None:
    written = _run(tmp_path)
    command = [sys.executable, str(COMPOSE_FOLDER / "prepare.py"), str(tmp_path / name), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()} == written

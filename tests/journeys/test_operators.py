"""What an operator is told on the command line: one sentence that says what to do, and never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from connector_sandbox.stack import Stack

from connector.store.keyring import create_master_key
from tests.fixtures.peers import Chart
from tests.fixtures.visits import Clinic, problem_of


def run(stack: Stack, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """A command of the connector with the stack's settings and some changed ones; told is what both streams said."""
    environment = {**os.environ, **stack.environment()}
    environment |= {f"CONNECTOR_{name.upper()}": value for name, value in changes.items()}
    return subprocess.run(
        [sys.executable, "-m", "connector", *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )


def test_after_all_these_visits_the_audit_chain_is_whole(stack: Stack, clinic: Clinic, chart: Chart) -> None:
    clinic.typed(chart.admit())
    told = run(stack, "audit", "verify")
    assert told.returncode == 0, told.stdout
    found = re.fullmatch(r"sandbox: (\d+) entries, whole\n", told.stdout)
    assert found and int(found[1]) >= 4


def test_the_doctor_finds_a_good_set_up_good_and_says_what_is_missing(stack: Stack) -> None:
    good = run(stack, "doctor")
    assert good.returncode == 0, good.stdout
    assert "MEND" not in good.stdout
    for told in (
        "ok    PHI mode: off",
        "ok    Redacted copies: none are made",
        "ok    Copies at the vendor, in the United States, without an agreement",
        "ok    Language models: claude-sonnet-4-6",
        "Daily sweep: ",
        "Deletions owed: ",
        "Nothing to mend",
    ):
        assert told in good.stdout
    missing = run(stack, "doctor", assemblyai_api_key="")
    assert missing.returncode == 1
    assert re.search(r"MEND .*CONNECTOR_ASSEMBLYAI_API_KEY", missing.stdout)
    assert "1 to mend" in missing.stdout


REFUSED = {
    "another key": ("does not fit this database", {"master_key_file": "{tmp}/other.key"}),
    "no key": ("is missing: restore it", {"master_key_file": "{tmp}/none.key"}),
    "a key others may read": ("chmod 600", {"master_key_file": "{tmp}/open.key"}),
    "no registrations": ("registrations", {"registrations_folder": "{tmp}/nowhere"}),
    "an unreadable registration": ("clinic.yaml", {"registrations_folder": "{tmp}/broken"}),
    "a database that is not there": ("database", {"database_url": "postgresql://nobody@127.0.0.1:1/none"}),
    "no address of a database": ("CONNECTOR_DATABASE_URL", {"database_url": "somewhere"}),
    "a port that is taken": ("CONNECTOR_PORT", {}),
    "a list that is none": ("CONNECTOR_SPEECH_MODELS (lists are JSON", {"speech_models": "universal-2"}),
    "a port that is no number": ("CONNECTOR_PORT", {"port": "many"}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_start_that_cannot_be_is_refused_in_one_sentence(stack: Stack, tmp_path: Path, why: str) -> None:
    create_master_key(tmp_path / "other.key")
    create_master_key(tmp_path / "open.key")
    (tmp_path / "open.key").chmod(0o644)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "clinic.yaml").write_text("name: [", encoding="utf-8")
    said, changes = REFUSED[why]
    told = run(stack, "serve", **{name: value.format(tmp=tmp_path) for name, value in changes.items()})
    assert told.returncode == 2, told.stdout
    assert "Traceback" not in told.stdout
    assert said in told.stdout
    sentences = [line for line in told.stdout.splitlines() if not line.startswith("{")]
    assert len(sentences) == 1, told.stdout
    assert not (tmp_path / "none.key").exists()


def test_trying_again_where_nothing_is_stalled_is_refused(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    problem_of(visit.post("/retry"), status=409, slug="conflict")
    problem_of(visit.post("/redraft"), status=404, slug="not-found")

"""The vendor's SDK and openai, unchanged, in an environment of their own, against a sandbox they know by its address.

Run twice: the SDK reads answers differently where pydantic_settings is missing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from connector_sandbox.recordings import load_recording

from tests.fixtures.assemblyai import ask_for_soap, run_process

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-contract" / "bin" / "python"
SUITE = Path(__file__).parent / "suite"
MISSING = "there is no .venv-contract: run smart-launch/setup.sh --without-hapi --with-contract"
LEAST_TESTS = 34
# pydantic's first dialect ends with Python 3.13.
DIALECTS = ("", "yes") if sys.version_info < (3, 14) else ("",)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("without_settings", DIALECTS, ids=lambda one: "pydantic-1" if one else "pydantic-2")
def test_sdk_and_openai_work_with_the_sandbox_unchanged(tmp_path: Path, without_settings: str) -> None:
    assert PYTHON.exists(), MISSING
    recording = load_recording("edmundo")
    messages, schema = ask_for_soap([(turn.role, turn.text) for turn in recording.turns])
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"messages": messages, "schema": schema}), encoding="utf-8")
    with run_process(tmp_path, "--queue-seconds", "0.05", "--process-seconds", "0.05") as base:
        told = {
            "CONTRACT_SANDBOX": base,
            "CONTRACT_SCRIPT": str(recording.audio.with_suffix(".json")),
            "CONTRACT_REQUEST": str(request),
            "CONTRACT_WITHOUT_SETTINGS": without_settings,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        command = [str(PYTHON), "-m", "pytest", "-q", "-c", str(SUITE / "pytest.ini"), str(SUITE)]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **told},
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= LEAST_TESTS
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("library", ["openai", "httpx2", "httpcore2"])
def test_none_of_their_libraries_is_in_the_products_environment(library: str) -> None:
    assert find_spec(library) is None

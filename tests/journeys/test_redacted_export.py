"""A visit is recorded where redacted copies are made, and exported: nobody in it can be told from the file."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from connector_sandbox.clinician import OpenVisit
from connector_sandbox.stack import Stack

from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.stack import OpenStack
from tests.fixtures.visits import JSON, PAGE, Clinic
from tests.unit.capture.test_cutting import loudness

POLICIES = {"CONNECTOR_REDACTION_POLICIES": '["drug","date"]', "CONNECTOR_REDACTION_AUDIO": "true"}
FILES = ["manifest.json", "sound.ogg", "transcript.json", "transcript.txt"]
SAID = ("Waters", "lisinopril")
"""A name nobody asked to be taken out, and a drug of the policies: both are spoken in the recording."""
NO_COPY = "This visit has no redacted copy."


@pytest.fixture(scope="module")
def redacting(open_stack: OpenStack) -> Iterator[Stack]:
    """A stack that makes redacted copies."""
    with open_stack(environment=POLICIES) as stack:
        yield stack


@dataclass(frozen=True)
class Copied:
    """A visit of whose copies the vendor holds nothing any more. `reference` is what its page names, `secrets` what
    must be in no export of it, `deletion` what the ledger says."""

    visit: OpenVisit
    reference: str
    secrets: tuple[str, ...]
    deletion: dict[str, Any]


@pytest.fixture(scope="module")
def copied(redacting: Stack, hapi_base: str) -> Iterator[Copied]:
    clinic, vendor = Clinic(redacting), SandboxVendor(redacting)
    patient = Chart(hapi_base).admit("billie")
    visit = clinic.drafted(patient)
    deletion = visit.await_deletion()
    assert vendor.holds_nothing() and vendor.jobs(), "the vendor had a job, and has nothing of it left"
    page = " ".join(visit.client.get(visit.base, headers=PAGE).text.split())
    line = page.partition('id="redacted">')[2].partition("</p>")[0]
    assert "words and sound" in line and "drug, date" in line
    (reference,) = re.findall(r"<code>([0-9a-f]{32})</code>", line)
    said = str(visit.client.get(f"{visit.base}/transcript", headers=JSON).json())
    assert all(one.lower() in said.lower() for one in SAID), "the control: both stand in the clinical transcript"
    jobs = [job["id"] for job in vendor.jobs()]
    launch = visit.base.rpartition("/")[2]
    yield Copied(visit, reference, (*SAID, "Billie", patient, launch, reference, *jobs), deletion)
    clinic.close()


def run(stack: Stack, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, as an operator gives it beside the running services."""
    return subprocess.run(
        [sys.executable, "-m", "connector", *arguments],
        env={**os.environ, **stack.environment(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def export(stack: Stack, reference: str, out: Path, *clip: str) -> subprocess.CompletedProcess[str]:
    return run(stack, "export", "--redacted", reference, "--out", str(out), *clip)


def unpack(out: Path, secrets: tuple[str, ...]) -> dict[str, bytes]:
    """The files in an export, once nothing that tells whose it was has been found in any byte of it."""
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(files) == FILES
    whole = (out.read_bytes() + b"".join(files.values())).lower()
    assert [one for one in secrets if one.lower().encode() in whole] == []
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "manifest.json"}
    assert json.loads(files["manifest.json"])["sha256"] == sums
    return files


def play(sound: bytes) -> tuple[float, int]:
    """How many seconds a sound has, and how loud its loudest tenth of a second is."""
    with av.open(io.BytesIO(sound)) as opened:
        seconds = sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))
    return seconds, max(loudness(sound))


def test_the_redacted_sound_at_the_vendor_is_deleted_once_it_is_here_and_the_ledger_has_read_that_back(
    copied: Copied,
) -> None:
    states = {copy["kind"]: copy["state"] for copy in copied.deletion["vendor_copies"]}
    assert states == {"upload": "verified", "transcript": "verified", "redacted-audio": "verified"} | {
        "completion": "answered"
    }
    assert copied.deletion["vendor_deleted"] is True


def test_a_visit_is_exported_without_anything_that_tells_whose_it_was(
    redacting: Stack, copied: Copied, tmp_path: Path
) -> None:
    out = tmp_path / "visit.zip"
    told = export(redacting, copied.reference, out)
    assert told.returncode == 0, told.stdout
    assert "with sound" in told.stdout and "Read and hear it" in told.stdout
    assert [one for one in SAID if one.lower() in told.stdout.lower()] == []
    files = unpack(out, copied.secrets)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["policies"], manifest["clip"], manifest["synthetic"]) == (["drug", "date"], False, True)
    assert b"[DRUG]" in files["transcript.txt"] and b"[PERSON_NAME]" in files["transcript.txt"]
    seconds, loudest = play(files["sound.ogg"])
    assert abs(seconds * 1000 - manifest["stretch"]["end_ms"]) < 1000 and loudest > 1000

    again = export(redacting, copied.reference, out)
    assert again.returncode == 2 and "visit.zip exists already" in again.stdout
    assert [one.name for one in tmp_path.iterdir()] == ["visit.zip"]


def test_a_clip_of_it_is_as_long_as_was_asked_for_and_as_silent_about_people(
    redacting: Stack, copied: Copied, tmp_path: Path
) -> None:
    out = tmp_path / "clip.zip"
    told = export(redacting, copied.reference, out, "--from", "00:05", "--to", "00:25")
    assert told.returncode == 0, told.stdout
    files = unpack(out, copied.secrets)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["clip"], manifest["stretch"]["from"], manifest["stretch"]["to"]) == (True, "00:05", "00:25")
    seconds, loudest = play(files["sound.ogg"])
    assert abs(seconds - 20) < 0.1 and loudest > 1000
    words = [word for turn in json.loads(files["transcript.json"])["turns"] for word in turn["words"]]
    assert words and all(word["start_ms"] < 25_000 and word["end_ms"] > 5_000 for word in words)

    late = export(redacting, copied.reference, tmp_path / "late.zip", "--from", "59:00")
    assert late.returncode == 2 and "the clip would begin after it" in late.stdout
    assert not (tmp_path / "late.zip").exists()


def test_without_a_copy_nothing_is_written_and_the_operator_is_told_why(
    redacting: Stack, hapi_base: str, tmp_path: Path
) -> None:
    clinic, out = Clinic(redacting), tmp_path / "none.zip"
    unknown = export(redacting, "0" * 32, out)
    assert unknown.returncode == 2 and "There is no such visit" in unknown.stdout

    visit = clinic.drafted(Chart(hapi_base).admit("billie"))
    page = visit.client.get(visit.base, headers=PAGE).text
    (reference,) = re.findall(r"<code>([0-9a-f]{32})</code>", page.partition('id="redacted">')[2].partition("</p>")[0])
    visit.consent("withdrawn")
    gone = export(redacting, reference, out)
    assert gone.returncode == 2 and NO_COPY in gone.stdout and "CONNECTOR_REDACTION_POLICIES" in gone.stdout
    assert 'id="redacted"' not in visit.client.get(visit.base, headers=PAGE).text
    assert not out.exists() and "Traceback" not in unknown.stdout + gone.stdout
    clinic.close()


def test_a_policy_the_vendor_does_not_know_is_told_by_the_doctor_and_no_service_starts(redacting: Stack) -> None:
    for command in ("doctor", "worker"):
        told = run(redacting, command, CONNECTOR_REDACTION_POLICIES='["person_nam"]')
        assert told.returncode in (1, 2), told.stdout
        assert "person_nam'" in told.stdout and "person_name" in told.stdout

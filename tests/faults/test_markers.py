"""Nothing a patient is, says or suffers from leaves the sealed store: not to logs, errors, addresses, files or rows.

Unmistakable words are planted in everything a visit takes in; visits are made, some of which fail in every way we know;
then every place is searched. A scanner that finds nothing proves nothing, so it is shown to find planted ones first.
"""

from __future__ import annotations

import base64
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from connector_sandbox.clinician import OpenVisit
from connector_sandbox.stack import Stack

from connector.store.database import start_embedded
from tests.builders import recording_bytes
from tests.fixtures.folders import short_folder
from tests.fixtures.peers import Chart, SandboxEhr, SandboxVendor
from tests.fixtures.scanner import Scanner, Watch
from tests.fixtures.stack import OpenStack
from tests.fixtures.visits import JSON, PAGE, Clinic, Upload
from tests.fixtures.waiting import await_attention

_LETTERS = "bcdfghjklmnpqrstvwxz"


def _marker(place: str) -> str:
    return f"Qz{place}{''.join(random.choices(_LETTERS, k=10))}"


@pytest.fixture(scope="module")
def markers() -> dict[str, str]:
    """One word for each way in; letters only, so that nothing cleans it away."""
    places = ("family", "allergy", "typed", "edited", "filename", "content", "outcome", "vendor", "malformed", "path")
    return {place: _marker(place) for place in places}


# The scanner itself


@pytest.mark.parametrize("shape", ["{}", "x{}y", "{upper}", "{hex}", "{base64}", "{base64-1}", "{base64-2}", "{utf16}"])
def test_the_scanner_finds_a_marker_in_every_spelling(markers: dict[str, str], shape: str) -> None:
    word = markers["family"]
    spelt = {
        "{}": word.encode(),
        "x{}y": b"\0\xff" + word.encode() + b"\n",
        "{upper}": word.upper().encode(),
        "{hex}": word.encode().hex().upper().encode(),
        "{utf16}": word.encode("utf-16"),
        "{base64}": base64.b64encode(word.encode() + b" came"),
        "{base64-1}": base64.b64encode(b"A" + word.encode() + b" came"),
        "{base64-2}": base64.b64encode(b"Mr" + word.lower().encode() + b" came"),
    }
    scanner = Scanner(markers)
    scanner.look("here", b"before " + spelt[shape] + b" after")
    assert scanner.found == {"here": {"family"}}


def test_the_scanner_finds_nothing_where_nothing_is(markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    scanner.look("here", b"Mrs. Waters has a cough. " * 1000)
    assert scanner.found == {}


# The visits


@dataclass
class Errand:
    """Everything that was sent and answered: addresses asked for, and answers that were errors."""

    addresses: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)

    def listen(self, response: httpx.Response) -> None:
        response.read()
        self.addresses += [str(response.request.url), response.headers.get("location", "")]
        if response.status_code >= 400:
            self.errors.append((f"{response.status_code} {response.request.url.path}", response.text))


@dataclass
class Scene:
    """A stack of its own whose connector keeps its temporary files in `temporary`, and what happened in it."""

    stack: Stack
    temporary: Path
    markers: dict[str, str]
    errand: Errand
    watch_rounds: int = 0
    scanner: Scanner = field(init=False)

    def __post_init__(self) -> None:
        self.scanner = Scanner(self.markers)


@pytest.fixture(scope="module")
def scene(open_stack: OpenStack, hapi_base: str, markers: dict[str, str]) -> Iterator[Scene]:
    """The visits have been made and their stack still runs."""
    with short_folder() as folder:
        temporary = folder / "tmp"
        temporary.mkdir()
        with open_stack(folder=folder / "state", environment={"TMPDIR": str(temporary)}) as stack:
            scene = Scene(stack, temporary, markers, Errand())
            pids = [stack.children[name].pid for name in ("web", "worker")]
            with Watch(scene.scanner, folders=[temporary], pids=pids) as watch:
                _make_visits(scene, Chart(hapi_base))
            scene.watch_rounds = watch.rounds
            yield scene


def _make_visits(scene: Scene, chart: Chart) -> None:
    clinic = Clinic(scene.stack, listen=scene.errand.listen)
    try:
        _recorded_visit(scene, clinic, chart)
        _typed_visit(scene, clinic, chart)
        _strangers(scene, clinic)
    finally:
        clinic.close()


def _recorded_visit(scene: Scene, clinic: Clinic, chart: Chart) -> None:
    """Recorded, after two recordings that could not be used; edited, filed after the EHR refused it once."""
    marks = scene.markers
    visit = clinic.open(chart.admit("chasidy", family=marks["family"], allergy=marks["allergy"]))
    visit.consent()
    _bring_in_text_file(visit, marks)
    vendor = SandboxVendor(scene.stack)
    vendor.strike("job_error", method="POST", path="^/v2/transcript$", message=f"cannot decode {marks['vendor']}")
    visit.upload(recording_bytes("chasidy"))
    await_attention(visit, "vendor-rejected")
    visit.upload(recording_bytes("chasidy"))
    visit.await_state("DRAFTED")
    stale = visit.note()
    visit.add_sentence("plan", f"Told about {marks['edited']}.")
    _spoil_edits(visit, stale, marks)
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
    outcome["issue"][0]["diagnostics"] = f"cannot store {marks['outcome']}"  # type: ignore[index]
    ehr = SandboxEhr(scene.stack)
    ehr.strike("status", status=422, body=outcome, times=1)
    visit.sign()
    await_attention(visit, "ehr-rejected")
    visit.post("/retry")
    visit.await_state("FILED")
    visit.await_deletion()
    page = visit.client.get(visit.base, headers=PAGE).text
    assert marks["family"] in page and marks["edited"] in page, "the markers did go through the visit"


def _bring_in_text_file(visit: OpenVisit, marks: dict[str, str]) -> None:
    upload = Upload.begin(visit)
    text = f"{marks['content']} is no sound. ".encode() * 500
    upload.put(0, text, name=f"{marks['filename']}.mp3")
    answer = visit.post(f"/recordings/{upload.recording_id}/close", json={"chunks": 1})
    assert answer.status_code == 422


def _spoil_edits(visit: OpenVisit, stale: dict[str, Any], marks: dict[str, str]) -> None:
    sections = {"plan": [{"id": None, "text": f"Late words on {marks['edited']}."}]}
    refused = [
        visit.post("/note", json={"revision": stale["revision"], "sections": sections}),
        visit.post("/note", json={"revision": 2, "sections": {marks["edited"]: []}}),
        visit.post("/note", json={"revision": 2, "sections": {"plan": [{"id": marks["edited"], "text": "x"}]}}),
        visit.post("/text", form={"text": f"Out of turn: {marks['typed']}"}),
        visit.post("/sign", json={"revision": 1, "shown_sha256": marks["edited"], "attest": "yes"}),
        visit.client.post(
            f"{visit.base}/note",
            content=f'{{"revision": {marks["malformed"]}'.encode(),
            headers={**JSON, "Content-Type": "application/json", "X-CSRF-Token": visit.csrf},
        ),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused), [answer.status_code for answer in refused]


def _typed_visit(scene: Scene, clinic: Clinic, chart: Chart) -> None:
    """Typed, its first draft unusable; then written back while the EHR is away."""
    marks = scene.markers
    visit = clinic.open(chart.admit("billie", family=marks["family"], allergy=marks["allergy"]))
    visit.consent("declined")
    vendor, ehr = SandboxVendor(scene.stack), SandboxEhr(scene.stack)
    vendor.strike("invalid_json", method="POST", path="/chat/completions$")
    visit.post("/text", form={"text": f"Cough since {marks['typed']} three days.\nPlan: rest, {marks['typed']}."})
    await_attention(visit, "draft-unusable")
    visit.post("/retry")
    visit.await_state("DRAFTED")
    ehr.strike("commit_then_timeout", seconds=0.2, times=1)
    visit.sign()
    visit.await_state("FILED", seconds=60)
    visit.await_deletion()
    assert marks["typed"] in visit.client.get(visit.base, headers=PAGE).text


def _strangers(scene: Scene, clinic: Clinic) -> None:
    """Requests of nobody we know, full of words that are none of our business."""
    marks, root = scene.markers, scene.stack.addresses.connector
    client = httpx.Client(trust_env=False, event_hooks={"response": [clinic.listen]} if clinic.listen else {})
    with client:
        for accept in (JSON, PAGE):
            client.get(
                f"{root}/launch",
                params={"iss": f"http://{marks['path']}.invalid", "launch": marks["path"]},
                headers=accept,
            )
            client.get(
                f"{root}/launch/callback", params={"state": marks["path"], "code": marks["path"]}, headers=accept
            )
            client.get(f"{root}/v/{marks['path']}", headers=accept)
            client.get(f"{root}/no/such/{marks['path']}", headers=accept)
            client.put(f"{root}/recordings/{marks['path']}/chunks/0", content=marks["path"].encode(), headers=accept)


# The places


def _expect_clean(scanner: Scanner) -> None:
    assert scanner.found == {}


def test_no_log_of_ours_holds_a_marker(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    for name in ("web", "worker", "migrate"):
        text = (scene.stack.folder / "logs" / f"{name}.log").read_text(encoding="utf-8")
        assert text.strip(), f"{name} logged nothing: there is nothing to look into"
        scanner.look(name, text)
    _expect_clean(scanner)


def test_no_answer_that_is_an_error_holds_a_marker(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    assert len(scene.errand.errors) >= 15
    for place, body in scene.errand.errors:
        # What we wrote into the address ourselves is not theirs.
        scanner.look(place.replace(markers["path"], "…"), body)
    _expect_clean(scanner)


def test_no_address_asked_for_holds_a_marker(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner({name: word for name, word in markers.items() if name != "path"})
    assert len(scene.errand.addresses) > 50
    for address in scene.errand.addresses:
        scanner.look("browser", address)
    ehr, vendor = SandboxEhr(scene.stack).everything(), SandboxVendor(scene.stack).everything()
    assert len(ehr) > 20 and len(vendor) > 10
    for request in ehr:
        scanner.look("EHR", f"{request['path']}?{request['query']}")
    for request in vendor:
        scanner.look("vendor", request["path"])
    _expect_clean(scanner)


def test_no_temporary_file_and_no_process_argument_ever_held_a_marker(scene: Scene) -> None:
    assert scene.watch_rounds > 20
    _expect_clean(scene.scanner)


def test_no_file_of_ours_holds_a_marker_in_clear(scene: Scene, markers: dict[str, str]) -> None:
    """Sealed sound, the database with its write-ahead log, keys, registrations, logs."""
    folder = scene.stack.folder
    scanner = Scanner(markers)
    assert scanner.look_into_database(_libpq(scene)) > 15
    private = folder / "private"
    theirs = [private / "ehr", private / "speech", folder / "logs" / "ehr.log", folder / "logs" / "assemblyai.log"]
    assert list((folder / "audio").rglob("*.sealed"))
    assert scanner.look_into_folder(folder, leave_out=theirs) > 500
    _expect_clean(scanner)


def _libpq(scene: Scene) -> str:
    return start_embedded(scene.stack.folder).libpq


# Positive controls: what is planted where it must not be is found. They come last, since they spoil the scene.


def test_a_marker_planted_in_a_log_is_found(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    log = scene.stack.folder / "logs" / "web.log"
    scanner.look("web", log.read_text(encoding="utf-8") + f'{{"event": "read chart of {markers["family"]}"}}\n')
    assert scanner.found == {"web": {"family"}}


def test_a_marker_planted_in_a_temporary_file_is_found_by_the_watch(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    with Watch(scanner, folders=[scene.temporary], pids=[]) as watch:
        planted = scene.temporary / "careless"
        planted.write_text(f"spoken: {markers['typed']}")
        before = watch.rounds
        while watch.rounds < before + 2:
            pass
        planted.unlink()
    assert scanner.found == {"careless": {"typed"}}


def test_a_marker_planted_in_a_process_argument_is_found(markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", markers["filename"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        scanner.look_into_processes([process.pid])
        assert process.stdin is not None
        process.stdin.close()
    assert list(scanner.found.values()) == [{"filename"}]


def test_a_marker_planted_in_a_row_is_found_in_the_row_and_in_the_files(scene: Scene, markers: dict[str, str]) -> None:
    with psycopg.connect(_libpq(scene), autocommit=True) as connection:
        connection.execute("UPDATE visits SET attention_text = %s", (f"allergic to {markers['allergy']}",))
    scanner = Scanner(markers)
    scanner.look_into_database(_libpq(scene))
    assert scanner.found == {"table public.visits": {"allergy"}}
    scanner.look_into_folder(scene.stack.folder / "pg")
    assert any(place.startswith("base/") for place in scanner.found)


def test_a_marker_planted_beside_the_sealed_sound_is_found(scene: Scene, markers: dict[str, str]) -> None:
    planted = scene.stack.folder / "audio" / "plain.ogg"
    planted.write_bytes(b"OggS" + markers["content"].encode())
    scanner = Scanner(markers)
    scanner.look_into_folder(scene.stack.folder / "audio")
    assert scanner.found == {"plain.ogg": {"content"}}

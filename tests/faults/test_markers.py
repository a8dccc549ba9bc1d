"""Nothing a patient is, says or suffers from leaves the sealed store: not to logs, errors, addresses, files or rows.

Unmistakable words are planted in everything a visit takes in; visits are made, some of which fail in every way we know;
then every place is searched. A scanner that finds nothing proves nothing, so it is shown to find planted ones first.
Cases D9 and D10, and of D12 what a running process shows.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from datetime import date

import psutil
import psycopg
import pytest

from connector.store.database import start_embedded
from tests.browser.hostile import Relay, relay
from tests.faults.marked_visits import BORN, PERSON, Scene, make_markers, make_visits
from tests.fixtures.folders import short_folder
from tests.fixtures.peers import Chart, SandboxEhr, SandboxVendor
from tests.fixtures.scanner import Scanner, Watch
from tests.fixtures.stack import OpenStack

# The first test makes the visits all of them look at.
pytestmark = pytest.mark.timeout(480)


@pytest.fixture(scope="module")
def markers() -> dict[str, str]:
    return make_markers()


@pytest.fixture(scope="module")
def scene(open_stack: OpenStack, hapi_base: str, markers: dict[str, str]) -> Iterator[Scene]:
    """The visits have been made and their stack still runs; what goes to the vendor passes a relay."""
    with short_folder() as folder, relay() as heard:
        temporary = folder / "tmp"
        temporary.mkdir()
        environment = {
            "TMPDIR": str(temporary),
            "CONNECTOR_ASSEMBLYAI_BASE_URL": heard.address,
            "CONNECTOR_GATEWAY_BASE_URL": f"{heard.address}/v1",
        }
        with open_stack(folder=folder / "state", environment=environment) as stack:
            heard.target = stack.addresses.speech
            scene = Scene(stack, temporary, markers, heard)
            pids = [stack.children[name].pid for name in ("web", "worker")]
            with Watch(scene.scanner, folders=[temporary], pids=pids) as watch:
                make_visits(scene, Chart(hapi_base))
            scene.watch_rounds, scene.open_files = watch.rounds, watch.open_files
            yield scene


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


# D9: the places


def _expect_clean(scanner: Scanner) -> None:
    assert scanner.found == {}


def test_d09_no_log_of_ours_holds_a_marker(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    for name in ("web", "worker", "migrate"):
        text = (scene.stack.folder / "logs" / f"{name}.log").read_text(encoding="utf-8")
        assert text.strip(), f"{name} logged nothing: there is nothing to look into"
        scanner.look(name, text)
    _expect_clean(scanner)


def test_d09_no_answer_that_is_an_error_holds_a_marker(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    assert len(scene.errand.errors) >= 15
    for place, body in scene.errand.errors:
        # What we wrote into the address ourselves is not theirs.
        scanner.look(place.replace(markers["path"], "…"), body)
    _expect_clean(scanner)


def test_d09_no_address_asked_for_holds_a_marker(scene: Scene, markers: dict[str, str]) -> None:
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


def test_d10_no_temporary_file_and_no_process_argument_ever_held_a_marker(scene: Scene) -> None:
    assert scene.watch_rounds > 20
    _expect_clean(scene.scanner)


def test_d09_no_file_of_ours_holds_a_marker_in_clear(scene: Scene, markers: dict[str, str]) -> None:
    """Sealed sound, the database with its write-ahead log, keys, registrations, logs."""
    folder = scene.stack.folder
    scanner = Scanner(markers)
    assert scanner.look_into_database(_libpq(scene)) > 15
    private = folder / "private"
    theirs = [private / "ehr", private / "speech", folder / "logs" / "ehr.log", folder / "logs" / "assemblyai.log"]
    assert list((folder / "audio").rglob("*.sealed"))
    assert scanner.look_into_folder(folder, leave_out=theirs) > 500
    _expect_clean(scanner)


# D10: what the vendor hears, what lies on the disk; D12: what a process shows


def _hears(relay: Relay, names: dict[str, str]) -> dict[str, set[str]]:
    """Which of these words went to the vendor, by request."""
    scanner = Scanner(names)
    for line, body in relay.heard:
        scanner.look(line, line)
        scanner.look(line, body)
    return scanner.found


def test_d10_the_vendor_hears_nothing_of_who_the_patient_is(scene: Scene, markers: dict[str, str]) -> None:
    """Names, number, address, birth date in the usual spellings, relatives, and the EHR's own id of the patient."""
    born = date.fromisoformat(BORN)
    spellings = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%-d %B %Y", "%-d %b %Y", "%B %-d, %Y")
    person = {name: markers[name] for name in PERSON}
    person |= {spelling: born.strftime(spelling) for spelling in spellings}
    person |= {f"patient {number}": identity for number, identity in enumerate(scene.patients)}
    assert len([line for line, _ in scene.relay.heard if line == "POST /v2/transcript"]) == 4
    assert len([line for line, _ in scene.relay.heard if line == "POST /v1/chat/completions"]) >= 4
    assert _hears(scene.relay, person) == {}


def test_d10_the_vendor_hears_what_it_is_asked_about(scene: Scene, markers: dict[str, str]) -> None:
    """The control: the same search finds what has to be there, and a name that was sent in a keyterm."""
    found = _hears(scene.relay, markers)
    assert found["POST /v2/transcript"] == {"allergy", "relative"}
    assert found["POST /v1/chat/completions"] >= {"allergy", "typed"}
    assert "relative" not in found["POST /v1/chat/completions"]
    spoilt = Relay()
    spoilt.server_close()
    spoilt.heard = [("POST /v2/transcript", f'{{"keyterms_prompt": ["{markers["family"].upper()}"]}}'.encode())]
    assert _hears(spoilt, markers) == {"POST /v2/transcript": {"family"}}


def test_d10_no_temporary_file_is_left_and_none_was_anybody_elses(scene: Scene) -> None:
    assert scene.open_files == set()
    assert [path for path in scene.temporary.rglob("*") if path.is_file()] == []
    sealed = [path for path in (scene.stack.folder / "audio").rglob("*") if path.is_file()]
    assert sealed and {path.suffix for path in sealed} == {".sealed"}
    assert {path.stat().st_mode & 0o777 for path in sealed} == {0o600}


def test_d12_no_process_argument_and_no_log_holds_a_secret(scene: Scene) -> None:
    stack = scene.stack
    files = [stack.private / name for name in ("master.key", "client-secret")]
    secrets = {"vendor": stack.key} | {path.name: path.read_text(encoding="ascii").strip() for path in files}
    scanner = Scanner(secrets)
    for name in ("web", "worker"):
        process = psutil.Process(stack.children[name].pid)
        for one in (process, *process.children(recursive=True)):
            scanner.look(name, "\0".join(one.cmdline()))
        scanner.look(name, (stack.folder / "logs" / f"{name}.log").read_text(encoding="utf-8"))
    assert scanner.found == {}
    scanner.look("planted", f"connector serve --key {stack.key}")
    assert scanner.found == {"planted": {"vendor"}}


def _libpq(scene: Scene) -> str:
    return start_embedded(scene.stack.folder).libpq


# Positive controls: what is planted where it must not be is found. They come last, since they spoil the scene.


def test_d09_a_marker_planted_in_a_log_is_found(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    log = scene.stack.folder / "logs" / "web.log"
    scanner.look("web", log.read_text(encoding="utf-8") + f'{{"event": "read chart of {markers["family"]}"}}\n')
    assert scanner.found == {"web": {"family"}}


def test_d10_a_marker_planted_in_a_temporary_file_is_found_by_the_watch(scene: Scene, markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    with Watch(scanner, folders=[scene.temporary], pids=[]) as watch:
        planted = scene.temporary / "careless"
        planted.write_text(f"spoken: {markers['typed']}")
        planted.chmod(0o644)
        before = watch.rounds
        while watch.rounds < before + 2:
            pass
        planted.unlink()
    assert scanner.found == {"careless": {"typed"}}
    assert watch.open_files == {"careless"}


def test_d10_a_marker_planted_in_a_process_argument_is_found(markers: dict[str, str]) -> None:
    scanner = Scanner(markers)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", markers["filename"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        scanner.look_into_processes([process.pid])
        assert process.stdin is not None
        process.stdin.close()
    assert list(scanner.found.values()) == [{"filename"}]


def test_d09_a_marker_planted_in_a_row_is_found_there_and_in_the_files(scene: Scene, markers: dict[str, str]) -> None:
    with psycopg.connect(_libpq(scene), autocommit=True) as connection:
        connection.execute("UPDATE visits SET attention_text = %s", (f"allergic to {markers['allergy']}",))
    scanner = Scanner(markers)
    scanner.look_into_database(_libpq(scene))
    assert scanner.found == {"table public.visits": {"allergy"}}
    scanner.look_into_folder(scene.stack.folder / "pg")
    assert any(place.startswith("base/") for place in scanner.found)


def test_d09_a_marker_planted_beside_the_sealed_sound_is_found(scene: Scene, markers: dict[str, str]) -> None:
    planted = scene.stack.folder / "audio" / "plain.ogg"
    planted.write_bytes(b"OggS" + markers["content"].encode())
    scanner = Scanner(markers)
    scanner.look_into_folder(scene.stack.folder / "audio")
    assert scanner.found == {"plain.ogg": {"content"}}

"""A visit recorded in pieces: a reload in the middle, another window, a recorder that never came back. One note."""

from __future__ import annotations

import io
import os
import signal
from dataclasses import dataclass
from typing import Any

import av
import httpx
from connector_sandbox.clinician import OpenVisit, digest_header
from connector_sandbox.stack import Stack

from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.pieces import recorded_piece, slices_of
from tests.fixtures.visits import JSON, Clinic, problem_of


@dataclass
class Piece:
    """One run of a recorder, over HTTP."""

    visit: OpenVisit
    recording_id: str
    token: str

    @classmethod
    def begin(cls, visit: OpenVisit, **wish: Any) -> Piece:
        """Opens one; `wish` goes beside the source."""
        answer = visit.post("/recordings", json={"source": "microphone", **wish})
        assert answer.status_code == 201, answer.text
        return cls(visit, answer.json()["recording_id"], answer.json()["upload_token"])

    def request(self, method: str, below: str, **rest: Any) -> httpx.Response:
        """By the upload token alone."""
        root = self.visit.base.split("/v/")[0]
        headers = {**JSON, "Authorization": f"Upload {self.token}", **rest.pop("headers", {})}
        return self.visit.client.request(
            method, f"{root}/recordings/{self.recording_id}{below}", headers=headers, **rest
        )

    def put(self, seq: int, data: bytes) -> httpx.Response:
        """One slice."""
        return self.request("PUT", f"/chunks/{seq}", content=data, headers={"Content-Digest": digest_header(data)})

    def send(self, sound: bytes) -> int:
        """All slices in order; how many."""
        slices = slices_of(sound)
        for seq, data in enumerate(slices):
            assert self.put(seq, data).status_code == 204
        return len(slices)

    def mark(self, number: int, kind: str, at_ms: int, missing_ms: int) -> httpx.Response:
        """A mark."""
        return self.request("PUT", f"/marks/{number}", json={"kind": kind, "at_ms": at_ms, "missing_ms": missing_ms})


def agreed(clinic: Clinic, chart: Chart) -> OpenVisit:
    visit = clinic.open(chart.admit())
    visit.consent()
    return visit


def page_of(visit: OpenVisit) -> str:
    return visit.client.get(visit.base, headers={"Accept": "text/html"}).text


def length_s(sound: bytes) -> float:
    with av.open(io.BytesIO(sound)) as opened:
        return sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))


def test_two_pieces_with_a_gap_become_one_recording_that_says_what_is_missing(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = agreed(clinic, chart)
    first = Piece.begin(visit)
    first.send(recorded_piece("billie", 0, 30))
    assert first.mark(0, "off-record", 12_000, 0).status_code == 204
    assert first.mark(0, "off-record", 12_000, 65_000).status_code == 204
    # The page was reloaded: another run of the recorder, 12 seconds later.
    second = Piece.begin(visit, missing_ms=12_000, take_over=True)
    count = second.send(recorded_piece("billie", 42, 75))
    assert second.request("POST", "/close", json={"chunks": count}).json() == {"state": "CAPTURED"}
    visit.await_state("DRAFTED")
    assert len(vendor.uploads()) == len(vendor.jobs()) == 1
    sound = visit.client.get(f"{visit.base}/audio")
    assert sound.headers["content-type"] == "audio/ogg"
    assert 62.5 < length_s(sound.content) < 63.5
    page = page_of(visit)
    assert "12 s missing here" in page
    assert "Off the record for 1 min 5 s" in page


def test_a_recorder_that_never_came_back_is_finished_from_the_panel(clinic: Clinic, chart: Chart) -> None:
    visit = agreed(clinic, chart)
    piece = Piece.begin(visit)
    slices = slices_of(recorded_piece("billie", 0, 40))
    for seq, data in enumerate(slices[:-2]):
        assert piece.put(seq, data).status_code == 204
    # One that arrived beyond a hole cannot be played: it is left out, and the recording says that it breaks off.
    assert piece.put(len(slices) - 1, slices[-1]).status_code == 204
    answer = visit.post("/finish")
    assert answer.status_code == 200, answer.text
    visit.await_state("DRAFTED")
    assert "breaks off" in page_of(visit)
    problem_of(piece.put(len(slices) - 2, slices[-2]), status=409, slug="conflict")


def test_a_recording_its_recorder_never_ended_says_that_its_end_may_be_missing(clinic: Clinic, chart: Chart) -> None:
    visit = agreed(clinic, chart)
    Piece.begin(visit).send(recorded_piece("billie", 0, 40))
    assert visit.post("/finish").status_code == 200
    visit.await_state("DRAFTED")
    assert "its last seconds may be missing" in page_of(visit)


def test_nothing_to_finish_gives_the_visit_back(clinic: Clinic, chart: Chart) -> None:
    visit = agreed(clinic, chart)
    Piece.begin(visit)
    problem_of(visit.post("/finish"), status=422, slug="audio-unusable")
    assert visit.status()["state"] == "PRIMED"
    problem_of(visit.post("/finish"), status=409, slug="conflict")


def test_a_second_window_is_refused_until_it_takes_over_and_the_first_is_told(clinic: Clinic, chart: Chart) -> None:
    visit = agreed(clinic, chart)
    slices = slices_of(recorded_piece("billie", 0, 20))
    first = Piece.begin(visit)
    assert first.put(0, slices[0]).headers["Recording-State"] == "open"
    problem_of(visit.post("/recordings", json={"source": "microphone"}), status=409, slug="recorded-elsewhere")
    second = Piece.begin(visit, take_over=True)
    late = first.put(1, slices[1])
    assert (late.status_code, late.headers["Recording-State"]) == (204, "superseded")
    assert second.put(0, slices[0]).headers["Recording-State"] == "open"
    problem_of(second.request("PUT", "/chunks/1", content=b"x", headers={}), status=400, slug="chunk-refused")
    crossed = Piece(visit, second.recording_id, first.token)
    problem_of(crossed.put(1, slices[1]), status=403, slug="not-allowed")
    listed = visit.client.get(f"{visit.base}/recordings", headers=JSON).json()["recordings"]
    assert [(one["state"], one["live"]) for one in listed] == [("open", True), ("superseded", False)]


def test_several_files_are_joined_in_order_and_one_that_is_no_sound_is_named_and_left_out(
    clinic: Clinic, chart: Chart
) -> None:
    visit = agreed(clinic, chart)
    files = [recorded_piece("billie", 0, 20), b"this is no sound at all" * 40, recorded_piece("billie", 20, 60)]
    for place, sound in enumerate(files):
        opened = visit.post("/recordings").json()
        piece = Piece(visit, opened["recording_id"], opened["upload_token"])
        assert piece.put(0, sound).status_code == 204
        answer = visit.post(f"/recordings/{piece.recording_id}/close", json={"chunks": 1, "more": True})
        if place == 1:
            problem_of(answer, status=422, slug="audio-unusable")
        else:
            assert answer.json()["state"] == "CAPTURING"
    assert visit.post("/finish").status_code == 200
    visit.await_state("DRAFTED")
    assert 59.5 < length_s(visit.client.get(f"{visit.base}/audio").content) < 60.5


def test_a_piece_that_was_wrong_is_left_out_and_the_last_one_gives_the_visit_back(clinic: Clinic, chart: Chart) -> None:
    visit = agreed(clinic, chart)
    opened = [visit.post("/recordings").json()["recording_id"] for _ in range(2)]
    headers = {**JSON, "X-CSRF-Token": visit.csrf}
    first = visit.client.delete(f"{visit.base}/recordings/{opened[0]}", headers=headers)
    assert first.json()["state"] == "CAPTURING"
    assert visit.client.delete(f"{visit.base}/recordings/{opened[1]}", headers=headers).json()["state"] == "PRIMED"


def test_a_worker_killed_while_it_joins_joins_again(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = agreed(clinic, chart)
    for start in (0, 30):
        piece = Piece.begin(visit, take_over=True)
        piece.send(recorded_piece("billie", start, start + 30))
    worker = stack.children["worker"]
    os.kill(worker.pid, signal.SIGSTOP)
    assert visit.post("/finish").status_code == 200
    os.kill(worker.pid, signal.SIGCONT)
    visit.await_state("CAPTURED")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    stack.start_worker()
    visit.await_state("DRAFTED")
    assert len(vendor.jobs()) == 1

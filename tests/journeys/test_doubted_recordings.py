"""Recordings that may not be this visit, or hold none: asked about once, kept until the clinician decides."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from connector_sandbox.clinician import OpenVisit
from connector_sandbox.stack import Stack

from tests.builders import recording_bytes
from tests.fixtures.peers import NONE_OF_ANY, Chart, SandboxVendor
from tests.fixtures.shared_data import clip_bytes
from tests.fixtures.visits import JSON, PAGE, Clinic, problem_of, record, send_whole
from tests.fixtures.waiting import await_attention, await_true


def doubted(clinic: Clinic, chart: Chart) -> OpenVisit:
    """Chasidy's visit recorded in Billie's chart: she is addressed by a name that is not the patient's."""
    visit = clinic.open(chart.admit("billie"))
    record(visit, "chasidy")
    await_attention(visit, "doubtful")
    return visit


def page_of(visit: OpenVisit) -> str:
    return visit.client.get(visit.base, headers=PAGE).text


def drafts(vendor: SandboxVendor) -> list[str]:
    """What was asked of the language model."""
    return [one["path"] for one in vendor.requests() if one["method"] == "POST" and "/chat/completions" in one["path"]]


def audio_folder(stack: Stack) -> Path:
    return stack.folder / "audio"


def test_another_patients_recording_is_asked_about_and_nothing_is_drafted_before_the_answer(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = doubted(clinic, chart)
    status = visit.status()
    assert (status["state"], status["attention"]["action"], status["live"]) == ("TRANSCRIBED", "answer", False)
    page = page_of(visit)
    assert "Is this recording this visit?" in page and "Prosacco" in page
    assert "It is this visit: draft the note" in page and "Not this patient" in page
    problem_of(visit.post("/redraft"), status=409, slug="conflict")
    problem_of(visit.post("/doubts", form={"answer": "perhaps"}), status=422, slug="input-refused")
    visit.await_deletion()
    assert vendor.holds_nothing()
    assert drafts(vendor) == []
    assert visit.post("/doubts", form={"answer": "this-visit"}).status_code == 200
    visit.await_state("DRAFTED")
    page = page_of(visit)
    assert "confirmed that this recording is this visit" in page and "Prosacco" in page
    problem_of(visit.post("/doubts", form={"answer": "this-visit"}), status=409, slug="conflict")
    assert len(drafts(vendor)) == 1


def test_not_this_patients_recording_is_destroyed_and_the_right_one_can_follow(
    clinic: Clinic, chart: Chart, stack: Stack
) -> None:
    visit = doubted(clinic, chart)
    assert visit.client.get(f"{visit.base}/audio").status_code == 200
    before = {one.name for one in audio_folder(stack).iterdir()}
    assert visit.post("/doubts", form={"answer": "not-this-patient"}).status_code == 200
    status = visit.status()
    assert (status["state"], status["attention"]) == ("PRIMED", None)
    problem_of(visit.client.get(f"{visit.base}/audio", headers=JSON), status=410, slug="sound-destroyed")
    page = page_of(visit)
    assert "it was not this patient" in page and "Prosacco" not in page and "<audio" not in page
    await_true(lambda: len(before - {one.name for one in audio_folder(stack).iterdir()}) == 1, what="a removed folder")
    record(visit, "billie")
    visit.await_state("DRAFTED")
    assert "confirmed" not in page_of(visit)
    assert visit.client.get(f"{visit.base}/audio").status_code == 200


def test_an_open_question_and_its_answer_survive_a_killed_worker(
    clinic: Clinic, chart: Chart, stack: Stack, vendor: SandboxVendor
) -> None:
    visit = doubted(clinic, chart)
    worker = stack.children["worker"]
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    assert "Is this recording this visit?" in page_of(visit)
    assert visit.post("/doubts", form={"answer": "this-visit"}).status_code == 200
    assert visit.status()["state"] == "TRANSCRIBED"
    stack.start_worker()
    visit.await_state("DRAFTED")
    assert len(drafts(vendor)) == 1


@pytest.mark.parametrize(("clip", "offered"), [("no-voice.mp3", False), ("mumbling.mp3", True)])
def test_a_recording_without_a_visit_is_kept_until_the_clinician_decides(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor, clip: str, offered: bool
) -> None:
    sound = clip_bytes(clip)
    visit = clinic.open(chart.admit())
    visit.consent()
    assert send_whole(visit, sound).status_code == 200
    await_attention(visit, "nothing-said")
    page = page_of(visit)
    assert "until you decide" in page and "<audio" in page
    assert ("Draft from it anyway" in page) is offered
    assert visit.client.get(f"{visit.base}/audio").content == sound
    if not offered:
        problem_of(visit.post("/kept", form={"decision": "draft-anyway"}), status=409, slug="conflict")
    assert visit.post("/kept", form={"decision": "transcribe-again"}).status_code == 200
    await_true(lambda: len(vendor.jobs()) == 2, what="a second job")
    await_attention(visit, "nothing-said")
    assert visit.status()["state"] == "PRIMED"
    problem_of(visit.post("/kept", form={"decision": "keep"}), status=422, slug="input-refused")
    assert visit.post("/kept", form={"decision": "discard"}).status_code == 200
    status = visit.status()
    assert (status["state"], status["attention"]) == ("PRIMED", None)
    problem_of(visit.client.get(f"{visit.base}/audio", headers=JSON), status=410, slug="sound-destroyed")
    assert "you discarded it" in page_of(visit)
    problem_of(visit.post("/kept", form={"decision": "discard"}), status=409, slug="conflict")


def test_little_speech_is_drafted_where_the_clinician_wants_it_and_given_up_where_nothing_comes_of_it(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    """The stand-in for a model finds no statement in mumbling, and says so; another recording then works."""
    visit = clinic.open(chart.admit())
    visit.consent()
    send_whole(visit, clip_bytes("mumbling.mp3"))
    await_attention(visit, "nothing-said")
    assert visit.post("/kept", form={"decision": "draft-anyway"}).status_code == 200
    await_attention(visit, "draft-unusable")
    assert len(drafts(vendor)) == 1
    assert "Little speech could be made out" in page_of(visit)
    assert visit.post("/kept", form={"decision": "discard"}).status_code == 200
    assert (visit.status()["state"], visit.status()["attention"]) == ("PRIMED", None)
    problem_of(visit.client.get(f"{visit.base}/audio", headers=JSON), status=410, slug="sound-destroyed")
    visit.upload(recording_bytes("billie"))
    visit.await_state("DRAFTED")


def test_sound_is_destroyed_when_the_note_is_filed_and_its_files_are_removed(
    clinic: Clinic, chart: Chart, stack: Stack
) -> None:
    patient = chart.admit()
    before = {one.name for one in audio_folder(stack).iterdir()} if audio_folder(stack).is_dir() else set()
    visit = clinic.drafted(patient)
    (mine,) = {one.name for one in audio_folder(stack).iterdir()} - before
    page = page_of(visit)
    assert "until the note is filed; then it is destroyed" in page and "<audio" in page
    assert chart.counts(patient) == NONE_OF_ANY
    visit.sign()
    visit.await_state("FILED")
    problem_of(visit.client.get(f"{visit.base}/audio", headers=JSON), status=410, slug="sound-destroyed")
    await_true(lambda: not (audio_folder(stack) / mine).exists(), what="the removed folder")
    page = page_of(visit)
    assert "Our own recording" in page and "when the note was filed" in page and "<audio" not in page

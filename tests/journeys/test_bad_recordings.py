"""Recordings nothing can be made of: each is told why and what to do, and the next one works."""

from __future__ import annotations

import pytest

from tests.builders import recording_bytes
from tests.fixtures.peers import NONE_OF_ANY, Chart, SandboxVendor
from tests.fixtures.shared_data import clip_bytes
from tests.fixtures.visits import JSON, PAGE, Clinic, Upload, note_texts, problem_of, send_whole
from tests.fixtures.waiting import await_attention

NOT_SOUND = {
    "a text file called mp3": b"Dear diary, this was never a sound file.\n" * 200,
    "an empty recording": b"",
    "zeros": bytes(50_000),
    "a page": b"<!doctype html><html><body>404</body></html>" * 30,
    "only the beginning of a header": b"OggS\0\2",
}


@pytest.mark.parametrize("kind", NOT_SOUND)
def test_what_is_no_recording_is_refused_with_what_to_do_and_a_real_one_then_works(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor, kind: str
) -> None:
    visit = clinic.open(chart.admit())
    visit.consent()
    detail = problem_of(send_whole(visit, NOT_SOUND[kind]), status=422, slug="audio-unusable")
    assert any(word in detail.lower() for word in ("another", "again", "choose", "upload", "send"))
    assert visit.status()["state"] == "PRIMED"
    assert vendor.uploads() == []
    assert send_whole(visit, recording_bytes("billie")).status_code == 200
    assert visit.await_state("DRAFTED") == "DRAFTED"


def test_half_a_recording_becomes_a_note_of_its_half_and_the_page_says_that_the_end_is_missing(
    clinic: Clinic, chart: Chart
) -> None:
    sound = recording_bytes("billie")
    visit = clinic.open(chart.admit())
    visit.consent()
    assert send_whole(visit, sound[: len(sound) // 2]).status_code == 200
    visit.await_state("DRAFTED")
    texts = " ".join(note_texts(visit.note()))
    assert "back" in texts.lower()
    assert "four weeks" not in texts, "said in the second half only"
    assert "The recording breaks off: its end is missing." in visit.client.get(visit.base, headers=PAGE).text


@pytest.mark.parametrize("clip", ["no-voice.mp3", "mumbling.mp3"])
def test_from_a_recording_without_speech_no_note_is_written_and_another_recording_works(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor, clip: str
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    visit.consent()
    assert send_whole(visit, clip_bytes(clip)).status_code == 200
    attention = await_attention(visit, "nothing-said")
    assert attention["action"] == "capture-again"
    assert visit.status()["state"] == "PRIMED"
    problem_of(visit.client.get(f"{visit.base}/note", headers=JSON), status=404, slug="not-found")
    page = visit.client.get(visit.base, headers=PAGE).text
    assert "again" in page and "type" in page
    assert not any("/chat/completions" in one["path"] for one in vendor.requests())
    visit.upload(recording_bytes("billie"))
    visit.await_state("DRAFTED")
    assert visit.status().get("attention") is None
    assert chart.counts(patient) == NONE_OF_ANY
    visit.await_deletion()
    assert len(vendor.jobs()) == 2 and vendor.holds_nothing()


def test_after_a_recording_without_speech_the_visit_can_be_typed(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    visit.consent()
    send_whole(visit, clip_bytes("no-voice.mp3"))
    await_attention(visit, "nothing-said")
    assert visit.post("/text", form={"text": "Cough for three days."}).status_code == 200
    visit.await_state("DRAFTED")
    assert any("ough" in text for text in note_texts(visit.note()))


def test_typing_nothing_is_refused_and_the_visit_waits(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    visit.consent("declined")
    problem_of(visit.post("/text", form={"text": " \n \t\n"}), status=422, slug="nothing-said")
    assert visit.status()["state"] == "PRIMED"


def test_speech_the_sandbox_does_not_know_is_said_to_be_so_and_the_visit_waits_for_another(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    visit.consent()
    vendor.strike("job_error", method="POST", path="/v2/transcript", message="Transcoding failed.")
    upload = Upload.begin(visit)
    sound = recording_bytes("billie")
    upload.put(0, sound)
    assert upload.close(sound, 1).status_code == 200
    attention = await_attention(visit, "vendor-rejected")
    assert attention["action"] == "capture-again"
    assert visit.status()["state"] == "PRIMED"

"""The bundled visits: short, two voices or three, of bundled patients, each with the trap it is there to set."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import av
import pytest
import yaml
from connector_sandbox.recordings import BundledRecording, load_recording, load_recordings
from connector_sandbox.recordings.library import ROLES, VISITS, read_script, script_turns

PATIENTS = Path(__file__).parents[3] / "smart-launch" / "patients"
IDS = ("billie", "chasidy", "edmundo", "jacquelyne")


@pytest.fixture(params=IDS)
def recording(request: pytest.FixtureRequest) -> BundledRecording:
    return load_recording(request.param)


def said(recording: BundledRecording) -> str:
    return " ".join(turn.text for turn in recording.turns)


def chart(recording: BundledRecording, resource_type: str) -> list[dict[str, object]]:
    bundle = json.loads((PATIENTS / recording.patient_bundle).read_text(encoding="utf-8"))
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == resource_type]


def test_there_are_four() -> None:
    assert [recording.id for recording in load_recordings()] == list(IDS)


def test_each_is_a_short_visit_of_two_voices_or_three(recording: BundledRecording) -> None:
    assert 60_000 <= recording.duration_ms <= 110_000
    assert 16 <= len(recording.turns) <= 28
    roles = [turn.role for turn in recording.turns]
    assert all(one != other for one, other in pairwise(roles))
    assert set(roles) == {"clinician", "patient"} | ({"partner"} if recording.id == "jacquelyne" else set())
    assert recording.audio.stat().st_size < 400_000


def test_the_sound_is_as_long_as_its_timing_says(recording: BundledRecording) -> None:
    with av.open(str(recording.audio)) as sound:
        assert sound.streams.audio[0].codec.name == "opus"
        assert sound.streams.audio[0].channels == 1
        assert abs(sound.duration / 1000 - recording.duration_ms) < 100


def test_turns_and_words_follow_one_another_in_time(recording: BundledRecording) -> None:
    ends = 0
    for turn in recording.turns:
        assert turn.start >= ends + 200
        assert turn.words[0].start == turn.start
        assert turn.words[-1].end == turn.end
        assert turn.text == " ".join(word.text for word in turn.words)
        times = [time for word in turn.words for time in (word.start, word.end)]
        assert times == sorted(times)
        ends = turn.end
    assert ends < recording.duration_ms


def test_the_patient_is_a_bundled_one_and_speech_has_no_digits_in_names(recording: BundledRecording) -> None:
    name = chart(recording, "Patient")[0]["name"][0]  # type: ignore[index]
    spoken = re.sub(r"\d+", "", f"{name['given'][0]} {name['family']}")
    assert recording.patient_name == spoken
    assert spoken.split()[1] in recording.turns[0].text
    assert not re.search(r"[A-Za-z]\d", said(recording))


def test_each_has_what_a_visit_has(recording: BundledRecording) -> None:
    text = said(recording)
    assert re.search(r"blood pressure is \d{3} over \d{2}", text)
    assert re.search(r"\bno (numbness|chest pain|shortness of breath)", text, re.IGNORECASE)
    assert re.search(r"in (two|four) weeks", text)
    assert re.search(r"\d+ mg", text)


def test_one_names_a_drug_the_patient_is_allergic_to() -> None:
    recording = load_recording("chasidy")
    allergies = [allergy["code"]["text"].lower() for allergy in chart(recording, "AllergyIntolerance")]  # type: ignore[index]
    assert "lisinopril" in allergies
    assert "Lisinopril, 10 mg" in said(recording)


def test_one_gives_another_dose_than_the_chart() -> None:
    recording = load_recording("billie")
    drugs = [
        drug["medicationCodeableConcept"]["text"]  # type: ignore[index]
        for drug in chart(recording, "MedicationRequest")
        if drug["status"] == "active"
    ]
    assert "lisinopril 10 MG Oral Tablet" in drugs
    assert "lisinopril 20 mg" in said(recording)
    assert "lisinopril 10 mg" not in said(recording).lower()


def test_one_takes_a_value_back() -> None:
    assert "25, no, 50 mg twice a day" in said(load_recording("edmundo"))


def test_in_one_a_third_person_tells_what_the_patient_does_not() -> None:
    recording = load_recording("jacquelyne")
    allergies = [allergy["code"]["text"].lower() for allergy in chart(recording, "AllergyIntolerance")]  # type: ignore[index]
    assert "penicillin v" in allergies
    told = {role: " ".join(turn.text for turn in recording.turns if turn.role == role) for role in ROLES}
    assert "I had some penicillin left over from my tooth, so I gave her two tablets" in told["partner"]
    assert "75 micrograms, every morning" in told["patient"]
    assert "Not every morning. She forgets it three days out of seven." in told["partner"]


def test_words_the_recogniser_is_unsure_of_are_in_the_script(recording: BundledRecording) -> None:
    words = {word.strip(".,?!").lower() for word in said(recording).split()}
    assert set(recording.unsure) <= words


def test_a_script_changed_without_making_it_anew_is_refused(tmp_path: Path) -> None:
    for path in VISITS.glob("billie.*"):
        shutil.copy(path, tmp_path)
    script = yaml.safe_load((tmp_path / "billie.yaml").read_text(encoding="utf-8"))
    script["turns"][1]["patient"] = "Something else."
    (tmp_path / "billie.yaml").write_text(yaml.safe_dump(script), encoding="utf-8")
    with pytest.raises(ValueError, match="script and timing differ"):
        load_recording("billie", visits=tmp_path)


def test_another_sound_file_is_refused(tmp_path: Path) -> None:
    for path in VISITS.glob("billie.*"):
        shutil.copy(path, tmp_path)
    shutil.copy(VISITS / "chasidy.opus", tmp_path / "billie.opus")
    with pytest.raises(ValueError, match="sound file and timing differ"):
        load_recording("billie", visits=tmp_path)


def test_an_unknown_visit_is_no_visit() -> None:
    with pytest.raises(KeyError):
        load_recording("nobody")


def test_a_turn_has_one_role_and_no_unknown_keys() -> None:
    script = read_script(VISITS / "billie.yaml")
    script["turns"][0]["pace"] = "slow"
    with pytest.raises(ValueError, match="turn 0"):
        script_turns(script)

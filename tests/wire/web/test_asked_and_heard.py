"""Every parameter of a transcription, from the setting to the wire and from the answer to the transcript.

Against the sandbox AssemblyAI as a process of its own, whose journal keeps the bodies it was sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest
from connector_sandbox.recordings import load_recordings
from pydantic import SecretStr

from connector.app import compose, make_policy
from connector.clients.speech_request import build_transcript_request
from connector.records import Doubt, Interpreting, PersonAsked, Recording, Transcript
from connector.settings import Settings
from connector.store.visits import Numbered
from connector.transcript.reading import read_redacted_turns
from connector.visit.asking import ask_for
from connector.visit.doubting import doubt
from connector.visit.hearing import read_heard, seat_by
from tests.fixtures.assemblyai import run_process
from tests.unit.web import samples
from tests.wire.web.conftest import Site, open_site

VISITS = {recording.id: recording for recording in load_recordings()}
PARTNER = replace(samples.consent(), person=PersonAsked("p1", "partner", "Ron Kling"))


@dataclass(frozen=True)
class Told:
    """One transcription: what went over the wire, the answer, and what became of it; `unsaid` is what would have, had
    the vendor used no domain and said nothing of it, `shortened` had it stated ten seconds less than it heard."""

    sent: dict[str, Any]
    answer: dict[str, Any]
    heard: Transcript
    unsaid: Transcript
    redacted: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    shortened: Transcript

    def roles(self) -> dict[str, str]:
        """How the role of each voice was decided."""
        return {speaker.role: speaker.role_from for speaker in self.heard.speakers}


Transcribe = Callable[..., Any]


@pytest.fixture(scope="module")
async def transcribe(product_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Transcribe]:
    """Transcribes a bundled visit under other settings, with more consents or a chart in another language."""
    folder = tmp_path_factory.mktemp("assemblyai")
    with run_process(folder, "--queue-seconds", "0.05", "--process-seconds", "0.05") as base:
        update = {"assemblyai_base_url": base, "assemblyai_api_key": SecretStr("asked-and-heard")}
        settings = product_settings.model_copy(update=update)
        async with compose(settings) as composition, open_site(composition.parts) as site:
            yield partial(_transcribe, site, settings, base)


async def _transcribe(
    site: Site, usual: Settings, base: str, visit: str, *, language: str | None = "en", **more: Any
) -> Told:
    consents, keyterms = more.pop("consents", ()), more.pop("keyterms", ())
    parts = replace(site.parts, policy=make_policy(usual.model_copy(update=more.pop("settings", {}))))
    bundled = VISITS[visit]
    sound = bundled.audio.read_bytes()
    record = Recording(parts.new_id(), "ogg", len(sound), "0" * 64, 1, bundled.duration_ms, samples.stamp(0), **more)
    context = samples.context()
    person = replace(context.patient.items[0], language=language, name=bundled.patient_name)
    context = replace(context, patient=replace(context.patient, items=(person,)))
    asked = [Numbered(one, number) for number, one in enumerate((samples.consent(), *consents), start=1)]
    seat = await site.seat(*asked, Numbered(context, 2), record, state="CAPTURED")
    asking = await ask_for(parts, seat.visit_id)
    address = await parts.speech.upload(_pieces(sound), len(sound))
    job = await parts.speech.submit(build_transcript_request(address, keyterms, options=asking.options))
    answer = await parts.speech.wait(job.job_id, deadline_s=120, interval=0.1)
    heard = read_heard(parts, answer, recording=record, asking=asking)
    silent = {**answer, "metadata": {"domain_used": None, "warnings": []}}
    unsaid = read_heard(parts, silent, recording=record, asking=asking)
    less = {**answer, "audio_duration": answer["audio_duration"] - 10}
    shortened = read_heard(parts, less, recording=record, asking=asking)
    found = await doubt(parts, heard, visit_id=seat.visit_id)
    redacted = read_redacted_turns(answer, seating=seat_by(parts, asking, record))
    texts, doubts = tuple(turn.text for turn in redacted), found.items if found else ()
    return Told(await _sent(base, address), dict(answer), heard, unsaid, texts, doubts, shortened)


async def _sent(base: str, address: str) -> dict[str, Any]:
    """The body of the job for one upload, as the sandbox received it."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        entries = (await client.get(f"{base}/sandbox/requests")).json()["requests"]
    bodies = [entry["json"] for entry in entries if (entry.get("json") or {}).get("audio_url") == address]
    assert len(bodies) == 1
    return dict(bodies[0])


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]


async def test_row_1_a_recorded_visit_becomes_a_transcript_of_two_told_apart(transcribe: Transcribe) -> None:
    told = await transcribe("billie")
    assert told.sent["speaker_labels"] is True
    assert told.sent["audio_url"] == told.answer["audio_url"]
    assert [turn.text for turn in told.heard.turns] == [turn.text for turn in VISITS["billie"].turns]
    assert told.roles() == {"Clinician": "vendor", "Patient": "vendor"}
    assert told.heard.warnings[1:] == () and told.doubts == ()


async def test_row_2_models_domain_and_keyterms_go_and_what_was_used_comes_back(transcribe: Transcribe) -> None:
    told = await transcribe("billie", keyterms=("lisinopril", "Zestril"))
    assert told.sent["speech_models"] == ["universal-3-5-pro", "universal-2"]
    assert (told.sent["domain"], told.sent["keyterms_prompt"]) == ("medical-v1", ["lisinopril", "Zestril"])
    assert (told.heard.domain_used, told.heard.stamp.model) == ("medical-v1", "universal-3-5-pro")
    assert not any("medical vocabulary was not used" in warning for warning in told.heard.warnings)
    assert any("medical vocabulary was not used" in warning for warning in told.unsaid.warnings)
    prompted = await transcribe("billie", settings={"speech_prompt": "A visit.", "speech_prefers": "prompt"})
    assert (prompted.sent["prompt"], "keyterms_prompt" in prompted.sent) == ("A visit.", False)


@pytest.mark.parametrize(
    ("setting", "models", "used"),
    [("pl", ["universal-3-5-pro", "universal-2"], "universal-3-5-pro"), ("vi", ["universal-2"], "universal-2")],
)
async def test_row_2_a_language_without_medical_mode_goes_to_the_models_that_know_it_and_is_warned_of(
    transcribe: Transcribe, setting: str, models: list[str], used: str
) -> None:
    told = await transcribe("billie", settings={"speech_language": setting})
    assert (told.sent["language_code"], told.sent["speech_models"]) == (setting, models)
    assert "domain" not in told.sent
    assert (told.heard.language, told.heard.sent_language, told.heard.stamp.model) == (setting, setting, used)
    assert sum("Medical Mode does not have" in warning for warning in told.heard.warnings) == 1
    assert not any("medical vocabulary was not used" in warning for warning in told.heard.warnings)


async def test_row_2_the_charts_language_is_listened_for_and_the_one_heard_is_not_doubted(
    transcribe: Transcribe,
) -> None:
    told = await transcribe("edmundo", language="fr-FR")
    assert (told.sent["language_detection"], "language_code" in told.sent) == (True, False)
    options = told.sent["language_detection_options"]
    assert (options["expected_languages"], options["fallback_language"]) == (["fr", "en"], "en")
    assert (told.heard.language, told.heard.sent_language) == ("en", None)
    assert told.heard.language_confidence == told.answer["language_confidence"] > 0.9
    assert told.doubts == ()


async def test_row_2_with_an_interpreter_both_languages_are_listened_for_beside_each_other(
    transcribe: Transcribe,
) -> None:
    by_phone = replace(samples.consent(), interpreter=Interpreting("phone", "Spanish"))
    told = await transcribe("billie", consents=(by_phone,))
    assert (told.sent["language_detection"], "language_code" in told.sent) == (True, False)
    options = told.sent["language_detection_options"]
    assert (options["expected_languages"], options["code_switching"]) == (["en", "es"], True)
    assert told.answer["language_codes"] == ["en"]
    assert (told.heard.between, told.heard.sent_language) == (("en", "es"), None)
    assert told.doubts == ()
    alone = await transcribe("billie")
    assert alone.heard.between == () and "language_detection" not in alone.sent


async def test_row_2_a_language_that_is_sent_and_not_spoken_is_doubted_as_what_was_sent(transcribe: Transcribe) -> None:
    told = await transcribe("billie", settings={"speech_language": "es"})
    assert told.sent["language_code"] == "es"
    assert [one.kind for one in told.doubts] == ["language"]
    assert "does not look like Spanish" in told.doubts[0].text


async def test_row_3_the_roles_of_the_settings_go_and_come_back(transcribe: Transcribe) -> None:
    told = await transcribe("billie", settings={"speech_roles": ("Provider", "Client")})
    asked = told.sent["speech_understanding"]["request"]["speaker_identification"]
    assert asked == {"speaker_type": "role", "known_values": ["Provider", "Client"]}
    assert told.roles() == {"Provider": "vendor", "Client": "vendor"}


async def test_row_3_who_speaks_first_is_a_guess_and_only_where_nobody_was_told_apart(transcribe: Transcribe) -> None:
    unknown = {"speech_roles": ("Arzt", "Mensch"), "speech_channels": ("Arzt", "Mensch")}
    assert (await transcribe("billie", settings=unknown)).roles() == {"Speaker A": "guess", "Speaker B": "guess"}
    guessed = await transcribe("billie", settings={**unknown, "clinician_speaks_first": True})
    assert guessed.roles() == {"Arzt": "guess", "Mensch": "guess"}
    known = await transcribe("billie", settings={"clinician_speaks_first": True})
    assert set(known.roles().values()) == {"vendor"}


async def test_row_3_names_go_only_where_that_is_set_and_stand_beside_the_roles(transcribe: Transcribe) -> None:
    plain = await transcribe("jacquelyne", consents=(PARTNER,))
    assert "Kling" not in str(plain.sent)
    told = await transcribe("jacquelyne", consents=(PARTNER,), settings={"speech_by_name": True})
    asked = told.sent["speech_understanding"]["request"]["speaker_identification"]
    assert asked["speaker_type"] == "name"
    assert {one["name"] for one in asked["speakers"]} >= {"Jacquelyne Kling", "Ron Kling"}
    assert ("Patient", "Jacquelyne Kling") in {(one.role, one.name) for one in told.heard.speakers}


async def test_row_4_three_speakers_are_counted_and_told_apart_by_who_agreed(transcribe: Transcribe) -> None:
    told = await transcribe("jacquelyne", consents=(PARTNER,))
    assert told.sent["speaker_options"] == {"min_speakers_expected": 3, "max_speakers_expected": 4}
    asked = told.sent["speech_understanding"]["request"]["speaker_identification"]
    assert [one["role"] for one in asked["speakers"]] == ["Clinician", "Patient", "Partner"]
    assert told.roles() == {"Clinician": "vendor", "Patient": "vendor", "Partner": "vendor"}
    assert all(speaker.speech_ms > 0 for speaker in told.heard.speakers)


async def test_row_4_an_exact_number_goes_in_place_of_a_range_and_a_wrong_one_mixes_voices(
    transcribe: Transcribe,
) -> None:
    exact = {"speech_speaker_count": "exact"}
    told = await transcribe("jacquelyne", consents=(PARTNER,), settings=exact)
    assert (told.sent["speakers_expected"], "speaker_options" in told.sent) == (3, False)
    assert len(told.heard.speakers) == 3
    alone = await transcribe("jacquelyne", settings=exact)
    assert (alone.sent["speakers_expected"], len(alone.heard.speakers)) == (2, 2)
    off = await transcribe("billie", settings={"speech_speaker_count": "off"})
    assert not {"speakers_expected", "speaker_options"} & off.sent.keys()


async def test_row_4_a_voice_with_little_speech_is_not_trusted(transcribe: Transcribe) -> None:
    told = await transcribe("jacquelyne", consents=(PARTNER,))
    trusted = {speaker.role: not speaker.low_trust for speaker in told.heard.speakers}
    by_role = {speaker.role: speaker.speech_ms for speaker in told.heard.speakers}
    assert trusted == {role: spoken >= 30_000 for role, spoken in by_role.items()}
    assert not trusted["Partner"]


async def test_row_5_the_clinical_words_are_whole_and_the_redacted_copy_stands_beside_them(
    transcribe: Transcribe,
) -> None:
    settings = {
        "redaction_policies": ("person_name", "drug"),
        "redaction_substitution": "hash",
        "speech_entities": True,
    }
    told = await transcribe("jacquelyne", consents=(PARTNER,), settings=settings)
    assert told.sent["redact_pii"] is told.sent["redact_pii_return_unredacted"] is True
    assert told.sent["redact_pii_policies"] == ["person_name", "drug"]
    assert (told.sent["redact_pii_sub"], told.sent["entity_detection"]) == ("hash", True)
    assert [turn.text for turn in told.heard.turns] == [turn.text for turn in VISITS["jacquelyne"].turns]
    assert set(told.roles()) == {"Clinician", "Patient", "Partner"} and "guess" not in told.roles().values()
    assert len(told.redacted) == len(told.heard.turns)
    assert not any("penicillin" in text or "Kling" in text for text in told.redacted)
    assert "##########" in " ".join(told.redacted)
    assert ("drug", "penicillin") in {(one.entity_type, one.text) for one in told.heard.entities}
    named = await transcribe("jacquelyne", settings={**settings, "redaction_substitution": "entity_name"})
    assert "[DRUG]" in " ".join(named.redacted)
    assert (await transcribe("billie")).heard.entities == ()


async def test_row_5_redacted_sound_is_asked_for_where_that_is_set(transcribe: Transcribe) -> None:
    settings = {"redaction_policies": ("drug",), "redaction_audio": True}
    told = await transcribe("billie", settings=settings)
    assert (told.sent["redact_pii_audio"], told.sent["redact_pii_audio_quality"]) == (True, "mp3")


async def test_words_hardly_heard_are_pointed_at_with_what_they_are(transcribe: Transcribe) -> None:
    told = await transcribe("jacquelyne", consents=(PARTNER,))
    turns = {turn.turn_id: turn for turn in told.heard.turns}
    spans = {(turns[one.turn_id].words[one.first].text.strip(".,").lower(), one.kind) for one in told.heard.spans}
    assert {("levothyroxine", "drug"), ("hydrochlorothiazide", "drug")} <= spans


async def test_lengths_are_kept_apart_and_compared(transcribe: Transcribe) -> None:
    told = await transcribe("billie")
    heard = told.heard
    assert heard.captured_ms == VISITS["billie"].duration_ms
    assert 0 <= heard.reported_ms - heard.captured_ms < 1000
    assert not any("differ" in warning for warning in heard.warnings)
    assert told.shortened.captured_ms - told.shortened.reported_ms in range(9_000, 10_001)
    assert "The recording and its transcript differ by" in " ".join(told.shortened.warnings)
    cut = (await transcribe("billie", truncated=True)).heard
    assert any("breaks off" in warning for warning in cut.warnings)

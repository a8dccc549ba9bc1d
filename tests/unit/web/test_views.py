"""One visit's page: which part is shown in which state, and what its headings promise."""

from dataclasses import replace

import pytest

from connector.records import ConsentAnswer
from connector.visit.states import State
from connector.web.views import build_visit_view
from tests.unit.web.samples import TEXT, consent, facts, filing, transcript

STATES = [state.value for state in State]


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_part_and_a_heading(state: str) -> None:
    view = build_visit_view(facts(state))
    assert view.panel and view.heading
    assert view.base == "/v/launch-1"


@pytest.mark.parametrize("state", STATES)
def test_no_heading_names_the_patient(state: str) -> None:
    view = build_visit_view(facts(state))
    assert "Waters" not in view.heading + (view.lead or "")


def test_no_sound_is_asked_for_before_a_given_consent() -> None:
    assert not build_visit_view(facts("PRIMED")).may_record
    assert build_visit_view(facts("PRIMED", consent=consent())).may_record
    assert build_visit_view(facts("CAPTURING")).may_record


@pytest.mark.parametrize("answer", [ConsentAnswer.DECLINED, ConsentAnswer.WITHDRAWN])
def test_anything_but_a_yes_leads_to_typing(answer: ConsentAnswer) -> None:
    view = build_visit_view(facts("PRIMED", consent=consent(answer)))
    assert view.must_type and not view.may_record
    assert view.lead == "Type what happened; nothing is recorded."


def test_the_consent_card_says_who_asked_and_how() -> None:
    card = build_visit_view(facts("PRIMED", consent=consent())).consent
    assert (card.answer, card.method) == ("given", "verbal")
    (patient,) = card.voices
    assert (patient.who, patient.words) == ("The patient", "agreed to be recorded")
    assert patient.details == "In words, asked by Dr. Ada Lin, with the English text, version 1"
    other = replace(consent(), asked_by="Practitioner/99")
    (patient,) = build_visit_view(facts("PRIMED", consent=other)).consent.voices
    assert "asked by Practitioner/99" in patient.details


def test_what_would_be_signed_is_the_text_with_its_hash_and_revision() -> None:
    sign = build_visit_view(facts("DRAFTED")).sign
    assert sign is not None
    assert (sign.text, sign.sha256, sign.revision, sign.signer) == (TEXT, "f" * 64, 1, "Dr. Ada Lin")
    assert (sign.checks, sign.hindrance, sign.attestation) == (3, None, "I have read this note.")


def test_nobody_signs_where_the_ehr_did_not_say_who_it_is() -> None:
    given = facts("DRAFTED")
    sign = build_visit_view(replace(given, launch=replace(given.launch, practitioner=None))).sign
    assert sign is not None and sign.hindrance is not None


@pytest.mark.parametrize("state", [state for state in STATES if state != "DRAFTED"])
def test_a_signature_is_asked_for_in_one_state_only(state: str) -> None:
    assert build_visit_view(facts(state)).sign is None


def test_a_flag_takes_the_hope_out_of_the_heading() -> None:
    flagged = facts("SIGNED", attention="ehr-unavailable")
    assert build_visit_view(facts("SIGNED")).heading == "Signed. Filing in the EHR…"
    assert build_visit_view(flagged).heading == "Signed, not yet in the EHR"


def test_playback_is_named_on_top_of_every_page_and_speech_is_not() -> None:
    played = build_visit_view(facts("SIGNED", transcript=transcript("playback")))
    assert played.ribbon == "Sandbox playback: a bundled script, not speech recognition"
    badly = build_visit_view(facts("SIGNED", transcript=transcript("sandbox-recogniser")))
    assert badly.ribbon == "SANDBOX RECOGNISER, low accuracy: many words are wrong"
    given = facts("SIGNED", transcript=transcript("typed"))
    assert given.note is not None
    stand_in = replace(given.note, draft=replace(given.note.draft, origin="sandbox"))
    assert (build_visit_view(replace(given, note=stand_in)).ribbon or "").startswith("Sandbox draft")
    assert build_visit_view(facts("SIGNED")).ribbon is None
    assert build_visit_view(facts("SIGNED", transcript=transcript("typed"))).ribbon is None


def test_a_typed_visit_has_nothing_to_play() -> None:
    assert build_visit_view(facts("DRAFTED")).audio
    assert not build_visit_view(facts("DRAFTED", transcript=transcript("typed"))).audio
    assert not build_visit_view(facts("DRAFTED", recording=None)).audio


def test_a_note_stored_differently_is_not_called_identical() -> None:
    view = build_visit_view(facts("FILED")).filing
    assert view is not None and view.identical
    other = build_visit_view(facts("FILED", filing=filing("different"))).filing
    assert other is not None and not other.identical


def test_the_ehr_decides_whether_the_banner_is_ours() -> None:
    given = facts("PRIMED")
    slim = build_visit_view(replace(given, launch=replace(given.launch, need_patient_banner=False)))
    assert build_visit_view(given).full_banner and not slim.full_banner
    assert slim.patient is not None


def test_only_an_unsigned_visit_can_be_given_up() -> None:
    offered = {state for state in STATES if build_visit_view(facts(state)).discard_reasons}
    assert offered == {"LAUNCHED", "PRIMED", "CAPTURING", "CAPTURED", "TRANSCRIBED", "DRAFTED"}
    reasons = build_visit_view(facts("DRAFTED")).discard_reasons
    assert ("wrong-patient", "Wrong patient") in reasons

"""Whether a recording is this visit: each doubt from both sides, careful with false alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.app import load_rules
from connector.records import (
    CareTeamMember,
    Medication,
    PatientContext,
    PersonSummary,
    Section,
    SectionState,
    Source,
    Stamp,
    Transcript,
    Turn,
    Word,
)
from connector.transcript.doubts import Expected, find_doubts

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
RULES = load_rules()
EMPTY: Section[Any] = Section(SectionState.EMPTY)
SOURCE = Source("Patient/1")
JANE = PersonSummary(SOURCE, "Mrs. Jane Smith12", "Smith12", ("Jane34",), None, "female", None)
CHARTED = ("lisinopril 10 MG Oral Tablet", "metformin 500 MG Oral Tablet", "Zocor 20 MG Oral Tablet")
VISIT = (
    ("Clinician", "Good morning, how are you today? What brings you in, and how long has that been going on for you?"),
    ("Patient", "I have had a cough for about two weeks now, and it is worse when I lie down at night."),
    ("Clinician", "Is there any fever with it, or have you been short of breath when you walk up the stairs at home?"),
    ("Patient", "No, I have not had a fever, but I do get a bit short of breath if I have to hurry for the bus."),
    ("Clinician", "I will have a listen to your chest, and then we can talk about what to do for the cough."),
)


def spoken(*turns: tuple[str, str], language: str | None = "en") -> Transcript:
    found = []
    at = 0
    for number, (role, text) in enumerate(turns, start=1):
        words = []
        for word in text.split():
            words.append(Word(word, at, at + 300, 0.9))
            at += 350
        origin = "guess" if role.startswith("Speaker") else "vendor"
        found.append(Turn(f"t{number}", role, role, origin, text, words[0].start_ms, at, 0.9, tuple(words)))
    return Transcript("x1", "recogniser", language, at, tuple(found), (), STAMP)


def chart(
    *drugs: str, person: PersonSummary = JANE, state: SectionState = SectionState.OK, team: tuple[str, ...] = ()
) -> PatientContext:
    items = tuple(Medication(Source(f"MedicationRequest/{n}"), name, "active") for n, name in enumerate(drugs))
    members = tuple(CareTeamMember(Source("CareTeam/1"), name) for name in team)
    return PatientContext(
        patient=Section(SectionState.OK, (person,)),
        encounter=EMPTY,
        medications=Section(state, items),
        allergies=EMPTY,
        problems=EMPTY,
        vitals=EMPTY,
        labs=EMPTY,
        stamp=STAMP,
        care_team=Section(SectionState.OK, members),
    )


def kinds(transcript: Transcript, context: PatientContext, **expected: Any) -> list[str]:
    given = Expected(**{"recording_ms": transcript.duration_ms, **expected})
    found = find_doubts(transcript, context, expected=given, rules=RULES.speech, book=RULES.keyterms.drugs)
    known = {turn.turn_id for turn in transcript.turns}
    assert all(set(doubt.turn_ids) <= known and doubt.text for doubt in found)
    return [doubt.kind for doubt in found]


def test_a_visit_nothing_speaks_against_raises_no_doubt() -> None:
    assert kinds(spoken(*VISIT), chart(*CHARTED)) == []


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("Clinician", "Good morning, Mr. Miller, how are you?"),
        ("Clinician", "Hello, Mrs Jones. Come in."),
        ("Clinician", "Thank you, Mr Miller."),
        ("Clinician", "All right, Miss Garcia, let us have a look."),
        ("Clinician", "Am I speaking to Mr Miller?"),
        ("Clinician", "Hi, Martha, how are you?"),
        ("Speaker A", "Hi there, Martha."),
        ("Patient", "My name is John Miller and I am nineteen."),
    ],
)
def test_somebody_addressed_by_a_name_that_is_not_the_patients_is_a_doubt(role: str, text: str) -> None:
    found = spoken((role, text), *VISIT)
    assert kinds(found, chart()) == ["name"]
    doubt = find_doubts(found, chart(), expected=Expected(), rules=RULES.speech, book=RULES.keyterms.drugs)[0]
    assert doubt.turn_ids == ("t1",)


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("Clinician", "Good morning, Mrs. Smith, how are you?"),
        ("Clinician", "Good morning, Mrs. Smyth, how are you?"),
        ("Clinician", "Hi, Janey, how are you?"),
        ("Clinician", "Hi, Doctor Brown sent you?"),
        ("Clinician", "Hi. Nice to see you."),
        ("Clinician", "Hello, how are you?"),
        ("Clinician", "I saw Mr. Miller from next door yesterday and he told me."),
        ("Clinician", "Your neighbour, Mr. Miller, brought you in."),
        ("Clinician", "Is that Tylenol you take?"),
        ("Patient", "Good morning, Mr. Miller, I am glad you have time."),
        ("Patient", "Hello, Sarah, I have come about my cough."),
        ("Clinician", "Hello, Robert, and you are the husband?"),
        ("Clinician", "Okay, Mr Walker will draw the blood."),
    ],
)
def test_other_people_in_the_talk_are_no_doubt(role: str, text: str) -> None:
    person = replace(JANE, relatives=("Robert Smith",))
    assert kinds(spoken((role, text), *VISIT), chart(person=person, team=("Tom Walker",))) == []


def test_a_stranger_beside_the_patients_own_name_is_no_doubt() -> None:
    found = spoken(("Clinician", "Hello, Mr. Miller."), ("Patient", "No, I am Jane Smith."), *VISIT)
    assert kinds(found, chart()) == []


def test_without_a_name_in_the_chart_no_name_is_doubted() -> None:
    nobody = replace(chart(), patient=Section(SectionState.FAILED))
    assert kinds(spoken(("Clinician", "Hello, Mr. Miller."), *VISIT), nobody) == []


TAKES = ("Patient", "I take warfarin for my heart, and I'm on levothyroxine for the thyroid.")


def test_drugs_the_patient_takes_and_the_chart_does_not_know_are_a_doubt() -> None:
    assert kinds(spoken(*VISIT, TAKES), chart(*CHARTED)) == ["drugs"]
    asked = ("Clinician", "Which medications do you take?"), ("Patient", "Warfarin and levothyroxine.")
    assert kinds(spoken(*VISIT, *asked), chart(*CHARTED)) == ["drugs"]


@pytest.mark.parametrize(
    "more",
    [
        ("Patient", "And lisinopril."),
        ("Patient", "And simvastatin, that's it."),
        ("Clinician", "And the Glucophage?"),
        ("Clinician", "Enalapril as well, yes?"),
    ],
)
def test_one_drug_of_the_chart_by_generic_brand_or_class_settles_it(more: tuple[str, str]) -> None:
    assert kinds(spoken(*VISIT, TAKES, more), chart(*CHARTED)) == []


@pytest.mark.parametrize(
    "said",
    [
        ("Clinician", "I would like to start you on warfarin and levothyroxine."),
        ("Patient", "I don't take warfarin or levothyroxine."),
        ("Patient", "I take Tylenol and ibuprofen."),
        ("Patient", "I take warfarin."),
    ],
)
def test_drugs_planned_refused_everyday_or_single_are_no_doubt(said: tuple[str, str]) -> None:
    assert kinds(spoken(*VISIT, said), chart(*CHARTED)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "I stopped warfarin and levothyroxine last year.",
        "Not warfarin and not levothyroxine.",
        "I take warfarin if I have to, or levothyroxine.",
    ],
)
def test_drugs_stopped_denied_or_supposed_are_no_doubt_even_where_asked_for(answer: str) -> None:
    asked = ("Clinician", "Which medications do you take?")
    assert kinds(spoken(*VISIT, asked, ("Patient", answer)), chart(*CHARTED)) == []


def test_a_chart_with_few_drugs_or_an_unread_list_says_nothing() -> None:
    assert kinds(spoken(*VISIT, TAKES), chart(*CHARTED[:2])) == []
    assert kinds(spoken(*VISIT, TAKES), chart(*CHARTED, state=SectionState.PARTIAL)) == []


@pytest.mark.parametrize(("recording_ms", "doubted"), [(0, False), (45_000, False), (200_000, True), (3_000, True)])
def test_a_transcript_of_another_length_is_a_doubt(recording_ms: int, doubted: bool) -> None:
    found = spoken(*VISIT)
    assert 30_000 < found.duration_ms < 45_000
    assert (kinds(found, chart(), recording_ms=recording_ms) == ["length"]) is doubted


def test_another_language_is_a_doubt_by_what_the_recogniser_says_and_by_the_words() -> None:
    assert kinds(spoken(*VISIT, language="es"), chart()) == ["language"]
    assert kinds(spoken(*VISIT, language="en_us"), chart()) == []
    spanish = (
        ("Clinician", "Buenos días, ¿cómo está usted hoy y qué le trae por aquí? Dígame qué es lo que le pasa."),
        ("Patient", "Tengo tos desde hace dos semanas y me duele un poco el pecho cuando subo la escalera de mi casa."),
        ("Clinician", "¿Ha tenido fiebre o le falta el aire cuando camina? ¿Toma algo para la tos por la noche?"),
        ("Patient", "No, fiebre no he tenido, pero me falta un poco el aire si tengo que correr para el autobús."),
    )
    found = find_doubts(spoken(*spanish), chart(), expected=Expected(), rules=RULES.speech, book=RULES.keyterms.drugs)
    assert [doubt.kind for doubt in found] == ["language"]
    assert "Spanish" in found[0].text and found[0].language == "es"


def test_the_language_that_was_likely_spoken_is_named_only_where_there_is_one() -> None:
    def likely(said: Transcript, sent: str | None) -> list[str | None]:
        expected = Expected(language=sent)
        found = find_doubts(said, chart(), expected=expected, rules=RULES.speech, book=RULES.keyterms.drugs)
        return [doubt.language for doubt in found]

    assert likely(spoken(*VISIT, language="vi"), "en") == ["vi"]
    assert likely(spoken(*VISIT, language="es"), None) == ["en"]
    polish = ("Dzień dobry, proszę usiąść, od kiedy boli panią głowa? Czy gorączka też była?", "Boli mnie od tygodnia.")
    turns = [(("Clinician", "Patient")[number % 2], polish[number % 2]) for number in range(12)]
    assert likely(spoken(*turns), "en") == [None]


def test_where_somebody_interprets_neither_language_is_doubted_for_its_share() -> None:
    spanish = (
        "Tengo tos desde hace dos semanas, doctora, sobre todo por la noche, y me duele un poco el pecho izquierdo."
    )
    between = [turn for said in VISIT for turn in (said, ("Interpreter", spanish))]
    bare = [("Interpreter", "ibuprofeno amoxicilina lisinopril metformina levotiroxina radiografía " * 12)]
    both = replace(spoken(*between, *bare, language="es"), between=("es", "en"))
    assert kinds(replace(both, between=()), chart(), language=None) == ["language"]
    assert kinds(both, chart(), language=None) == []
    assert kinds(replace(both, between=("es", "vi")), chart(), language=None) == [], "not known by its little words"
    german = "Ich habe seit zwei Wochen Husten und es ist in der Nacht am schlimmsten."
    voices = [(("Patient", "Interpreter")[number % 2], german) for number in range(6)]
    found = replace(spoken(*voices, language="es"), between=("es", "en"))
    (doubt,) = find_doubts(found, chart(), expected=Expected(None), rules=RULES.speech, book=RULES.keyterms.drugs)
    assert "Spanish or English, more like German" in doubt.text and doubt.language == "de"


def test_a_language_that_was_found_out_is_only_doubted_by_its_words() -> None:
    assert kinds(spoken(*VISIT, language="en_us"), chart(), language=None) == []
    assert kinds(spoken(*VISIT, language="es"), chart(), language=None) == ["language"]
    assert kinds(spoken(*VISIT, language="vi"), chart(), language=None) == []
    assert kinds(spoken(*VISIT, language="es"), chart(), language="es_mx") == ["language"]


def test_a_length_the_vendor_states_is_not_hidden_by_words_that_run_longer() -> None:
    found = spoken(*VISIT)
    assert kinds(replace(found, reported_ms=2_000), chart()) == ["length"]
    assert kinds(replace(found, reported_ms=found.duration_ms), chart()) == []


def test_one_voice_is_a_doubt_where_speakers_were_told_apart() -> None:
    alone = spoken(*(("Speaker A", text) for _, text in VISIT))
    assert kinds(alone, chart()) == ["one-speaker"]
    assert kinds(spoken(*(("Speaker A", text) for _, text in VISIT[:1])), chart()) == []
    untold = replace(alone, turns=tuple(replace(turn, words=()) for turn in alone.turns))
    assert kinds(untold, chart()) == []


def test_what_was_typed_is_never_doubted() -> None:
    typed = replace(spoken(("typed", "Hello, Mr. Miller.")), origin="typed")
    assert kinds(typed, chart()) == []

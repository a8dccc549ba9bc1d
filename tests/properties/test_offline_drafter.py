"""Whatever is said: the offline drafter answers in the schema, and says nothing its evidence does not say."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connector.assets.catalogue import load_mapping, load_template
from connector.clinical.word_lists import word_list, word_set
from connector.drafting.answer import DraftIdentity, read_answer
from connector.drafting.chart_text import ChartBudget, write_chart
from connector.drafting.note_type import read_note_types
from connector.drafting.offline import draft_from_messages
from connector.drafting.plain import plain_lines
from connector.drafting.prompt import PromptTemplates, build_messages
from connector.drafting.schema import answer_schema
from connector.drafting.speech import settled
from connector.drafting.verbs import third_person
from connector.records import (
    Allergy,
    Medication,
    PatientContext,
    PersonSummary,
    Problem,
    Section,
    SectionState,
    Source,
    Stamp,
    Transcript,
    Turn,
)

STAMP = Stamp("test", datetime(2026, 11, 21, tzinfo=UTC))
SOAP = read_note_types(load_mapping("note-types.yaml"))["soap"]
SCHEMA = answer_schema(SOAP)
TEMPLATES = PromptTemplates.from_sources(
    load_template("prompts/soap.system.j2"), load_template("prompts/soap.user.j2"), "soap"
)

PHRASES = st.sampled_from(
    [
        "Any chest pain, shortness of breath, or swelling in your legs?",
        "Are you taking your lisinopril?",
        "How long has it been going on?",
        "What do you take for your blood pressure?",
        "Do you smoke or drink?",
        "No, nothing like that.",
        "No, just penicillin.",
        "Yes, but only at night.",
        "I've had a headache for two weeks, and I don't sleep.",
        "No numbness, no weakness, and no fever.",
        "Two Tylenol, maybe twice a day.",
        "I take twenty-five, no, fifty milligrams of metoprolol.",
        "You told me to stop the aspirin.",
        "Your blood pressure is one forty over ninety and your lungs are clear.",
        "I think you have a sinus infection, but it could be the flu.",
        "Your potassium was 5.1, so I will leave losartan at 50 mg.",
        "Let's increase your metoprolol to 50 mg, okay?",
        "If you get a fever over 101, call me.",
        "I want you to check your pressure every day and come back in two weeks.",
        "htn f/u, bp 128/82, cont lisinopril 10",
        "P: ice, rest",
        "How was the game?",
    ]
)
WORDS = st.sampled_from(
    word_list(
        "I you your my it no not any pain fever take mg 25 fifty and or if because ? . , - okay do are have stop the"
    )
)
said = PHRASES | st.lists(WORDS, max_size=25).map(" ".join) | st.text(max_size=60)
roles = st.sampled_from(["clinician", "patient", "patient", "typed", "daughter", "Speaker A"])
turns = st.lists(st.tuples(roles, st.lists(said, max_size=3).map(" ".join)), max_size=8)
DRUGS = ["lisinopril 10 MG Oral Tablet", "24 HR metoprolol succinate 25 MG Tablet", "aspirin 81 MG"]
drugs = st.lists(st.sampled_from(DRUGS) | st.text(max_size=20), max_size=4)


def context_of(names: list[str], sex: str | None) -> PatientContext:
    nothing: Section[Any] = Section(SectionState.FAILED)
    person = PersonSummary(Source("Patient/1"), "Ann Canary", "Canary", ("Ann",), date(1960, 1, 1), sex, None)
    medications = tuple(Medication(Source(f"MedicationRequest/{n}"), name, "active") for n, name in enumerate(names))
    return PatientContext(
        patient=Section(SectionState.OK, (person,)),
        encounter=nothing,
        medications=Section(SectionState.OK, medications),
        allergies=Section(SectionState.PARTIAL, (Allergy(Source("AllergyIntolerance/1"), "Penicillin V"),)),
        problems=Section(SectionState.OK, (Problem(Source("Condition/1"), "Essential hypertension (disorder)"),)),
        vitals=nothing,
        labs=nothing,
        stamp=STAMP,
    )


def transcript_of(spoken: list[tuple[str, str]]) -> Transcript:
    listed = tuple(Turn(f"t{n}", role, role, "vendor", text, 0, 0, 1.0) for n, (role, text) in enumerate(spoken, 1))
    return Transcript("tr1", "playback", "en", 0, listed, (), STAMP)


def messages_of(spoken: list[tuple[str, str]], context: PatientContext) -> list[dict[str, str]]:
    return build_messages(
        note_type=SOAP,
        transcript=transcript_of(spoken),
        chart=write_chart(context, ChartBudget()),
        consent_line="",
        templates=TEMPLATES,
    )


def sentences_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [sentence for section in answer.values() for sentence in section]


@given(turns, drugs, st.sampled_from(["female", "male", "unknown", None]))
def test_the_answer_keeps_the_schema_and_cites_only_what_exists(spoken, names, sex) -> None:
    context = context_of(names, sex)
    messages = messages_of(spoken, context)
    answer = draft_from_messages(messages, SCHEMA)
    Draft202012Validator(SCHEMA).validate(answer)
    parts = (context.medications, context.allergies, context.problems)
    charted = {item.source.reference for part in parts for item in part.items}
    for sentence in sentences_of(answer):
        assert sentence["text"].strip()
        assert sentence["turns"]
        assert set(sentence["turns"]) <= {f"t{n}" for n in range(1, len(spoken) + 1)}
        assert set(sentence["chart"]) <= charted
    assert draft_from_messages(json.loads(json.dumps(messages)), SCHEMA) == answer


@given(turns)
def test_the_product_takes_its_own_drafters_answer(spoken) -> None:
    context = context_of([], "female")
    answer = draft_from_messages(messages_of(spoken, context), SCHEMA)
    if sentences_of(answer):
        draft = read_answer(
            json.dumps(answer),
            note_type=SOAP,
            transcript=transcript_of(spoken),
            context=context,
            identity=DraftIdentity("d1", 1, "playback", STAMP),
        )
        assert all(sentence.turn_ids for section in draft.sections for sentence in section.sentences)


# Words a note may add of its own: labels, pronouns, verbs that carry grammar.
OWN = word_set(
    """
    clinician's themselves theirs denies reports states asked about answers yes no takes for duration when frequency
    severity location side worse better with character lives occupation amount color impression concern clinician
    does not think patient to follow up report watch start continue the her his him she he they their them herself
    himself themself hers is has was are or and any some will would had in on of doesn't hasn't hypertension
    follow-up increase decrease discontinue complains without history weeks week months years bp hr rr return clinic
    daughter need do be if it have
    """
)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:['-][a-z]+)*", text.casefold().replace("’", "'"))


def same_root(word: str, others: set[str]) -> bool:
    """Whether a word is another form of one of the others: `takes` of `take`, `goes` of `go`."""
    root = word[: max(3, len(word) - 3)]
    if word in {third_person(other) for other in others}:
        return True
    return any(other.startswith(root) or word.startswith(other) for other in others if len(other) > 1)


@given(turns, st.sampled_from(["female", "male", None]))
def test_every_word_and_number_of_a_sentence_was_said_in_its_turns(spoken, sex) -> None:
    answer = draft_from_messages(messages_of(spoken, context_of(["lisinopril 10 MG"], sex)), SCHEMA)
    plain = [plain_lines(text) for _, text in spoken]
    turn_text = {f"t{n}": f"{text} {settled(text)}" for n, text in enumerate(plain, 1)}
    for sentence in sentences_of(answer):
        evidence = " ".join(turn_text[turn] for turn in sentence["turns"])
        heard = set(words(evidence))
        assert set(re.findall(r"[0-9]+", sentence["text"])) <= set(re.findall(r"[0-9]+", evidence))
        strange = [word for word in words(sentence["text"]) if word not in heard | OWN and not same_root(word, heard)]
        assert not strange

"""The model's answer: strict, without invented references, and never quoted in an error."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.drafting.answer import MOST_CONTENT, MOST_SENTENCES, MOST_TEXT, DraftIdentity, read_answer
from connector.errors import DraftUnusable
from connector.records import ChartEntry, Section, SectionState, Source, Stamp

IDENTITY = DraftIdentity(
    "d1", 2, "playback", Stamp("drafting/soap@1", datetime(2026, 11, 21, tzinfo=UTC), model="a-model")
)


@pytest.fixture
def read(soap, context, transcribe):
    transcript = transcribe(("clinician", "Any pain?"), ("patient", "No."))

    def reading(content: object):
        text = content if isinstance(content, str) else json.dumps(content)
        return read_answer(text, note_type=soap, transcript=transcript, context=context, identity=IDENTITY)

    return reading


def answer(*sentences: dict[str, object], section: str = "subjective") -> dict[str, object]:
    return {key: list(sentences) if key == section else [] for key in ("subjective", "objective", "assessment", "plan")}


def sentence(
    text: str = "Denies pain.", turns: tuple[str, ...] = ("t1", "t2"), chart: tuple[str, ...] = ()
) -> dict[str, object]:
    return {"text": text, "turns": list(turns), "chart": list(chart)}


def test_an_answer_becomes_a_draft_with_sections_codes_and_evidence(read) -> None:
    draft = read(answer(sentence(chart=("Condition/c1",))))
    assert (draft.draft_id, draft.revision, draft.note_type, draft.title, draft.origin) == (
        "d1",
        2,
        "soap",
        "Progress note",
        "playback",
    )
    assert [section.loinc for section in draft.sections] == ["61150-9", "61149-1", "51848-0", "18776-5"]
    (only,) = draft.sections[0].sentences
    assert (only.sentence_id, only.text, only.turn_ids, only.origin) == ("s1", "Denies pain.", ("t1", "t2"), "model")
    assert only.chart == (Source("Condition/c1", "5"),)
    assert draft.stamp.model == "a-model"


@pytest.mark.parametrize(
    ("cited", "kept"),
    [
        (("Condition/c1 v5",), (Source("Condition/c1", "5"),)),
        (("Condition/c1", "Condition/c1 v5"), (Source("Condition/c1", "5"),)),
        (("Condition/c1 v4",), ()),
        (("Goal/g1",), (Source("Goal/g1"),)),
        (("(no id)",), ()),
        (("Patient/p1",), ()),
    ],
)
def test_a_sentence_may_cite_whatever_entry_the_chart_text_labels(soap, context, transcribe, cited, kept) -> None:
    goals = (ChartEntry(Source("Goal/g1"), "Walk daily"), ChartEntry(Source("Goal/x | y"), "Swim"))
    draft = read_answer(
        json.dumps(answer(sentence(chart=cited))),
        note_type=soap,
        transcript=transcribe(("clinician", "Any pain?"), ("patient", "No.")),
        context=replace(context, goals=Section(SectionState.OK, goals)),
        identity=IDENTITY,
    )
    assert draft.sections[0].sentences[0].chart == kept


def test_sentence_ids_are_unique_over_the_whole_note(read) -> None:
    content = answer(sentence("One."), sentence("Two."))
    content["plan"] = [sentence("Three.")]
    ids = [one.sentence_id for section in read(content).sections for one in section.sentences]
    assert ids == ["s1", "s2", "s3"]


def test_references_that_do_not_exist_are_dropped_and_the_sentence_stays(read) -> None:
    draft = read(answer(sentence(turns=("t9", "t2", "t2"), chart=("Condition/zz", "Patient/p1", "Condition/c1"))))
    (only,) = draft.sections[0].sentences
    assert only.turn_ids == ("t2",)
    assert [source.reference for source in only.chart] == ["Condition/c1"]


def test_a_sentence_whose_evidence_is_all_invented_stays_without_any(read) -> None:
    (only,) = read(answer(sentence(turns=("t77",)))).sections[0].sentences
    assert (only.turn_ids, only.chart) == ((), ())


def test_hidden_characters_are_stripped_and_empty_sentences_left_out(read) -> None:
    draft = read(answer(sentence("\u202eDenies\u200b pain.\x07\n"), sentence("\u200b ")))
    assert [one.text for one in draft.sections[0].sentences] == ["Denies pain."]


SECRET = "Zebrafish"


@pytest.mark.parametrize(
    "content",
    [
        "",
        SECRET,
        f'{{"subjective": [{{"text": "{SECRET}',
        f'```json\n{{"subjective": "{SECRET}"}}\n```',
        json.dumps([SECRET]),
        json.dumps({"subjective": SECRET}),
        json.dumps({**answer(), SECRET: []}),
        json.dumps(answer({"text": SECRET, "turns": [], "chart": [], "note": SECRET})),
        json.dumps(answer({"text": 5, "turns": [], "chart": []})),
        '{"subjective": [], "subjective": [], "objective": [], "assessment": [], "plan": []}',
        '{"subjective": NaN}',
        "[" * 100_000,
        " " * (MOST_CONTENT + 1),
        json.dumps(answer()),
        json.dumps(answer(sentence(" "))),
        json.dumps(answer(sentence("x" * (MOST_TEXT + 1)))),
        json.dumps(answer(*[sentence(f"Sentence {n}.") for n in range(MOST_SENTENCES + 1)])),
        json.dumps(answer(*[sentence("y" * MOST_TEXT) for n in range(60)])),
    ],
)
def test_an_answer_that_cannot_be_used_says_so_without_quoting_it(read, content) -> None:
    with pytest.raises(DraftUnusable) as caught:
        read(content)
    assert "new draft or type the note" in caught.value.detail
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None

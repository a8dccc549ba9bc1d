"""The offline drafter on public mock visits it was not written for: ACI-Bench and PriMock57 (both CC BY 4.0)."""

import csv
import re
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from connector.drafting.schema import answer_schema
from tests.fixtures.shared_data import shared_data

INTERVAL = re.compile(r'xmin = ([\d.]+)\s+xmax = [\d.]+\s+text = "((?:[^"]|"")*)"')


def aci_bench() -> Iterator[list[tuple[str, str]]]:
    """Dialogues of the validation set as (role, text) turns."""
    with (shared_data() / "aci-bench" / "valid.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            turns = re.findall(r"^\[(\w+)\] ?(.*)$", row["dialogue"], re.MULTILINE)
            yield [("clinician" if role == "doctor" else role, text) for role, text in turns]


def primock57() -> Iterator[list[tuple[str, str]]]:
    """Consultations of the first day as (role, text) turns, in order of time."""
    for doctor in sorted((shared_data() / "primock57" / "transcripts").glob("day1_*_doctor.TextGrid")):
        patient = doctor.with_name(doctor.name.replace("_doctor", "_patient"))
        spoken = [
            (float(start), role, text.replace('""', '"'))
            for role, file in (("clinician", doctor), ("patient", patient))
            for start, text in INTERVAL.findall(file.read_text(encoding="utf-8"))
            if text.strip()
        ]
        yield [(role, text) for _, role, text in sorted(spoken)]


@pytest.fixture(scope="module")
def visits() -> list[list[tuple[str, str]]]:
    return [*aci_bench(), *primock57()]


@pytest.fixture(scope="module")
def answers(visits, draft):
    return [draft(*turns) for turns in visits]


def test_every_visit_gives_a_note_of_the_schema_in_which_every_sentence_has_evidence(answers, visits, soap) -> None:
    assert len(answers) == 35
    validator = Draft202012Validator(answer_schema(soap))
    for answer, turns in zip(answers, visits, strict=True):
        validator.validate(answer)
        ids = {f"t{n}" for n in range(1, len(turns) + 1)}
        sentences = [sentence for section in answer.values() for sentence in section]
        assert len(sentences) >= 8
        assert all(sentence["turns"] and set(sentence["turns"]) <= ids for sentence in sentences)


def test_most_visits_give_history_and_plan(answers) -> None:
    assert all(answer["subjective"] for answer in answers)
    assert sum(bool(answer["plan"]) for answer in answers) >= 0.9 * len(answers)


def test_notes_are_shorter_than_the_talk_and_seldom_quote_it(answers, visits) -> None:
    quoted = total = 0
    for answer, turns in zip(answers, visits, strict=True):
        texts = [sentence["text"] for section in answer.values() for sentence in section]
        assert len(" ".join(texts)) < len(" ".join(text for _, text in turns))
        quoted += sum('"' in text for text in texts)
        total += len(texts)
    assert quoted <= 0.1 * total

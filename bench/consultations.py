"""PriMock57: what a mock consultation speaks of, and the chart its note implies. In: a folder. Out: frozen values.

The chart holds what the doctor's note lists as known before: the line of drugs (DH, DHx), of past problems (PMH, PMHx)
and what the patient is allergic to. What the note concludes (Imp, Plan) is not in it.

A spoken drug is a word or phrase of either speaker that mappings/drugs know as generic, brand or other name, or that
ends as generic names do or is a common brand (`looks_like_drug`); a spoken condition is one that problem-names.yaml
holds on either side, or one of the everyday conditions of `connector.clinical.lexicon`. Each counts once.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.gold import fold
from bench.report import NotMeasured
from connector.clinical.lexicon import CONDITIONS, looks_like_drug
from connector.hints.rules import KeytermRules
from connector.records import Allergy, Medication, PatientContext, Problem, Section, SectionState, Source, Stamp

_LINE = {
    "drugs": re.compile(r"^\s*DHx?\s*:?\s+(.*)$", re.MULTILINE | re.IGNORECASE),
    "problems": re.compile(r"^\s*PMHx?\s*:\s*(.*)$", re.MULTILINE | re.IGNORECASE),
}
_ALLERGIC = re.compile(r"allerg(?:ic|y|ies)(?: to)?:?\s+(?:to )?([a-z]+)", re.IGNORECASE)
_NONE = re.compile(r"^(?:nil\b.*|none\b.*|otherwise nil|not on any.*|n/a|pt .*)$", re.IGNORECASE)
_AROUND = re.compile(r"\b(?:on|prn|otc|regular|otherwise|nil|daily|od|bd)\b|[?.()]", re.IGNORECASE)
_TEXT = re.compile(r'text = "(.*)"')
_MARK = re.compile(r"<[^>]*>")
_WORD = re.compile(r"[a-z0-9][a-z0-9'-]*")
_LONGEST = 5
_NO_NAMES = frozenset(("allergy", "disease", "disorder", "condition", "syndrome", "virus", "viral", "bacterial"))


@dataclass(frozen=True)
class Consultation:
    """One consultation: the chart before it, and what was spoken of, folded."""

    chart: PatientContext
    drugs: frozenset[str]
    conditions: frozenset[str]


def read_consultations(folder: Path, rules: KeytermRules, *, now: datetime) -> list[Consultation]:
    """All of data/primock57; raises NotMeasured where it is not there."""
    notes = sorted((folder / "notes").glob("*.json")) if folder.is_dir() else []
    if not notes:
        raise NotMeasured("PriMock57 is not there: set CONNECTOR_SHARED to the folder of shared data")
    return [_read(note, rules, now) for note in notes]


def _read(file: Path, rules: KeytermRules, now: datetime) -> Consultation:
    note = json.loads(file.read_text(encoding="utf-8"))["note"]
    tiers = sorted((file.parents[1] / "transcripts").glob(f"{file.stem}_*.TextGrid"))
    said = " ".join(text for tier in tiers for text in _TEXT.findall(tier.read_text(encoding="utf-8")))
    words = _WORD.findall(_MARK.sub(" ", said).casefold())
    runs = {" ".join(words[at : at + length]) for at in range(len(words)) for length in range(1, _LONGEST + 1)}
    drug_names, condition_names = _drug_names(rules), _condition_names(rules)
    drugs = frozenset(fold(run) for run in runs if run in drug_names or (" " not in run and looks_like_drug(run)))
    conditions = frozenset(fold(run) for run in runs if run in condition_names) - drugs
    return Consultation(_chart_of(note, now), drugs, conditions)


def _drug_names(rules: KeytermRules) -> frozenset[str]:
    book = rules.drugs
    tables = (*book.instead.items(), *book.also.items())
    names = [name for group in book.classes for name in book.names_in(group)]
    names += [one for charted, said in tables for one in (charted, *said)]
    return frozenset(name.casefold() for name in names)


def _condition_names(rules: KeytermRules) -> frozenset[str]:
    names = [one for charted, said in rules.problems.problems.items() for one in (charted, *said)]
    return frozenset(name.casefold() for name in (*names, *CONDITIONS)) - _NO_NAMES


def _chart_of(note: str, now: datetime) -> PatientContext:
    nothing: Section[Any] = Section(SectionState.EMPTY)
    drugs = [
        Medication(Source(f"MedicationRequest/{n}"), one, "active") for n, one in enumerate(_listed(note, "drugs"))
    ]
    problems = [Problem(Source(f"Condition/{n}"), one) for n, one in enumerate(_listed(note, "problems"))]
    allergies = [Allergy(Source(f"AllergyIntolerance/{n}"), one) for n, one in enumerate(_ALLERGIC.findall(note))]
    return PatientContext(
        patient=nothing,
        encounter=nothing,
        medications=_section(drugs),
        allergies=_section(allergies),
        problems=_section(problems),
        vitals=nothing,
        labs=nothing,
        stamp=Stamp("bench@1", now),
    )


def _section(items: Iterable[Any]) -> Section[Any]:
    return Section(SectionState.OK, tuple(items))


def _listed(note: str, kind: str) -> list[str]:
    """The names of a line of the note: `metformin, lisinopril , aspirin,` and `Type 2 diabetes, HTN`."""
    names = [part for line in _LINE[kind].findall(note) for part in re.split(r"[,;]| and ", line)]
    plain = [" ".join(_AROUND.sub(" ", name).split()) for name in names if not _NONE.match(name.strip())]
    return [name for name in plain if name]

"""Keyterms beside gold lists of 20 charts, beside what PriMock57 consultations speak of, and how fast they are derived.

In: how often. Out: recall, precision, milliseconds of processor time. `growth`: 4,000 resources over 1,000. The
timed charts hold that many drugs, allergies, problems, orders and procedures: those of the 20 charts over and over.
PriMock57 (bench/consultations.py says how a spoken name is found) has British names and 25 consultations: no target.
"""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.charts import Bundled
from bench.consultations import Consultation, read_consultations
from bench.gold import ROOT, Judgement, fold, gold_lists, judge, unjudged
from bench.report import NotMeasured, Report, say
from connector.app import load_keyterm_rules
from connector.hints.candidates import HintSetting
from connector.hints.keyterms import derive_hints
from connector.hints.rules import KeytermRules
from connector.records import PatientContext, Section, SectionState, Source, SpeechHints

REPETITIONS = 15
TARGETS = {
    "recall_drugs": ">= 1.0",
    "recall_allergens": ">= 1.0",
    "recall_problems_top100": ">= 0.95",
    "precision": ">= 0.98",
    "ms_per_1000_resources": "<= 10.0",
    "growth": "<= 4.8",
}
_NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_MODEL = "universal-3-5-pro"
_SHARES = {"medications": 0.35, "allergies": 0.1, "problems": 0.35, "orders": 0.1, "procedures": 0.1}


def run(repetitions: int) -> Report:
    """The figures of one run."""
    rules = load_keyterm_rules()
    contexts = {name: Bundled.load(ROOT / gold["file"]).read(now=_NOW) for name, gold in gold_lists().items()}
    figures = {**_against_gold(contexts, rules), **_in_consultations(rules), **_timed(contexts, rules, repetitions)}
    return Report("hints", figures, TARGETS)


def hints_of(context: PatientContext, rules: KeytermRules) -> SpeechHints:
    """The keyterms of a chart for the model the product asks for first."""
    setting = HintSetting(rules.mapping.limits_for("prerecorded", _MODEL), f"prerecorded/{_MODEL}", note_type="soap")
    return derive_hints(context, rules, setting=setting, now=_NOW)


def _against_gold(contexts: dict[str, PatientContext], rules: KeytermRules) -> dict[str, float]:
    lists = gold_lists()
    if len(lists) < 20:
        raise NotMeasured(f"there are {len(lists)} gold lists, not 20")
    hints = {name: hints_of(context, rules) for name, context in contexts.items()}
    judged = {name: judge(hints[name], gold) for name, gold in lists.items()}
    for name, one in judged.items():
        if any(one.missed.values()) or one.wrong:
            say(f"{name}: missed { ({g: m for g, m in one.missed.items() if m}) }, wrong {one.wrong}")
    terms = sum(one.judged for one in judged.values())
    wrong = sum(len(one.wrong) for one in judged.values())
    return {
        "recall_drugs": _recall(judged, "drugs"),
        "recall_allergens": _recall(judged, "allergens"),
        "recall_problems_top100": _recall(judged, "problems"),
        "precision": (terms - wrong) / terms,
        "gold_charts": len(lists),
        "gold_names": sum(sum(one.asked.values()) for one in judged.values()),
        "chart_terms": terms,
        "chart_terms_not_judged": sum(len(unjudged(one)) for one in hints.values()),
    }


def _recall(judged: dict[str, Judgement], group: str) -> float:
    asked = sum(one.asked[group] for one in judged.values())
    if not asked:
        raise NotMeasured(f"the gold lists hold no {group}")
    return 1 - sum(len(one.missed[group]) for one in judged.values()) / asked


def _in_consultations(rules: KeytermRules) -> dict[str, float]:
    shared = Path(os.environ.get("CONNECTOR_SHARED", ROOT.parent / "shared"))
    consultations = read_consultations(shared / "data" / "primock57", rules, now=_NOW)
    drugs = [_heard(one, one.drugs, rules) for one in consultations]
    conditions = [_heard(one, one.conditions, rules) for one in consultations]
    return {
        "primock_drug_recall": _share(drugs),
        "primock_condition_recall": _share(conditions),
        "primock_consultations": len(consultations),
        "primock_drugs_spoken": sum(spoken for _, spoken in drugs),
        "primock_conditions_spoken": sum(spoken for _, spoken in conditions),
    }


def _heard(consultation: Consultation, spoken: frozenset[str], rules: KeytermRules) -> tuple[int, int]:
    """How many of the names spoken are among the keyterms, whole or as whole words of one; and how many there are."""
    terms = [f" {fold(one.text)} " for one in hints_of(consultation.chart, rules).keyterms]
    found = [name for name in spoken if any(f" {name} " in term for term in terms)]
    return len(found), len(spoken)


def _share(counts: list[tuple[int, int]]) -> float:
    spoken = sum(one for _, one in counts)
    if not spoken:
        raise NotMeasured("nothing is spoken of in the consultations")
    return sum(found for found, _ in counts) / spoken


def _timed(contexts: dict[str, PatientContext], rules: KeytermRules, repetitions: int) -> dict[str, float]:
    small, large = (_grown(contexts, resources) for resources in (1000, 4000))
    for context in (small, large):
        hints_of(context, rules)
    pairs = [(_milliseconds(small, rules), _milliseconds(large, rules)) for _ in range(repetitions)]
    one, four = (median(times) for times in zip(*pairs, strict=True))
    say(f"1,000 resources {one:.1f} ms, 4,000 {four:.1f} ms")
    return {"ms_per_1000_resources": one, "ms_per_4000_resources": four, "growth": four / one}


def _milliseconds(context: PatientContext, rules: KeytermRules) -> float:
    """Of processor time: what else the machine does is no part of it."""
    started = time.process_time()
    hints_of(context, rules)
    return (time.process_time() - started) * 1000


def _grown(contexts: dict[str, PatientContext], resources: int) -> PatientContext:
    """The charts' entries over and over, each copy a resource of its own."""
    base = next(iter(contexts.values()))
    sections: dict[str, Section[Any]] = {}
    for name, share in _SHARES.items():
        source = "procedures" if name == "orders" else name
        entries = [item for context in contexts.values() for item in getattr(context, source).items]
        grown = [_copy(entries[n % len(entries)], n) for n in range(round(resources * share))]
        sections[name] = Section(SectionState.OK, tuple(grown))
    return replace(base, **sections)


def _copy(item: Any, number: int) -> Any:
    kind = item.source.reference.partition("/")[0]
    return replace(item, source=Source(f"{kind}/{number}", "1"))

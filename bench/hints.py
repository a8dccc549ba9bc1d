"""Keyterms beside gold lists of 20 charts, beside what PriMock57 consultations speak of, and how fast they are derived.

In: how often. Out: recall, precision, milliseconds of processor time. `growth`: 4,000 resources over 1,000. A timed
chart is mixed as the 20 charts are on the whole, a third of it names, and holds no name twice (bench/grown.py);
What the product keeps of coded names it has met (hints/rules.py) helps with the 20 charts' own names, as in a process
that has seen patients before; `ms_per_1000_unseen` is the same chart with no name that was ever met, and
`ms_per_1000_names` one of nothing but 1,000 differently named drugs, problems, allergies, orders, procedures.
PriMock57 (bench/consultations.py says how a spoken name is found) has British names and 25 consultations: no target.
"""

import gc
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.charts import Bundled
from bench.consultations import Consultation, read_consultations
from bench.gold import ROOT, Judgement, fold, gold_lists, judge, unjudged
from bench.grown import Pattern
from bench.report import NotMeasured, Report, say
from connector.app import load_keyterm_rules
from connector.hints.candidates import HintSetting
from connector.hints.keyterms import derive_hints
from connector.hints.rules import KeytermRules
from connector.records import PatientContext, SpeechHints

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
_SECTIONS = ("medications", "allergies", "problems", "procedures", "immunizations", "vitals", "labs")
_NAMES_ONLY = {"medications": 0.35, "allergies": 0.1, "problems": 0.35, "orders": 0.1, "procedures": 0.1}


def run(repetitions: int) -> Report:
    """The figures of one run."""
    rules = load_keyterm_rules()
    charts = {name: Bundled.load(ROOT / gold["file"]) for name, gold in gold_lists().items()}
    contexts = {name: chart.read(now=_NOW) for name, chart in charts.items()}
    timed = _timed(charts, contexts, rules, repetitions)
    figures = {**_against_gold(contexts, rules), **_in_consultations(rules), **timed}
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


def _timed(
    charts: Mapping[str, Bundled],
    contexts: dict[str, PatientContext],
    rules: KeytermRules,
    repetitions: int,
) -> dict[str, float]:
    """Medians over charts of which no two hold the same new name; `unseen` ones share no name at all."""
    mixed = Pattern.of(contexts, _shares(charts, contexts))
    named = Pattern.of(contexts, _NAMES_ONLY)
    hints_of(mixed.grow(1000, turn=1), rules)
    measured = ("ms_per_1000_resources", "ms_per_4000_resources", "ms_per_1000_unseen", "ms_per_1000_names")
    times: dict[str, list[float]] = {name: [] for name in measured}
    for turn in range(2, repetitions + 2):
        times["ms_per_1000_resources"].append(_milliseconds(mixed.grow(1000, turn=turn), rules))
        times["ms_per_4000_resources"].append(_milliseconds(mixed.grow(4000, turn=turn), rules))
        unseen = mixed.grow(1000, turn=turn + repetitions, unseen=True)
        times["ms_per_1000_unseen"].append(_milliseconds(unseen, rules))
        times["ms_per_1000_names"].append(_milliseconds(named.grow(1000, turn=turn), rules))
    figures = {name: round(median(taken), 2) for name, taken in times.items()}
    say(", ".join(f"{name} {taken}" for name, taken in figures.items()))
    return {**figures, "growth": round(figures["ms_per_4000_resources"] / figures["ms_per_1000_resources"], 3)}


def _shares(charts: Mapping[str, Bundled], contexts: Mapping[str, PatientContext]) -> dict[str, float]:
    """How many resources of the charts are entries of each section; the others bring no keyterm and take no time."""
    resources = sum(len(chart.resources) for chart in charts.values())
    counts = {name: sum(len(getattr(one, name).items) for one in contexts.values()) for name in _SECTIONS}
    return {name: count / resources for name, count in counts.items()}


def _milliseconds(context: PatientContext, rules: KeytermRules) -> float:
    """Of processor time: what else the machine does is no part of it, nor is the garbage of the benchmark itself."""
    gc.collect()
    started = time.process_time()
    hints_of(context, rules)
    return (time.process_time() - started) * 1000

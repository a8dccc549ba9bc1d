"""Whether the question before a draft is asked of the right visits, and how rarely of the others. Needs no server.

Right: the bundled visits with their patients, PriMock57 with the chart its note implies, ACI-Bench dialogues without a
chart. Wrong: every bundled visit with every other bundled chart, and every PriMock57 consultation with every bundled
chart and with every other PriMock57 chart. Those hold no name and few drugs: most wrong pairs of them cannot be told.
"""

import os
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from connector_sandbox.hapi import PATIENTS
from connector_sandbox.recordings import load_recordings

from bench.charts import Bundled
from bench.consultations import read_consultations
from bench.dialogues import read_aci, read_bundled, read_primock
from bench.gold import ROOT
from bench.report import NotMeasured, Report, say
from connector.app import load_rules
from connector.records import Doubt, PatientContext, Section, SectionState, Stamp, Transcript
from connector.transcript.doubts import Expected, find_doubts
from connector.visit.parts import Rules

REPETITIONS = 1
TARGETS = {"asked_although_right": "<= 0.05", "bundled_wrong_caught": ">= 0.9"}
_NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

Pair = tuple[Transcript, PatientContext]


def run(repetitions: int) -> Report:
    """The figures; one run is like the next."""
    del repetitions
    rules = load_rules()
    data = Path(os.environ.get("CONNECTOR_SHARED", ROOT.parent / "shared")) / "data"
    charts = {file.stem: Bundled.load(file).read(now=_NOW) for file in sorted(PATIENTS.glob("*.json"))}
    bundled = {one.patient_bundle.removesuffix(".json"): read_bundled(one, now=_NOW) for one in load_recordings()}
    mock = _read_mock(data / "primock57", rules)
    dialogues = [one for file in ("train", "valid") for one in _read_aci(data / "aci-bench" / f"{file}.csv")]
    right = {
        "bundled": [(said, charts[name]) for name, said in bundled.items()],
        "primock57": mock,
        "aci_bench": [(said, _no_chart()) for said in dialogues],
    }
    wrong = {
        "bundled": [
            (said, chart) for name, said in bundled.items() for other, chart in charts.items() if other != name
        ],
        "primock57_bundled": [(said, chart) for (said, _), chart in product(mock, charts.values())],
        "primock57": [(said, chart) for (said, own), (_, chart) in product(mock, mock) if own is not chart],
    }
    asked = {name: _share(name, pairs, rules) for name, pairs in right.items()}
    caught = {name: _share(f"wrong {name}", pairs, rules) for name, pairs in wrong.items()}
    every = [pair for pairs in right.values() for pair in pairs]
    figures = {
        "asked_although_right": sum(asked[name] * len(right[name]) for name in right) / len(every),
        "right_pairs": len(every),
        **{f"{name}_asked": share for name, share in asked.items()},
        **{f"{name}_wrong_caught": share for name, share in caught.items()},
        **{f"{name}_wrong_pairs": len(pairs) for name, pairs in wrong.items()},
    }
    return Report("doubts", figures, TARGETS)


def _share(name: str, pairs: Iterable[Pair], rules: Rules) -> float:
    kinds: Counter[str] = Counter()
    asked = total = 0
    for said, chart in pairs:
        doubts = doubts_of(said, chart, rules)
        kinds.update({one.kind for one in doubts})
        asked, total = asked + bool(doubts), total + 1
        if doubts and not name.startswith("wrong"):
            say(f"{name} {said.transcript_id}: {'; '.join(one.text for one in doubts)}")
    say(f"{name}: {asked} of {total} asked about, {dict(kinds)}")
    return asked / total if total else 0.0


def doubts_of(said: Transcript, chart: PatientContext, rules: Rules) -> tuple[Doubt, ...]:
    """The doubts of one pair, by the rules that are shipped."""
    expected = Expected("en", said.duration_ms)
    return find_doubts(said, chart, expected=expected, rules=rules.speech, book=rules.keyterms.drugs)


def _read_mock(folder: Path, rules: Rules) -> list[Pair]:
    consultations = read_consultations(folder, rules.keyterms, now=_NOW)
    stems = sorted(file.stem for file in (folder / "notes").glob("*.json"))
    return [(read_primock(stem, folder, now=_NOW), one.chart) for stem, one in zip(stems, consultations, strict=True)]


def _read_aci(file: Path) -> list[Transcript]:
    if not file.is_file():
        raise NotMeasured("ACI-Bench is not there: set CONNECTOR_SHARED to the folder of shared data")
    return read_aci(file, now=_NOW)


def _no_chart() -> PatientContext:
    nothing = [Section(SectionState.FAILED) for _ in range(7)]
    return PatientContext(*nothing, stamp=Stamp("bench@1", _NOW))

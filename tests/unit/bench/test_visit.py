"""The figures of the benchmark: medians, totals, one pair for each stage."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from connector_sandbox.recordings import load_recording

from bench.__main__ import BENCHMARKS
from bench.journals import STAGES
from bench.visit import Sample, summarise
from tests.house.tree import ROOT


def _sample(seconds: float, requests: int) -> Sample:
    return Sample(dict.fromkeys(STAGES, seconds), Counter(dict.fromkeys(STAGES, requests)), polls=7)


def test_figures_are_medians_and_the_first_visit_tells_of_a_fresh_start() -> None:
    report = summarise(
        [_sample(3.0, 5), _sample(1.0, 2), _sample(2.0, 2)], started=10.0, recording=load_recording("billie")
    )
    figures = report.figures
    assert figures["seconds_total"] == 20.0
    assert figures["requests_total"] == 20
    assert figures["polls_total"] == 7
    assert figures["start_to_filed_seconds"] == 10.0 + 9 * 3.0, "without the vendor's deletion, which comes after"
    assert figures["visits"] == 3
    for stage in STAGES:
        assert (figures[f"{stage}_seconds"], figures[f"{stage}_requests"]) == (2.0, 2)


def test_the_report_is_the_promised_object() -> None:
    report = summarise([_sample(1.0, 1)], started=70.0, recording=load_recording("billie"))
    body = json.loads(report.as_line())
    assert set(body) == {"name", "figures", "targets", "short"}
    assert body["name"] == "visit"
    assert set(body["targets"]) <= set(body["figures"])
    assert body["short"] == ["start_to_filed_seconds"]


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60.0, check=False)


def test_without_a_name_the_benchmarks_are_listed() -> None:
    done = _bench()
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(BENCHMARKS)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    done = _bench("nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(name in done.stderr for name in BENCHMARKS)

"""The one line a benchmark prints: it names what falls short, and nothing that was not measured."""

from __future__ import annotations

import json

import pytest

from bench.report import NotMeasured, Report

TARGETS = {"ratio": "<= 1.25", "share": ">= 0.9", "requests": "== 1"}


@pytest.mark.parametrize(
    ("figures", "short"),
    [
        ({"ratio": 1.25, "share": 0.9, "requests": 1}, []),
        ({"ratio": 1.26, "share": 0.9, "requests": 1}, ["ratio"]),
        ({"ratio": 1.25, "share": 0.89, "requests": 1}, ["share"]),
        ({"ratio": 1.25, "share": 0.9, "requests": 0}, ["requests"]),
        ({"ratio": 2, "share": 0, "requests": 2}, ["ratio", "share", "requests"]),
        ({"ratio": float("nan"), "share": 1, "requests": 1}, ["ratio"]),
    ],
)
def test_short_names_the_figures_that_miss_their_targets(figures: dict[str, float], short: list[str]) -> None:
    assert Report("x", figures, TARGETS).short == short


def test_the_line_is_one_object_of_four_names() -> None:
    line = Report("x", {"ratio": 2.0, "launches": 15}, {"ratio": "<= 1.25"}).as_line()
    assert "\n" not in line
    assert json.loads(line) == {
        "name": "x",
        "figures": {"ratio": 2.0, "launches": 15},
        "targets": {"ratio": "<= 1.25"},
        "short": ["ratio"],
    }


def test_a_target_without_its_figure_is_no_measurement() -> None:
    with pytest.raises(NotMeasured, match="ratio"):
        Report("x", {}, {"ratio": "<= 1.25"})


@pytest.mark.parametrize("target", ["1.25", "< 1.25", "<=1.25", "<= much"])
def test_a_bound_that_cannot_be_read_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match=r"bound|convert"):
        Report("x", {"ratio": 1.0}, {"ratio": target})

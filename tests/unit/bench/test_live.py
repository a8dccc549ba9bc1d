"""`make live` by itself: who may run it, what it compares, what README says of it; and a run against the sandbox."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from connector_sandbox.recordings import load_recording

from bench import live
from bench.live_reading import compare_drugs, find_findings, list_unknown_fields, scripted
from tests.fixtures.assemblyai import assemblyai_base
from tests.house.tree import ROOT

__all__ = ["assemblyai_base"]


def test_without_a_key_it_says_one_clear_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert live.main({}) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.strip() == live.NO_KEY
    assert "CONNECTOR_ASSEMBLYAI_API_KEY" in live.NO_KEY


def test_it_never_runs_in_ci_key_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert live.main({"CI": "true", live.KEY: "a-key"}) == 2
    assert capsys.readouterr().err.strip() == live.IN_CI
    assert "export CI=true" in (ROOT / ".ci/run").read_text("utf-8")
    rules = re.split(r"\n(?=[a-z]+:)", (ROOT / "Makefile").read_text("utf-8"))
    assert [rule.partition(":")[0] for rule in rules if "bench.live" in rule] == ["live"]


def test_readme_says_when_it_was_last_run_or_that_it_never_was() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    last = re.findall(r"^Last run: (.*)\.$", readme, re.MULTILINE)
    assert len(last) == 1
    assert re.fullmatch(r"never run against the vendor|\d{4}-\d{2}-\d{2}", last[0])


def test_drugs_that_were_missed_and_drugs_that_were_invented_are_told_apart() -> None:
    said = scripted(load_recording("edmundo"))
    turns = tuple(
        replace(turn, text=turn.text.replace("metoprolol", "metformin").replace("Metoprolol", "Metformin"))
        for turn in said.turns
    )
    drugs = compare_drugs(said, replace(said, turns=turns))
    assert "metoprolol" in drugs.said
    assert drugs.missed == {"metoprolol"}
    assert drugs.invented == {"metformin"}
    assert not compare_drugs(said, said).missed
    assert find_findings(said) == []


def test_fields_the_sandbox_does_not_know_are_found_at_every_depth() -> None:
    known = {"id": "x", "words": [{"text": "a"}, {"start": 1}], "metadata": {"warnings": []}, "entities": None}
    answer = {
        "id": "y",
        "words": [{"text": "b", "start": 2, "loudness": 3}],
        "metadata": {"warnings": [{"message": "m"}], "region": "us"},
        "entities": [{"text": "t"}],
        "mood": "calm",
    }
    assert list_unknown_fields(answer, known) == [
        "entities[].text",
        "metadata.region",
        "metadata.warnings[].message",
        "mood",
        "words[].loudness",
    ]
    assert list_unknown_fields(known, known) == []


def test_a_run_transcribes_twice_deletes_and_reads_back(
    assemblyai_base: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert live.main({live.KEY: "a-key", live.BASE: assemblyai_base}) == 0
    told = capsys.readouterr()
    without, with_terms = (json.loads(line) for line in told.out.splitlines())
    assert without["keyterms"] == 0
    assert with_terms["keyterms"] == with_terms["drugs_said"] > 3
    assert without["missed"] == without["invented"] == without["unknown_fields"] == []
    assert without["gone"] is with_terms["gone"] is True
    assert "cost of 92 s: model 0.0054 $" in told.err
    assert "gone, read back" in told.err

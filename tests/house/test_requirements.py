"""Every client requirement of SMART App Launch 2.2.0 has an answer: a test that exists, or why it does not apply.

And every security case of launch, tokens, files, parsers, access and leakage has a test named after it.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.shared_data import shared_data
from tests.house.tree import ROOT, parse, python_files

SHEET = ROOT / "tests" / "smart" / "requirements.yaml"
WORDS = {"SHALL": 115, "SHALL NOT": 6, "SHOULD": 25, "SHOULD NOT": 3, "MAY": 15, "DEPRECATED": 9}
LOOSE = {"SHOULD", "SHOULD NOT", "MAY"}
ANSWERS = {"tests", "not_applicable", "not_tested"}


class _Once(yaml.SafeLoader):
    """Refuses an id that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As the parent, with every key once."""
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(set(names)) == len(names), f"twice in line {node.start_mark.line + 1} and after"
        return super().construct_mapping(node, deep)


def read_sheet(text: str) -> dict[int, dict[str, Any]]:
    """The answers by id."""
    found: dict[int, dict[str, Any]] = yaml.load(text, _Once)
    return found


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests of one file, `Class::test` for a method; empty where there is no such file."""
    if Path(path) not in python_files("tests"):
        return frozenset()
    return frozenset(_names(parse(Path(path)).body, ""))


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield from _names(node.body, f"{prefix}{node.name}::")


def find_faults(sheet: dict[int, dict[str, Any]]) -> list[str]:
    """What is wrong with the sheet by itself and against the tests of this tree."""
    faults = []
    for number, entry in sheet.items():
        given = ANSWERS & set(entry)
        if set(entry) - ANSWERS - {"conformance"}:
            faults.append(f"{number}: unknown key")
        if len(given) != 1:
            faults.append(f"{number}: exactly one answer is needed")
            continue
        (answer,) = given
        if not entry[answer]:
            faults.append(f"{number}: {answer} is empty")
        elif answer == "tests":
            for node in entry[answer]:
                path, _, name = node.partition("::")
                if name not in names_in(path):
                    faults.append(f"{number}: no such test: {node}")
        elif answer == "not_tested" and entry.get("conformance") not in LOOSE:
            faults.append(f"{number}: {entry.get('conformance')} needs a test or a reason why it does not apply")
        elif not isinstance(entry[answer], str) or not entry[answer].endswith("."):
            faults.append(f"{number}: {answer} is one sentence")
    return faults


def compare(sheet: dict[int, dict[str, Any]], standard: dict[int, str]) -> list[str]:
    """Where ids or conformance words of the sheet are not those of the standard."""
    ours = {number: entry.get("conformance") for number, entry in sheet.items()}
    return [
        f"{number}: {ours.get(number, 'no answer')}, in the standard {standard.get(number, 'no such id')}"
        for number in sorted(ours.keys() | standard.keys())
        if ours.get(number) != standard.get(number)
    ]


def read_standard(text: str) -> dict[int, str]:
    """Conformance words by id."""
    rows = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True))
    return {int(row["ID"]): row["Conformance"].strip() for row in rows}


SHEET_AS_IT_IS = SHEET.read_text(encoding="utf-8")


def test_every_requirement_has_an_answer_that_holds() -> None:
    assert find_faults(read_sheet(SHEET_AS_IT_IS)) == []


def test_the_sheet_has_every_requirement_with_its_word() -> None:
    """Against the standard's numbers."""
    sheet = read_sheet(SHEET_AS_IT_IS)
    words = [entry["conformance"] for entry in sheet.values()]
    assert {word: words.count(word) for word in WORDS} == WORDS
    assert len(sheet) == sum(WORDS.values()) == 173


def test_every_word_of_the_sheet_is_the_standards_own() -> None:
    standard = (shared_data() / "smart" / "client-requirements-2.2.0.csv").read_text(encoding="utf-8")
    assert compare(read_sheet(SHEET_AS_IT_IS), read_standard(standard)) == []


HOUSE = "tests/house/test_requirements.py::test_every_requirement_has_an_answer_that_holds"
FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "no answer": ({"conformance": "SHALL"}, "exactly one"),
    "two answers": ({"conformance": "MAY", "tests": [HOUSE], "not_applicable": "It is not."}, "exactly one"),
    "no such file": ({"conformance": "SHALL", "tests": ["tests/smart/test_none.py::test_x"]}, "no such test"),
    "no such test": ({"conformance": "SHALL", "tests": [HOUSE + "_not"]}, "no such test"),
    "a file alone": ({"conformance": "SHALL", "tests": [HOUSE.partition("::")[0]]}, "no such test"),
    "no test at all": ({"conformance": "SHALL", "tests": []}, "is empty"),
    "a SHALL left out": ({"conformance": "SHALL", "not_tested": "Too hard."}, "needs a test"),
    "a SHALL NOT left out": ({"conformance": "SHALL NOT", "not_tested": "Too hard."}, "needs a test"),
    "no reason": ({"conformance": "SHALL", "not_applicable": ""}, "is empty"),
    "a reason of one word": ({"conformance": "SHALL", "not_applicable": "no"}, "one sentence"),
    "another key": ({"conformance": "SHALL", "tests": [HOUSE], "text": "x"}, "unknown key"),
}


@pytest.mark.parametrize(("entry", "fault"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_answer_is_found(entry: dict[str, Any], fault: str) -> None:
    (found,) = find_faults({1: entry})
    assert fault in found


def test_a_good_answer_is_none() -> None:
    assert find_faults({1: {"conformance": "SHALL", "tests": [HOUSE]}}) == []
    assert find_faults({1: {"conformance": "MAY", "not_tested": "Nobody asked for it yet."}}) == []


def test_what_differs_from_the_standard_is_found() -> None:
    sheet = {1: {"conformance": "SHALL"}, 2: {"conformance": "MAY"}, 4: {"conformance": "MAY"}}
    found = compare(sheet, read_standard('\ufeffID,Requirement,Conformance\n1,"a\nb",SHALL\n2,c,SHALL\n3,d,SHOULD\n'))
    assert [one.partition(":")[0] for one in found] == ["2", "3", "4"]


def test_an_id_that_stands_twice_is_found() -> None:
    with pytest.raises(AssertionError, match="twice"):
        read_sheet("1: {conformance: MAY}\n1: {conformance: SHALL}\n")


# A1 to A30 (launch and tokens), B1 to B16 (addresses, files, parsers), D1 to D12 (access, web, leakage), and of
# C (webhooks) and G (vendors) what a recorded visit meets.
_LAST = {"a": 30, "b": 16, "d": 12}
CASES = {f"{letter}{number:02}" for letter, last in _LAST.items() for number in range(1, last + 1)} | {
    *("c01", "c02", "c03", "c04", "c05", "c06", "c08", "c10"),
    *("g13", "g14", "g16", "g17"),
}
# What the sources ask of AssemblyAI for a recorded visit: each seen on the wire, and its effect in the result.
ROWS = {f"row_{number}" for number in (1, 2, 3, 4, 5, 6, 8, 9)}


def find_missing_cases(names: set[str], cases: set[str] = CASES) -> list[str]:
    """The security cases, or rows, no test is named after."""
    found = {match[1] for name in names if (match := re.match(r"test_([abcdg]\d\d|row_\d)_", name))}
    return sorted(cases - found)


def test_every_security_case_has_a_test_named_after_it() -> None:
    names = {name.rpartition("::")[2] for path in python_files("tests") for name in names_in(str(path))}
    assert find_missing_cases(names) == []
    assert find_missing_cases(names, ROWS) == []


def test_a_security_case_without_a_test_is_found() -> None:
    names = {f"test_{case}_holds" for case in CASES} - {"test_a07_holds", "test_b16_holds", "test_d12_holds"}
    found = find_missing_cases({*names, "test_a7_is_not_its_name", "test_a071_neither", "a_d12_"})
    assert found == ["a07", "b16", "d12"]
    assert find_missing_cases({"test_row_1_x", "test_row_12_y"}, {"row_1", "row_2"}) == ["row_2"]

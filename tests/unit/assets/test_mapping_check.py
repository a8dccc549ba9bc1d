"""Mappings and prompts before a start: every mistake with its line, all at once, and no pass for what would not load.

The property at the end is the promise: whatever the stages refuse is found, and what is found clean loads.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.assets.catalogue import list_templates, load_template, read_mapping
from connector.assets.mapping_check import check_prompt, load_schema
from connector.errors import Misconfigured
from connector.proofreading import _STAGES, _mapping_names, kind_of, proofread_mapping

NAMES = _mapping_names()
USER = ("title", "visit", "chart", "transcript")


def told(name: str, text: str) -> list[str]:
    return [str(problem) for problem in proofread_mapping(name, text)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shipped_has_no_mistake_and_a_schema(name: str) -> None:
    assert told(name, read_mapping(name)) == []
    assert load_schema(kind_of(name))["title"]


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = (
        "version: one\n"
        "wordngs:\n"
        "  id: x\n"
        "jurisdictions:\n"
        "  all-party: {title: All, rule: all-party, methods: verbal}\n"
        "wordings:\n"
        "  en-1: {text: ''}\n"
        "version: 2\n"
    )  # fmt: skip
    assert told("consent.yaml", text) == [
        "mappings/consent.yaml:2: wordngs: unknown key; is wordings meant?.",
        "mappings/consent.yaml:5: jurisdictions.all-party.methods: must be a list.",
        "mappings/consent.yaml:5: jurisdictions.all-party.wording: missing.",
        "mappings/consent.yaml:7: wordings.en-1.text: must be a text.",
        "mappings/consent.yaml:8: version: stands twice.",
    ]


MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "misspelt key": ("context.yaml", "at_once: 4", "at_ones: 4", "at_ones: unknown key; is at_once meant?"),
    "number as text": ("context.yaml", "medication_reads: 20", "medication_reads: twenty", "must be a whole number"),
    "below the least": ("context.yaml", "at_once: 4", "at_once: 0", "must be 1 or more"),
    "no type": ("context.yaml", "resource: Condition", "resource: Condition/1", "must be a FHIR resource type"),
    "optional without parameter": (
        "context.yaml", "optional: [_include, _count]", "optional: [_includes]", "is not among the parameters",
    ),
    "flag as text": ("context.yaml", "newest_first: true", 'newest_first: "yes"', "must be true or false"),
    "a vendor's search unknown": ("ehr/epic.yaml", "statements: skip", "statement: skip", "is statements meant?"),
    "a search that is not skipped": ("ehr/epic.yaml", "statements: skip", "statements: none", "must be skip"),
    "days as text": ("context.yaml", "since: {date: 365}", "since: {date: year}", "must be a whole number"),
    "code unquoted": ("context.yaml", '- "716186003"', "- 716186003", "in quotes if it looks like a number"),
    "kind left out": ("keyterms.yaml", "  drug: 100\n", "", "weights.drug: missing"),
    "kind unknown": ("keyterms.yaml", "  allergen: 90", "  alergen: 90", "alergen: unknown key; is allergen meant?"),
    "limit of nothing": ("keyterms.yaml", "universal-2: {terms: 200,", "universal-2: {terms: ,", "a whole number"),
    "three that sound alike": ("drugs/sound-alikes.yaml", "[atenolol, timolol]", "[atenolol, timolol, x]", "too long"),
    "a category without codes": ("sensitive.yaml", "    codes: [B20,", "    coeds: [B20,", "is codes meant?"),
    "a code with a wrong digit": ("note-types.yaml", "loinc: 11506-3", "loinc: 11506-4", "is no LOINC code"),
    "a section twice": ("note-types.yaml", "key: plan", "key: assessment", "'assessment' stands twice"),
    "a key in capitals": ("note-types.yaml", "prompt: soap", "prompt: SOAP", "must be lower-case letters"),
    "a format first that is not signed": (
        "ehr/generic.yaml", "[text/plain, application/xhtml+xml]", "[application/xhtml+xml]", "must be text/plain",
    ),
    "a rule nobody has": ("consent.yaml", "rule: one-party", "rule: two-party", "must be one of one-party, all-party"),
    "a wording nobody wrote": (
        "consent.yaml", "    wording: en-3\n    methods: [verbal, written]\n    source: Section 201",
        "    wording: en-4\n    methods: [verbal, written]\n    source: Section 201", "must be one of the wordings",
    ),
    "a default that is softer": (
        "consent.yaml", "    title: Everybody in the room has to agree\n    rule: all-party",
        "    title: Everybody in the room has to agree\n    rule: one-party", "must be all-party",
    ),
    "no final": ("ehr/generic.yaml", "doc_status: [final]", "doc_status: [amended]", "must hold final"),
    "a format unknown": ("ehr/generic.yaml", "application/xhtml+xml]", "application/rtf]", "must be one of"),
    "no YAML": ("ehr/generic.yaml", "doc_status: [final]", "doc_status: [final", "expected"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_where_it_stands(name: str, old: str, new: str, reason: str) -> None:
    text = read_mapping(name)
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    problems = proofread_mapping(name, text.replace(old, new, 1))
    assert any(reason in str(problem) and abs(problem.line - line) <= 1 for problem in problems), problems
    assert all(problem.file == f"mappings/{name}" for problem in problems)


@pytest.mark.parametrize("text", ["", "[]", "just words", "a: &a [*a]", "&x {version: *x}", "\x00", "- " * 50])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_something_else_is_named(name: str, text: str) -> None:
    assert told(name, text)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, inner in below for one in _paths(inner, (*path, key)))]


JUNK = st.sampled_from(
    [None, True, -1, 0, 1.5, "", " ", "x", "-", [], ["x"], [1], {}, {"x": 1}, "text/plain", "11506-3"]
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_the_stages_refuse_is_found_and_what_is_clean_loads(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    body = copy.deepcopy(yaml.safe_load(read_mapping(name)))
    path = data.draw(st.sampled_from([one for one in _paths(body) if one]))
    place: Any = body
    for part in path[:-1]:
        place = place[part]
    change = data.draw(st.sampled_from(["replace", "remove", "add", "double"]))
    if change == "replace":
        place[path[-1]] = data.draw(JUNK)
    elif change == "remove":
        del place[path[-1]]
    elif change == "double" and isinstance(place, list):
        place.append(copy.deepcopy(place[path[-1]]))
    elif isinstance(place, dict):
        place["unheard_of"] = data.draw(JUNK)
    text = yaml.safe_dump(body)
    kind = kind_of(name)
    try:
        _STAGES[kind](yaml.safe_load(text))
    except Misconfigured:
        assert told(name, text)
    else:
        assert told(name, text) == []


def test_the_prompts_that_are_shipped_can_be_filled_in() -> None:
    for name in list_templates("prompts"):
        variables = ("title", "sections") if ".system." in name else USER
        assert check_prompt(load_template(f"prompts/{name}"), name, variables=variables) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a\n{{ titel }}\n{{ other }}",
            ["p:2: titel: is no value a prompt is given; is title meant?.", "p:3: other: "],
        ),
        ("a\n\n{% for x in %}", ["p:3: "]),
        ("{{ title | nofilter }}", ["p:1: No filter named 'nofilter'."]),
        ("{% if title %}", ["p:1: "]),
        ("{{ title }}", []),
    ],
)
def test_a_prompt_that_cannot_be_filled_in_is_named_with_its_line(text: str, expected: list[str]) -> None:
    problems = [str(problem) for problem in check_prompt(text, "p", variables=USER)]
    assert len(problems) == len(expected)
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start)

"""Scopes as the sandbox EHR reads them: v1, v2, granular; narrowed, never widened."""

from __future__ import annotations

import pytest
from connector_sandbox.ehr.scopes import Scope, intersect_scopes, parse_scope, parse_scopes, permitting
from hypothesis import given
from hypothesis import strategies as st

TYPES = ("Patient", "Observation", "DocumentReference", "*")
LETTERS = st.sets(st.sampled_from("cruds"), min_size=1).map(lambda found: "".join(x for x in "cruds" if x in found))
SCOPE = st.builds(
    "{}/{}.{}{}".format,
    st.sampled_from(("patient", "user")),
    st.sampled_from(TYPES),
    LETTERS | st.sampled_from(("read", "write", "*")),
    st.sampled_from(("", "?category=vital-signs", "?category=http://x|note", "?category=vital-signs,laboratory")),
)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("patient/Patient.read", "rs"),
        ("patient/Patient.write", "cud"),
        ("patient/*.*", "cruds"),
        ("user/DocumentReference.crs", "crs"),
        ("patient/Observation.rs?category=vital-signs", "rs"),
    ],
)
def test_scopes_that_are_understood(text: str, letters: str) -> None:
    scope = parse_scope(text)
    assert scope is not None
    assert scope.letters == frozenset(letters)


@pytest.mark.parametrize(
    "text",
    [
        "launch",
        "openid",
        "patient/Patient.sr",
        "patient/Patient.dr",
        "patient/Patient.reads",
        "patient/Patient.",
        "patient/patient.r",
        "Patient.r",
        "patient/Observation.rs?code=1",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?category=a&category=b",
        "patient/Observation.rs?category:not=a",
        "patient/Patient.r extra",
    ],
)
def test_scopes_that_grant_nothing(text: str) -> None:
    assert parse_scope(text) is None


@pytest.mark.parametrize(
    ("requested", "allowed", "granted"),
    [
        ("patient/Patient.rs", ["patient/Patient.r"], "patient/Patient.r"),
        ("patient/Patient.read", ["patient/Patient.rs"], "patient/Patient.read"),
        ("patient/*.rs", ["patient/Patient.r", "patient/Condition.rs"], "patient/Patient.r patient/Condition.rs"),
        ("patient/Patient.r", ["patient/*.rs"], "patient/Patient.r"),
        ("user/Patient.r", ["patient/*.rs"], ""),
        ("patient/Observation.rs", ["patient/Observation.rs?category=a"], "patient/Observation.rs?category=a"),
        (
            "patient/Observation.rs?category=a",
            ["patient/Observation.rs", "patient/Observation.r"],
            "patient/Observation.rs?category=a",
        ),
        ("patient/Observation.rs?category=b", ["patient/Observation.rs?category=a"], ""),
        ("launch offline_access fhirUser", ["launch", "fhirUser"], "launch fhirUser"),
        ("system/Patient.r", ["patient/Patient.r"], ""),
    ],
)
def test_narrowing(requested: str, allowed: list[str], granted: str) -> None:
    assert intersect_scopes(requested, allowed) == granted


@given(st.lists(SCOPE, max_size=5), st.lists(SCOPE, max_size=5))
def test_what_is_granted_was_asked_for_and_allowed(requested: list[str], allowed: list[str]) -> None:
    granted = parse_scopes(intersect_scopes(" ".join(requested), allowed))
    for side in (parse_scopes(" ".join(requested)), parse_scopes(" ".join(allowed))):
        for scope in granted:
            assert any(_within(scope, wider) for wider in side)


@given(st.lists(SCOPE, max_size=5), st.lists(SCOPE, max_size=5))
def test_narrowing_twice_changes_nothing(requested: list[str], allowed: list[str]) -> None:
    once = intersect_scopes(" ".join(requested), allowed)
    assert intersect_scopes(once, allowed) == once


@given(SCOPE)
def test_spelling_keeps_the_meaning(text: str) -> None:
    scope = parse_scope(text)
    assert scope is not None
    assert parse_scope(scope.spell()) == scope


def test_system_scopes_permit_nothing_here() -> None:
    assert permitting(parse_scopes("system/*.cruds"), "Patient", "r") == []


def test_a_category_must_match_its_system_too() -> None:
    resource = {"category": [{"coding": [{"system": "http://x", "code": "note"}]}]}
    for token, covered in (("note", True), ("http://x|note", True), ("http://y|note", False), ("|note", False)):
        assert Scope("patient", "Observation", frozenset("r"), (token,)).covers(resource) is covered


def _within(inner: Scope, outer: Scope) -> bool:
    return (
        inner.context == outer.context
        and outer.resource_type in ("*", inner.resource_type)
        and inner.letters <= outer.letters
        and (not outer.categories or (bool(inner.categories) and set(inner.categories) <= set(outer.categories)))
    )

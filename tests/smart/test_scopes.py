"""Scopes: what is asked for in each dialect, what a granted scope means however it is spelt, and what will be missing.

Client requirements 107, 120 to 125, 131, 132, 135, 137, 141, 143, 146 to 148, 150 to 153, 195, 196, 219, 220; case A27.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.launch.abilities import MissingAbility, Wanted, find_missing, may
from connector.launch.scopes import (
    DIALECTS,
    LETTERS,
    ResourceScope,
    ask_for_context,
    holds_word,
    parse_scope,
    parse_scopes,
    render_scopes,
)

ASKED = (
    "launch",
    "openid",
    "fhirUser",
    "online_access",
    "patient/Patient.r",
    "patient/Encounter.r",
    "patient/MedicationRequest.rs",
    "patient/AllergyIntolerance.rs",
    "patient/Condition.rs?category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item",
    "patient/Observation.rs?category=vital-signs",
    "patient/Observation.rs?category=laboratory",
    "patient/DocumentReference.crs?category=http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note",
    "patient/Composition.cr",
    "patient/Provenance.cu",
)
WANTED = Wanted(composition=True, provenance=True)

letters = st.lists(st.sampled_from(LETTERS), min_size=1, unique=True).map(
    lambda drawn: "".join(letter for letter in LETTERS if letter in drawn)
)
scopes = st.builds(
    ResourceScope,
    context=st.sampled_from(["patient", "user", "system"]),
    resource=st.sampled_from(["*", "Patient", "Observation", "Condition", "DocumentReference", "AllergyIntolerance"]),
    letters=letters,
    filters=st.lists(
        st.tuples(st.sampled_from(["category", "status"]), st.sampled_from(["vital-signs", "a|b", "x,y"])), max_size=2
    ).map(tuple),
)


def spell(scope: ResourceScope) -> str:
    query = "&".join(f"{name}={value}" for name, value in scope.filters)
    return f"{scope.context}/{scope.resource}.{scope.letters}{'?' if query else ''}{query}"


def missing(granted: str, *, wanted: Wanted = WANTED) -> tuple[str, ...]:
    return tuple(one.key for one in find_missing(granted, wanted=wanted, renewable=True, identified=True))


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("patient/Observation.read", "rs"),
        ("patient/Observation.write", "cud"),
        ("patient/Observation.*", "cruds"),
        ("patient/*.read", "rs"),
        ("patient/Observation.r", "r"),
        ("patient/Observation.rs", "rs"),
        ("patient/Observation.cruds", "cruds"),
        ("patient/Observation.d", "d"),
        ("http://smarthealthit.org/fhir/scopes/patient/Observation.rs", "rs"),
    ],
)
def test_a27_v1_words_and_v2_letters_are_read_for_what_they_mean(text: str, letters: str) -> None:
    """Client requirements 120 to 125, 135, 146, 219."""
    scope = parse_scope(text)
    assert scope is not None
    assert scope.letters == letters


def test_a27_read_is_never_the_letters_r_and_d() -> None:
    """Client requirements 121, 124: `.read` of a v1 server allows no delete."""
    scope = parse_scope("patient/DocumentReference.read")
    assert scope is not None
    assert "d" not in scope.letters
    assert not may("patient/DocumentReference.read", "d", resource="DocumentReference")
    assert may("patient/DocumentReference.rd", "d", resource="DocumentReference")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "launch",
        "openid",
        "launch/patient",
        "patient/Observation",
        "patient/Observation.",
        "patient/Observation.sr",
        "patient/Observation.rr",
        "patient/Observation.x",
        "patient/Observation.reads",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=",
        "patient/Observation.read?category=vital-signs",
        "patient/observation.rs",
        "PATIENT/Observation.rs",
        "practitioner/Observation.rs",
        "patient/Obs-ervation.rs",
        "patient//Observation.rs",
        "https://evil.example/patient/Observation.rs",
    ],
)
def test_a27_what_cannot_be_understood_grants_nothing(text: str) -> None:
    """Client requirement 135."""
    assert parse_scope(text) is None
    assert missing(text) == missing("")


@settings(deadline=None)
@given(scopes)
def test_a27_a_scope_is_read_as_it_was_written(scope: ResourceScope) -> None:
    """Client requirements 132, 135, 137, 141, 143."""
    assert parse_scope(spell(scope)) == scope


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a27_no_text_breaks_the_reading(text: str) -> None:
    """Client requirement 147."""
    for scope in parse_scopes(text):
        assert scope.letters
        assert set(scope.letters) <= set(LETTERS)


@settings(deadline=None)
@given(st.lists(scopes, max_size=6), st.sampled_from(DIALECTS))
def test_a27_every_dialect_asks_for_at_least_what_was_written(written: list[ResourceScope], dialect: str) -> None:
    """Client requirements 37, 131: nothing is lost on the way and nothing stands twice."""
    rendered = render_scopes(map(spell, written), dialect)
    assert len(set(rendered)) == len(rendered)
    asked = parse_scopes(" ".join(rendered))
    for scope in written:
        for letter in scope.letters:
            assert any(
                one.context == scope.context and one.resource == scope.resource and letter in one.letters
                for one in asked
            )


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("granular", ASKED),
        (
            "v2",
            (
                *ASKED[:8],
                "patient/Condition.rs",
                "patient/Observation.rs",
                "patient/DocumentReference.crs",
                *ASKED[12:],
            ),
        ),
        (
            "v1",
            (
                *ASKED[:4],
                "patient/Patient.read",
                "patient/Encounter.read",
                "patient/MedicationRequest.read",
                "patient/AllergyIntolerance.read",
                "patient/Condition.read",
                "patient/Observation.read",
                "patient/DocumentReference.read",
                "patient/DocumentReference.write",
                "patient/Composition.read",
                "patient/Composition.write",
                "patient/Provenance.write",
            ),
        ),
    ],
)
def test_a27_scopes_are_written_once_and_rendered_in_the_servers_dialect(
    dialect: str, expected: tuple[str, ...]
) -> None:
    """Client requirements 37, 46, 131, 132, 148: no wildcard appears in any dialect."""
    rendered = render_scopes(ASKED, dialect)
    assert rendered == expected
    assert not any("*" in scope for scope in rendered)


def test_a27_a_standalone_launch_asks_for_context_instead_of_bringing_it() -> None:
    """Client requirements 36, 150 to 153, 166."""
    asked = ask_for_context(ASKED)
    assert asked[:2] == ("launch/patient", "launch/encounter")
    assert "launch" not in asked
    assert asked[2:] == ASKED[1:]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a27_what_was_asked_for_in_any_dialect_is_enough(dialect: str) -> None:
    """Client requirements 46, 147."""
    assert missing(" ".join(render_scopes(ASKED, dialect))) == ()


def test_a27_a_grant_spelt_in_pieces_is_the_same_grant() -> None:
    """Client requirement 147: `.crs` may come back as `.c` and `.rs`, or in v1 words, or as user/ scopes."""
    pieces = []
    for scope in parse_scopes(" ".join(ASKED)):
        pieces += [spell(ResourceScope("user", scope.resource, letter, scope.filters)) for letter in scope.letters]
    assert missing(" ".join(pieces)) == ()
    assert missing("patient/*.cruds") == ()
    assert missing("user/*.*") == ()
    assert missing("system/*.cruds") == missing("")


def test_a27_without_write_scope_the_clinician_is_told_before_recording() -> None:
    """Client requirement 147; case A27."""
    granted = " ".join(scope for scope in ASKED if "DocumentReference" not in scope)
    (only,) = find_missing(granted, wanted=WANTED, renewable=True, identified=True)
    assert only == MissingAbility("file", "You will be able to copy the note, not file it.", files=False)


@pytest.mark.parametrize(
    ("left_out", "key"),
    [
        ("Patient.", "patient"),
        ("Encounter.", "encounter"),
        ("MedicationRequest.", "medications"),
        ("AllergyIntolerance.", "allergies"),
        ("Condition.", "problems"),
        ("vital-signs", "vitals"),
        ("laboratory", "labs"),
        ("DocumentReference.", "file"),
        ("Composition.", "composition"),
        ("Provenance.", "provenance"),
    ],
)
def test_a27_each_missing_scope_has_its_own_sentence(left_out: str, key: str) -> None:
    """Client requirement 147."""
    granted = " ".join(scope for scope in ASKED if left_out not in scope)
    assert missing(granted) == (key,)


@pytest.mark.parametrize(
    ("instead", "key", "word"),
    [
        ("patient/AllergyIntolerance.rs?clinical-status=active", "allergies", "Only some"),
        ("patient/AllergyIntolerance.r", "allergies", "cannot be read"),
        ("patient/AllergyIntolerance.c", "allergies", "cannot be read"),
        ("system/AllergyIntolerance.rs", "allergies", "cannot be read"),
    ],
)
def test_a27_a_narrower_scope_is_not_taken_for_the_whole(instead: str, key: str, word: str) -> None:
    """Client requirement 147."""
    granted = " ".join([*(scope for scope in ASKED if "AllergyIntolerance" not in scope), instead])
    (only,) = find_missing(granted, wanted=WANTED, renewable=True, identified=True)
    assert only.key == key
    assert word in only.sentence


def test_a27_a_note_that_cannot_be_read_back_or_found_again_is_announced() -> None:
    """Client requirement 147."""
    others = " ".join(scope for scope in ASKED if "DocumentReference" not in scope)
    assert missing(f"{others} patient/DocumentReference.c") == ("read-back", "find-again")
    assert missing(f"{others} patient/DocumentReference.cr") == ("find-again",)
    assert missing(f"{others} patient/DocumentReference.write patient/DocumentReference.read") == ()


def test_a27_what_is_not_wanted_is_not_missed() -> None:
    """Case A27: a site that files documents only is not warned of sections."""
    granted = " ".join(scope for scope in ASKED if "Composition" not in scope and "Provenance" not in scope)
    assert missing(granted, wanted=Wanted()) == ()
    without_encounter = " ".join(scope for scope in ASKED if "Encounter" not in scope)
    assert missing(without_encounter, wanted=Wanted(True, True, encounter=False)) == ()


def test_a27_without_refresh_and_without_identity_the_page_says_so() -> None:
    """Client requirements 195, 196, 215, 216; case A13."""
    found = find_missing(" ".join(ASKED), wanted=WANTED, renewable=False, identified=False)
    assert [one.key for one in found] == ["sign", "renewal"]
    assert [one.files for one in found] == [False, True]


@settings(deadline=None)
@given(st.lists(scopes, max_size=8), scopes)
def test_a27_more_is_never_less(granted: list[ResourceScope], extra: ResourceScope) -> None:
    """Case A27: a wider grant takes no ability away."""
    before = set(missing(" ".join(map(spell, granted))))
    after = set(missing(" ".join(map(spell, [*granted, extra]))))
    consequences = {"read-back", "find-again", "composition", "provenance"}  # said only once filing is possible
    assert after - before <= (consequences if "file" in before else set())


def test_a27_words_are_found_whole_and_in_uri_form() -> None:
    """Client requirements 195, 220."""
    assert holds_word("launch openid fhirUser", "openid")
    assert holds_word("http://openid.net/specs/openid-connect-core-1_0#openid", "openid")
    assert not holds_word("openid2 xopenid", "openid")
    assert not holds_word("", "openid")


def test_a27_user_scopes_reach_beyond_the_patient_and_patient_scopes_do_not() -> None:
    """Client requirements 137, 141."""
    assert may("user/Practitioner.r", "r", resource="Practitioner", user=True)
    assert not may("patient/Practitioner.r", "r", resource="Practitioner", user=True)
    assert not may("user/Practitioner.s", "r", resource="Practitioner", user=True)

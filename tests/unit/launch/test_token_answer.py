"""Token answers: launch context with its safe defaults, opaque tokens, and what a refresh may change."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import LaunchRefused, RelaunchNeeded
from connector.launch.pending import PendingLaunch
from connector.launch.token_answer import GrantedTokens, read_refresh_answer, read_token_answer

BODY: dict[str, object] = {
    "access_token": "opaque-access",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "launch openid patient/Patient.r",
    "patient": "p-1",
    "encounter": "e.2",
    "need_patient_banner": False,
    "refresh_token": "opaque-refresh",
    "id_token": "a.b.c",
    "intent": "unheard-of",
    "fhirContext": [{"reference": "ImagingStudy/1"}],
}


def test_a_whole_answer_is_read(pending: PendingLaunch, now: datetime) -> None:
    assert read_token_answer(BODY, pending=pending, now=now) == GrantedTokens(
        access_token="opaque-access",
        refresh_token="opaque-refresh",
        expires_at=now + timedelta(seconds=300),
        scope="launch openid patient/Patient.r",
        patient="Patient/p-1",
        encounter="Encounter/e.2",
        need_patient_banner=False,
        id_token="a.b.c",
    )


def test_the_least_answer_gets_safe_defaults(pending: PendingLaunch, now: datetime) -> None:
    least = {"access_token": "t", "token_type": "bEaReR", "patient": "p"}
    tokens = read_token_answer(least, pending=pending, now=now)
    assert tokens.expires_at is None
    assert tokens.need_patient_banner is True
    assert tokens.scope == pending.scope
    assert (tokens.encounter, tokens.refresh_token, tokens.id_token) == (None, None, None)


def test_nothing_granted_is_not_read_as_everything_granted(pending: PendingLaunch, now: datetime) -> None:
    assert read_token_answer({**BODY, "scope": ""}, pending=pending, now=now).scope == ""


@pytest.mark.parametrize("banner", [None, True, "false", 0, []])
def test_only_a_plain_false_takes_our_banner_away(pending: PendingLaunch, now: datetime, banner: object) -> None:
    tokens = read_token_answer({**BODY, "need_patient_banner": banner}, pending=pending, now=now)
    assert tokens.need_patient_banner is True


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(0, 0), (60, 60), (59.5, 59.5), ("570", 570)],
)
def test_lifetimes_are_read(pending: PendingLaunch, now: datetime, expires_in: object, seconds: float) -> None:
    tokens = read_token_answer({**BODY, "expires_in": expires_in}, pending=pending, now=now)
    assert tokens.expires_at == now + timedelta(seconds=seconds)


@pytest.mark.parametrize("expires_in", [None, True, -1, "soon", "", [300], 1e300, float("nan"), float("inf"), "9" * 40])
def test_a_lifetime_that_makes_no_sense_is_unknown(pending: PendingLaunch, now: datetime, expires_in: object) -> None:
    assert read_token_answer({**BODY, "expires_in": expires_in}, pending=pending, now=now).expires_at is None


@pytest.mark.parametrize("patient", [None, "", 7, "..", "a/b", "Patient/1", "a?b", "a b", "a\n", "a%2fb", "x" * 129])
def test_a_launch_without_a_usable_patient_is_refused(pending: PendingLaunch, now: datetime, patient: object) -> None:
    with pytest.raises(LaunchRefused, match="which patient"):
        read_token_answer({**BODY, "patient": patient}, pending=pending, now=now)


@pytest.mark.parametrize("encounter", [None, "", "..", "Encounter/1", 3])
def test_a_launch_without_a_usable_encounter_works(pending: PendingLaunch, now: datetime, encounter: object) -> None:
    assert read_token_answer({**BODY, "encounter": encounter}, pending=pending, now=now).encounter is None


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": "two words"},
        {"access_token": "line\r\nX-Other: 1"},
        {"access_token": "tökén"},
        {"access_token": ["t"]},
        {"token_type": None},
        {"token_type": "DPoP"},
        {"token_type": "mac"},
    ],
)
def test_only_a_bearer_token_that_fits_a_header_is_taken(
    pending: PendingLaunch, now: datetime, change: dict[str, object]
) -> None:
    with pytest.raises(LaunchRefused, match="no bearer token"):
        read_token_answer({**BODY, **change}, pending=pending, now=now)


def test_tokens_are_not_printed(pending: PendingLaunch, now: datetime) -> None:
    shown = repr(read_token_answer(BODY, pending=pending, now=now))
    assert not any(secret in shown for secret in ("opaque-access", "opaque-refresh", "a.b.c"))


def test_a_refresh_changes_tokens_and_life_and_keeps_the_context(pending: PendingLaunch, now: datetime) -> None:
    before = read_token_answer(BODY, pending=pending, now=now)
    later = now + timedelta(minutes=4)
    after = read_refresh_answer(
        {"access_token": "new", "token_type": "bearer", "expires_in": 60, "refresh_token": "next", "scope": "openid"},
        granted=before,
        now=later,
    )
    assert (after.access_token, after.refresh_token, after.scope) == ("new", "next", "openid")
    assert after.expires_at == later + timedelta(seconds=60)
    assert (after.patient, after.encounter, after.need_patient_banner) == ("Patient/p-1", "Encounter/e.2", False)


def test_a_refresh_that_brings_no_new_refresh_token_keeps_the_old(pending: PendingLaunch, now: datetime) -> None:
    before = read_token_answer(BODY, pending=pending, now=now)
    after = read_refresh_answer({"access_token": "new", "token_type": "Bearer"}, granted=before, now=now)
    assert after.refresh_token == "opaque-refresh"
    assert after.scope == before.scope
    assert after.expires_at is None


@pytest.mark.parametrize("patient", ["p-2", "", 7, "Patient/p-1", "P-1"])
def test_a_refresh_for_another_patient_ends_the_launch(pending: PendingLaunch, now: datetime, patient: object) -> None:
    before = read_token_answer(BODY, pending=pending, now=now)
    body = {"access_token": "new", "token_type": "Bearer", "patient": patient}
    with pytest.raises(RelaunchNeeded, match="another patient"):
        read_refresh_answer(body, granted=before, now=now)


def test_a_refresh_without_a_bearer_token_ends_the_launch(pending: PendingLaunch, now: datetime) -> None:
    before = read_token_answer(BODY, pending=pending, now=now)
    with pytest.raises(RelaunchNeeded):
        read_refresh_answer({"access_token": "new", "token_type": "DPoP"}, granted=before, now=now)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(sorted(BODY)), JUNK))
def test_junk_is_refused_or_read_and_nothing_else(
    pending: PendingLaunch, now: datetime, changes: dict[str, object]
) -> None:
    try:
        tokens = read_token_answer({**BODY, **changes}, pending=pending, now=now)
    except LaunchRefused:
        return
    assert tokens.access_token.isprintable()
    assert tokens.patient.count("/") == 1

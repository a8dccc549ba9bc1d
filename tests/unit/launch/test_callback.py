"""The way back: state, browser, age and issuer are checked before the code is believed; nothing sent is repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.errors import LaunchRefused
from connector.launch.callback import CallbackAnswer, check_callback, read_callback
from connector.launch.pending import PendingLaunch

ISSUER = "https://login.example.org/oauth2"


def answer_of(pending: PendingLaunch, **changes: str | None) -> CallbackAnswer:
    return replace(CallbackAnswer(state=pending.state, code="the-code", error=None, iss=None), **changes)


def test_the_code_is_handed_on(pending: PendingLaunch, now: datetime) -> None:
    answer = read_callback([("code", "the-code"), ("state", pending.state), ("session_state", "x"), ("x", "1")])
    assert check_callback(answer, pending, browser="cookie-value", now=now) == "the-code"


def test_ten_minutes_are_long_enough_and_a_second_more_is_not(pending: PendingLaunch, now: datetime) -> None:
    answer = answer_of(pending)
    ten = now + timedelta(minutes=10)
    assert check_callback(answer, pending, browser="cookie-value", now=ten) == "the-code"
    with pytest.raises(LaunchRefused, match="ten minutes"):
        check_callback(answer, pending, browser="cookie-value", now=ten + timedelta(seconds=1))


@pytest.mark.parametrize("browser", [None, "", "another", "cookie-valu\udce9"])
def test_another_browser_cannot_finish_the_launch(pending: PendingLaunch, now: datetime, browser: str | None) -> None:
    with pytest.raises(LaunchRefused, match="browser"):
        check_callback(answer_of(pending), pending, browser=browser, now=now)


@pytest.mark.parametrize("state", ["", "x", "state-é", "\udcff"])
def test_another_state_cannot_finish_the_launch(pending: PendingLaunch, now: datetime, state: str) -> None:
    with pytest.raises(LaunchRefused, match="another launch"):
        check_callback(answer_of(pending, state=state), pending, browser="cookie-value", now=now)


@pytest.mark.parametrize("params", [[], [("code", "c")], [("code", "c"), ("state", "")]])
def test_an_answer_without_state_belongs_to_no_launch(params: list[tuple[str, str]]) -> None:
    with pytest.raises(LaunchRefused, match="state"):
        read_callback(params)


@pytest.mark.parametrize("name", ["state", "code", "error", "iss"])
def test_a_parameter_sent_twice_is_refused(name: str) -> None:
    params = [("state", "s"), ("code", "c"), ("error", "e"), ("iss", "i"), (name, "again")]
    with pytest.raises(LaunchRefused, match=f"'{name}' twice"):
        read_callback(params)


def test_the_discovered_issuer_is_accepted(pending: PendingLaunch, now: datetime) -> None:
    assert check_callback(answer_of(pending, iss=ISSUER), pending, browser="cookie-value", now=now) == "the-code"


@pytest.mark.parametrize("iss", ["", ISSUER + "/", ISSUER.upper(), "https://ehr.example.org/fhir/r4"])
def test_an_answer_from_another_issuer_is_refused(pending: PendingLaunch, now: datetime, iss: str) -> None:
    with pytest.raises(LaunchRefused, match="another issuer"):
        check_callback(answer_of(pending, iss=iss), pending, browser="cookie-value", now=now)


def test_an_issuer_cannot_be_believed_where_none_was_discovered(pending: PendingLaunch, now: datetime) -> None:
    nameless = replace(pending, endpoints=replace(pending.endpoints, issuer=None))
    with pytest.raises(LaunchRefused, match="another issuer"):
        check_callback(answer_of(pending, iss=ISSUER), nameless, browser="cookie-value", now=now)


def test_a_promised_issuer_must_come(pending: PendingLaunch, now: datetime) -> None:
    promised = replace(pending, endpoints=replace(pending.endpoints, answers_with_issuer=True))
    with pytest.raises(LaunchRefused, match="promises"):
        check_callback(answer_of(pending), promised, browser="cookie-value", now=now)
    assert check_callback(answer_of(pending, iss=ISSUER), promised, browser="cookie-value", now=now) == "the-code"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("access_denied", "did not give the scribe access"),
        ("invalid_scope", "scopes"),
        ("unauthorized_client", "does not let this client launch"),
        ("temporarily_unavailable", "Try again"),
        ("server_error", "Try again"),
        ("<script>alert(1)</script>", "The EHR refused the launch."),
    ],
)
def test_an_error_becomes_our_own_sentence(pending: PendingLaunch, now: datetime, error: str, sentence: str) -> None:
    answer = read_callback(
        [("state", pending.state), ("error", error), ("error_description", "Jane Doe <b>"), ("error_uri", "https://x")]
    )
    with pytest.raises(LaunchRefused) as refused:
        check_callback(answer, pending, browser="cookie-value", now=now)
    assert sentence in refused.value.detail
    assert not any(word in refused.value.detail for word in ("Jane", "<", "script", "https:"))


@pytest.mark.parametrize("code", [None, ""])
def test_no_code_is_no_launch(pending: PendingLaunch, now: datetime, code: str | None) -> None:
    with pytest.raises(LaunchRefused, match="no authorization code"):
        check_callback(answer_of(pending, code=code), pending, browser="cookie-value", now=now)


def test_code_and_state_are_not_printed(pending: PendingLaunch) -> None:
    assert "the-code" not in repr(answer_of(pending))
    assert pending.state not in repr(answer_of(pending))

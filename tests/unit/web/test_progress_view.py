"""Where a visit stands: steps, the flag beside the state, and the JSON the page polls."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.records import ConsentAnswer
from connector.visit.states import State
from connector.web.progress_view import build_attention, build_status, build_steps, is_live, name_version
from tests.unit.web.samples import NOW, ago, consent, copy, erasure, facts, recording, transcript


def stand(state: str, **given: object) -> dict[str, str]:
    """Steps by key with their status."""
    return {step.key: step.status for step in build_steps(facts(state, **given))}


@pytest.mark.parametrize(
    ("state", "now"),
    [
        ("LAUNCHED", "chart"),
        ("PRIMED", "consent"),
        ("CAPTURING", "recording"),
        ("CAPTURED", "transcribing"),
        ("TRANSCRIBED", "drafting"),
        ("SIGNED", "filing"),
    ],
)
def test_one_step_is_going_on_and_all_before_it_are_done(state: str, now: str) -> None:
    steps = stand(state)
    place = list(steps).index(now)
    assert list(steps.values()) == ["done"] * place + ["now"] + ["todo"] * (len(steps) - place - 1)


def test_a_drafted_visit_has_nothing_left_to_do() -> None:
    assert set(stand("DRAFTED").values()) == {"done"}


def test_a_recording_is_not_called_sent_before_the_vendor_has_it() -> None:
    steps = stand("CAPTURED", erasure=erasure())
    assert steps["recording"] == "done" and steps["upload"] == "now" and steps["transcribing"] == "todo"


def test_the_copy_of_an_earlier_recording_is_not_taken_for_this_one() -> None:
    earlier = copy("upload", "verified", made=400)
    assert stand("CAPTURED", erasure=erasure(earlier))["upload"] == "now"


def test_after_a_recording_that_could_not_be_used_the_visit_waits_for_another() -> None:
    steps = stand("PRIMED", consent=consent(), recording=recording(), erasure=erasure(copy("upload", "verified")))
    assert steps["recording"] == "now" and steps["upload"] == "todo"


def test_a_typed_visit_has_no_recording_among_its_steps() -> None:
    assert list(stand("PRIMED", consent=consent(ConsentAnswer.DECLINED))) == [
        "chart",
        "consent",
        "typed",
        "drafting",
        "ready",
    ]
    steps = stand("TRANSCRIBED", transcript=transcript("typed"), consent=None)
    assert list(steps) == ["chart", "typed", "drafting", "ready"]
    assert steps["typed"] == "done" and steps["drafting"] == "now"


def test_a_recorded_visit_stays_one_when_consent_is_withdrawn_later() -> None:
    assert "upload" in stand("TRANSCRIBED", consent=consent(ConsentAnswer.WITHDRAWN))


def test_seconds_run_from_the_step_before() -> None:
    steps = {step.key: step.seconds for step in build_steps(facts("TRANSCRIBED"))}
    assert steps == {
        "chart": 4.0,
        "consent": None,
        "recording": None,
        "upload": 20.0,
        "transcribing": 80.0,
        "drafting": 200.0,
        "ready": None,
    }


def test_a_clock_that_ran_backwards_gives_no_negative_time() -> None:
    late = replace(transcript(), stamp=replace(transcript().stamp, at=NOW + timedelta(hours=1)))
    assert all((step.seconds or 0) >= 0 for step in build_steps(facts("TRANSCRIBED", transcript=late)))


def test_filing_ends_with_the_vendors_copies_where_there_were_any() -> None:
    assert stand("FILED") == {"signed": "done", "filing": "done", "read-back": "done", "deletion": "done"}
    assert stand("FILED", erasure=erasure(copy("upload", "held")))["deletion"] == "now"
    assert "deletion" not in stand("FILED", erasure=erasure(complete=True))


@pytest.mark.parametrize("state", ["DISCARDED", "EXPIRED", "ERASED", "AMENDED"])
def test_a_visit_that_is_over_has_no_steps(state: str) -> None:
    assert build_steps(facts(state)) == ()


@pytest.mark.parametrize("state", [state.value for state in State])
def test_every_state_has_a_status_that_is_json(state: str) -> None:
    status = json.loads(json.dumps(build_status(facts(state))))
    assert status["state"] == state
    assert status["owner"] in ("system", "clinician", "nobody")
    assert status["attention"] is None
    assert {step["status"] for step in status["steps"]} <= {"done", "now", "todo"}


def test_the_page_follows_a_visit_only_while_something_will_change_by_itself() -> None:
    live = {state.value for state in State if is_live(facts(state.value))}
    assert live == {"LAUNCHED", "CAPTURED", "TRANSCRIBED", "SIGNED"}
    assert is_live(facts("FILED", erasure=erasure(copy("upload", "answered"))))


@pytest.mark.parametrize(
    "changed",
    [
        {"attention": "ehr-unavailable"},
        {"consents": (consent(ConsentAnswer.DECLINED),)},
        {"erasure": erasure(complete=True)},
        {"state": "FILED"},
    ],
)
def test_the_page_is_drawn_anew_when_there_is_something_else_to_show(changed: dict[str, object]) -> None:
    before = facts("SIGNED", consent=None)
    row = {name: value for name, value in changed.items() if name in ("state", "attention")}
    rest = {name: value for name, value in changed.items() if name not in row}
    after = replace(before, row=replace(before.row, **row), **rest)
    assert name_version(before) != name_version(after)


def test_a_step_alone_does_not_draw_the_page_anew() -> None:
    assert name_version(facts("CAPTURED", step="uploading")) == name_version(facts("CAPTURED", step="transcribing"))


def test_the_flag_says_since_when_and_what_helps() -> None:
    flag = build_attention(
        facts(
            "SIGNED",
            attention="ehr-unavailable",
            attention_text="The EHR cannot be reached.",
            attention_action="wait",
            attention_at=ago(240),
        )
    )
    assert flag is not None
    assert (flag.title, flag.button, flag.post) == ("The EHR cannot be reached", "Try again now", "retry")
    assert flag.since is not None and flag.since.age == "4 minutes ago"
    assert flag.comfort is not None and "until it is filed" in flag.comfort
    assert not flag.urgent


@pytest.mark.parametrize(
    ("action", "button", "urgent"),
    [
        ("wait", "Try again now", False),
        ("retry-filing", "Try again now", True),
        ("look-in-the-ehr", "Compare again", True),
        ("redraft", "Draft again", True),
        ("capture-again", None, True),
        ("relaunch", None, True),
        ("ask-for-help", None, True),
        ("something-new", None, True),
    ],
)
def test_each_way_out_has_its_button(action: str, button: str | None, urgent: bool) -> None:
    flag = build_attention(facts("SIGNED", attention="a-new-slug", attention_action=action))
    assert flag is not None
    assert (flag.title, flag.button, flag.urgent) == ("This visit needs attention", button, urgent)


@pytest.mark.parametrize(
    ("state", "action", "vendor"),
    [
        ("CAPTURED", "wait", "transcription service"),
        ("TRANSCRIBED", "wait", "language model service"),
        ("TRANSCRIBED", "redraft", "language model service"),
        ("DRAFTED", "draft-again", "language model service"),
        ("DRAFTED", "ask-for-help", "transcription service"),
    ],
)
@pytest.mark.parametrize("slug", ["vendor-unavailable", "vendor-account", "vendor-outcome-unknown", "vendor-rejected"])
def test_a_flag_names_the_vendor_it_speaks_of(state: str, action: str, vendor: str, slug: str) -> None:
    flag = build_attention(facts(state, attention=slug, attention_action=action))
    assert flag is not None and flag.title.startswith(f"The {vendor} ")


def test_the_polled_flag_is_the_shown_one() -> None:
    given = facts("SIGNED", attention="ehr-rejected", attention_text="Refused.", attention_action="retry-filing")
    assert build_status(given)["attention"] == {
        "slug": "ehr-rejected",
        "title": "The EHR refused the note",
        "text": "Refused.",
        "action": "retry-filing",
        "since": None,
    }


def test_a_visit_is_over_where_what_is_left_at_a_vendor_cannot_be_asked_for_and_nothing_is_called_deleted() -> None:
    unnamed = replace(copy("completion", "held"), vendor_id="unknown:1")
    left = facts("FILED", erasure=erasure(copy("transcript", "verified"), unnamed))
    (step,) = [one for one in build_steps(left) if one.key.startswith("deletion")]
    assert (step.key, step.status, step.title) == ("deletion-asked", "done", "Deleted, as far as anybody can ask")
    assert not is_live(left)
    undated = facts("FILED", erasure=erasure(unnamed, copy("kept-draft", "held")))
    dated = facts("FILED", erasure=erasure(replace(copy("upload", "held"), expires_at=NOW + timedelta(hours=1))))
    for one in (undated, dated):
        (step,) = [one for one in build_steps(one) if one.key.startswith("deletion")]
        assert (step.key, step.status) == ("deletion-unasked", "done")
        assert step.title == "Nothing more can be asked for; a copy may still be there"
    ended = facts("FILED", erasure=erasure(replace(copy("upload", "lapsed"), expires_at=ago(1))))
    (step,) = [one for one in build_steps(ended) if one.key.startswith("deletion")]
    assert (step.key, step.title) == ("deletion-lapsed", "Ended by the vendor's own rule; nothing was asked for")
    owed = facts("FILED", erasure=erasure(copy("transcript", "answered"), copy("completion", "answered")))
    (step,) = [one for one in build_steps(owed) if one.key.startswith("deletion")]
    assert (step.key, step.status) == ("deletion", "now") and is_live(owed)

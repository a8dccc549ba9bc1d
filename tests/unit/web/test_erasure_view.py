"""What the vendors still hold: never more is claimed than was proven."""

from dataclasses import replace
from datetime import timedelta

from connector.assets.catalogue import load_mapping
from connector.erasure.retention import RetentionRules
from connector.web.erasure_view import build_erasure
from tests.unit.web.samples import NOW, copy, erasure


def test_a_copy_that_was_only_asked_for_is_not_gone() -> None:
    view = build_erasure(erasure(copy("upload", "asked"), copy("transcript", "verified")), NOW)
    assert view is not None and not view.complete
    assert view.summary == "1 of 2 copies at the transcription service still to be deleted."
    assert [(one.what, one.gone) for one in view.copies] == [("Recording", False), ("Transcript", True)]


def test_an_answer_without_a_check_is_gone_only_where_no_check_exists() -> None:
    view = build_erasure(erasure(copy("transcript", "answered"), copy("completion", "answered")), NOW)
    assert view is not None
    assert view.copies[0].standing == "reported deleted; being checked" and not view.copies[0].gone
    assert view.copies[1].standing.startswith("reported deleted (the service offers no way") and view.copies[1].gone


def test_the_vendors_word_is_called_its_word() -> None:
    view = build_erasure(erasure(copy("upload", "verified"), copy("completion", "answered"), complete=True), NOW)
    assert view is not None and view.complete
    assert view.summary == "2 copies deleted at the transcription service: 1 checked, 1 on its word."


def test_what_is_proven_is_called_checked() -> None:
    view = build_erasure(erasure(copy("upload", "verified", 3600), complete=True), NOW)
    assert view is not None
    assert view.summary == "1 copy deleted at the transcription service, each checked."
    assert view.copies[0].age == "1 hour ago"


def test_a_visit_that_never_left_has_nothing_to_show() -> None:
    assert build_erasure(None, NOW) is None
    assert build_erasure(erasure(complete=True), NOW) is None


def test_what_nobody_can_ask_for_is_shown_with_the_day_its_own_rule_ends_it() -> None:
    waiting = replace(copy("upload", "asked"), expires_at=NOW + timedelta(days=2))
    unknown = replace(copy("completion", "held"), vendor_id="unknown:1")
    view = build_erasure(erasure(waiting, unknown), NOW)
    assert view is not None and not view.complete
    day = NOW + timedelta(days=2)
    assert view.copies[0].standing.endswith(f"own rule ends it by {day:%B} {day.day}")
    assert view.copies[1].standing.endswith("nobody says how long it is kept")
    assert not any(one.gone for one in view.copies)


def test_what_ended_by_the_vendors_rule_is_never_called_deleted() -> None:
    view = build_erasure(erasure(copy("upload", "lapsed"), copy("transcript", "verified"), complete=True), NOW)
    assert view is not None
    assert view.copies[0].standing == "ended by the vendor's own rule, not checked"
    assert view.summary == (
        "2 copies at the transcription service: 1 deleted and checked, 1 ended by its own rule, which nobody checked."
    )


def test_how_long_copies_are_kept_is_told_as_the_vendors_word_of_a_day() -> None:
    rules = RetentionRules.from_dict(load_mapping("vendor-retention.yaml"))
    told = build_erasure(erasure(copy("upload", "held")), NOW, rules.find("eu", "standard", drafts="standard"))
    assert told is not None
    text = " ".join(told.told)
    assert "European Union, without an agreement" in text
    assert "recordings after 48 hours at the latest, transcripts never" in text
    assert "word as of October 1, 2026; nobody here has checked it" in text
    agreed = build_erasure(erasure(copy("upload", "held")), NOW, rules.find("us", "baa", drafts="baa"))
    assert agreed is not None and "recordings after 72 hours at the latest" in " ".join(agreed.told)


def test_a_draft_asked_for_and_never_answered_is_said_to_be_out_of_reach_and_not_to_be_deleted_yet() -> None:
    unknown = replace(copy("completion", "held"), vendor_id="unknown:1")
    others = (copy("upload", "verified"), copy("completion", "answered"))
    view = build_erasure(erasure(*others, unknown), NOW)
    assert view is not None and not view.complete
    assert view.summary == (
        "2 copies deleted at the transcription service: 1 checked, 1 on its word. "
        "1 more copy may be with a vendor still: nobody can ask for its deletion."
    )
    assert view.copies[2].standing == (
        "may be there: it was asked for and no answer came, so it has no name to ask for its deletion by; "
        "nobody says how long it is kept"
    )
    alone = build_erasure(erasure(unknown), NOW)
    assert alone is not None and alone.summary.startswith("1 copy may be with a vendor still")

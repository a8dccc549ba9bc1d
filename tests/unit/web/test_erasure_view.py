"""What the vendors still hold: never more is claimed than was proven."""

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

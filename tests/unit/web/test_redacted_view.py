"""The line that says that a redacted copy exists: what it holds, what was taken out, and nothing of what was said."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from connector.records import RedactedTranscript, Turn
from connector.web.redacted_view import RedactedView, build_redacted
from tests.unit.web import samples

TURN = Turn("t1", "S1", "Patient", "vendor", "I am [PERSON_NAME], a baker.", 0, 900, 0.9)
COPY = RedactedTranscript("x1", ("person_name", "date"), "entity_name", (TURN,), (), samples.stamp())


def test_without_a_copy_there_is_no_line() -> None:
    assert build_redacted(None, "visit-1") is None


@pytest.mark.parametrize(
    ("sound", "holds"),
    [
        ("not-asked", "words"),
        ("kept", "words and sound"),
        ("awaited", "words; its sound is still to come"),
        ("missing", "words, without sound"),
    ],
)
def test_the_line_says_what_the_copy_holds_and_how_to_name_it(sound: str, holds: str) -> None:
    view = build_redacted(replace(COPY, sound=sound), "visit-1")
    assert view == RedactedView(holds, "person name, date", "visit-1")
    assert view is not None and "baker" not in str(asdict(view))

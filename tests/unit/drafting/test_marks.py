"""What was not recorded: told to whoever drafts, and never bridged by the offline drafter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connector.drafting.note_type import NoteType
from connector.drafting.offline import draft_from_messages
from connector.drafting.schema import answer_schema
from connector.records import Mark, Transcript

ASKED = ("clinician", "Do you smoke?")
ANSWERED = ("patient", "Never.")


def timed(transcript: Transcript, *marks: Mark) -> Transcript:
    """Turns two seconds apart."""
    turns = tuple(
        replace(turn, start_ms=2000 * place, end_ms=2000 * place + 1500) for place, turn in enumerate(transcript.turns)
    )
    return replace(transcript, turns=turns, marks=marks)


def test_a_turn_after_something_missing_says_so(
    ask: Callable[..., list[dict[str, str]]], transcribe: Callable[..., Transcript]
) -> None:
    said = timed(transcribe(ASKED, ANSWERED), Mark("off-record", 1800, 76_000))
    content = ask(said)[-1]["content"]
    assert content.count('"missing_before": ["off-record 76 s"]') == 1
    assert content.index("missing_before") > content.index("Never.")
    assert "missing_before" not in ask(timed(transcribe(ASKED, ANSWERED)))[-1]["content"]


def test_an_answer_behind_a_gap_answers_no_question_before_it(
    ask: Callable[..., list[dict[str, str]]], transcribe: Callable[..., Transcript], soap: NoteType
) -> None:
    def cited(transcript: Transcript) -> set[tuple[str, ...]]:
        draft = draft_from_messages(ask(transcript), answer_schema(soap))
        return {tuple(one["turns"]) for section in draft.values() for one in section}  # type: ignore[attr-defined]

    whole = timed(transcribe(ASKED, ANSWERED))
    assert ("t1", "t2") in cited(whole)
    broken = replace(whole, marks=(Mark("gap", 1800, 5000),))
    assert all(len(turns) < 2 for turns in cited(broken))

"""What the clinician should look at before signing. In: draft, transcript and chart. Out: Findings.

Never changes the draft, and never says "no allergies" because the allergies could not be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connector.records import (
    DraftNote,
    Finding,
    Findings,
    PatientContext,
    SectionState,
    Sentence,
    Stamp,
    Transcript,
)
from connector.review.allergy_conflicts import find_allergy_conflicts
from connector.review.dose_differences import find_dose_differences

PLAN = "plan"
_UNREAD = (SectionState.FAILED, SectionState.FORBIDDEN, SectionState.PENDING)


def check_draft(
    draft: DraftNote, *, transcript: Transcript | None, context: PatientContext | None, now: datetime
) -> Findings:
    """Check one revision: `chart-unread` first, then `across-a-gap`; `allergy`, `dose-differs` and `no-evidence` as
    sentences stand.

    A Finding's text names drugs and values of the chart: it is shown to the clinician and never logged.
    """
    sentences = [sentence for section in draft.sections for sentence in section.sentences]
    cited = {turn_id for sentence in sentences for turn_id in sentence.turn_ids}
    turns = {turn_id for turn_id in cited if transcript is not None and transcript.turns_for(turn_id)}
    across = _find_across(draft, transcript) if transcript is not None else ()
    items = [*_find_unread(context), *across, *_check_sentences(draft, turns, context)]
    return Findings(revision=draft.revision, items=tuple(items), stamp=Stamp(maker="review/findings@1", at=now))


def _check_sentences(draft: DraftNote, turns: set[str], context: PatientContext | None) -> Iterator[Finding]:
    for section in draft.sections:
        for sentence in section.sentences:
            if context is not None:
                in_plan = section.key == PLAN
                yield from find_allergy_conflicts(sentence, context.allergies.items, in_plan=in_plan)
                yield from find_dose_differences(sentence, context.medications.items)
            if not _has_evidence(sentence, turns):
                text = "Nothing that was said in the visit and nothing in the chart supports this sentence."
                yield Finding(kind="no-evidence", text=text, sentence_id=sentence.sentence_id)


def _find_across(draft: DraftNote, transcript: Transcript) -> Iterator[Finding]:
    """Sentences that rest on turns between which something was not recorded: the two may not belong together."""
    part, parts = 0, {}
    for place, turn in enumerate(transcript.turns):
        part += bool(transcript.marks_before(place))
        parts[turn.turn_id] = part
    text = (
        "What this rests on was said before and after something that was not recorded: check that it belongs together."
    )
    for sentence in (one for section in draft.sections for one in section.sentences):
        if len({parts[turn] for turn in sentence.turn_ids if turn in parts}) > 1:
            yield Finding(kind="across-a-gap", text=text, sentence_id=sentence.sentence_id)


def _has_evidence(sentence: Sentence, turns: set[str]) -> bool:
    """Turns count only where the transcript has them; what the clinician wrote rests on the clinician."""
    return sentence.origin == "clinician" or bool(sentence.chart) or not turns.isdisjoint(sentence.turn_ids)


def _find_unread(context: PatientContext | None) -> Iterator[Finding]:
    if context is None:
        yield Finding(kind="chart-unread", text="The chart could not be read: allergies and doses were not compared.")
        return
    states = (("Allergies", context.allergies.state), ("Medications", context.medications.state))
    texts = (_say_unread(name, state) for name, state in states)
    yield from (Finding(kind="chart-unread", text=text) for text in texts if text is not None)


def _say_unread(name: str, state: SectionState) -> str | None:
    if state in _UNREAD:
        return f"{name} could not be read from the chart: this note was not compared with them."
    if state is SectionState.PARTIAL:
        return f"{name} could only be read in part: what is missing was not compared with this note."
    return None

"""What `make live` compares. In: a script, a transcript, two answers. Out: drugs missed or invented, findings, fields.

Never asks anybody: the note the findings are about is the offline drafter's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector_sandbox.recordings.library import BundledRecording

from connector.app import load_rules
from connector.drafting.answer import DraftIdentity, read_answer
from connector.drafting.chart_text import ChartBudget, write_chart
from connector.drafting.offline import draft_from_messages
from connector.drafting.prompt import build_messages
from connector.drafting.schema import answer_schema
from connector.records import PatientContext, Section, SectionState, Stamp, Transcript, Turn
from connector.review.findings import check_draft
from connector.transcript.said_drugs import find_drugs


@dataclass(frozen=True)
class Named:
    """The names of drugs in a transcript, in small letters."""

    names: frozenset[str]


@dataclass(frozen=True)
class Drugs:
    """The drugs of the script, those of them that were not heard, and those heard that are not in it."""

    said: frozenset[str]
    missed: frozenset[str]
    invented: frozenset[str]


def scripted(recording: BundledRecording) -> Transcript:
    """The script as a transcript: what a perfect recogniser would hear."""
    turns = tuple(
        Turn(f"t{number}", turn.role, turn.role.title(), "vendor", turn.text, turn.start, turn.end, 1.0, ())
        for number, turn in enumerate(recording.turns, start=1)
    )
    stamp = Stamp(maker="bench/live", at=datetime.now(UTC))
    return Transcript("script", "playback", "en_us", recording.duration_ms, turns, (), stamp)


def find_all(transcript: Transcript) -> Named:
    """Every drug that is named."""
    return Named(frozenset(find_drugs(transcript, load_rules().keyterms.drugs).said))


def compare_drugs(said: Transcript, heard: Transcript) -> Drugs:
    """What was heard of the names that were said."""
    wanted, found = find_all(said).names, find_all(heard).names
    return Drugs(wanted, wanted - found, found - wanted)


def find_findings(heard: Transcript) -> list[str]:
    """The kinds of findings about a note the offline drafter writes from these words, without a chart."""
    now = datetime.now(UTC)
    stamp = Stamp(maker="bench/live", at=now)
    context = PatientContext(*(Section(SectionState.EMPTY) for _ in range(7)), stamp)
    rules = load_rules()
    note_type = rules.note_types["soap"]
    messages = build_messages(
        note_type=note_type,
        transcript=heard,
        chart=write_chart(context, ChartBudget()),
        consent_line="The patient agreed to the recording.",
        templates=rules.prompts["soap"],
    )
    content = json.dumps(draft_from_messages(messages, answer_schema(note_type)))
    identity = DraftIdentity("live", 1, heard.origin, stamp)
    draft = read_answer(content, note_type=note_type, transcript=heard, context=context, identity=identity)
    return [one.kind for one in check_draft(draft, transcript=heard, context=context, now=now).items]


def list_unknown_fields(answer: Any, known: Any, *, at: str = "") -> list[str]:
    """Paths of fields in `answer` that `known` has nowhere; of a list all items count as one. Fields below a null or an
    empty list of the sandbox's are unknown as well."""
    if isinstance(answer, Mapping):
        have = known if isinstance(known, Mapping) else {}
        found = [f"{at}{name}" for name in answer if name not in have]
        for name in answer:
            if name in have:
                found += list_unknown_fields(answer[name], have[name], at=f"{at}{name}.")
        return sorted(found)
    if isinstance(answer, list):
        merged: dict[str, Any] = {}
        for one in known if isinstance(known, list) else ():
            merged |= one if isinstance(one, Mapping) else {}
        return sorted({path for one in answer for path in list_unknown_fields(one, merged, at=at[:-1] + "[].")})
    return []

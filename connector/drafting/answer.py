"""The model's answer. In: its content and what it was asked about. Out: a DraftNote.

Never keeps a turn id or chart reference that does not exist, and never quotes the content in an error.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

from connector.drafting.chart_text import SECTIONS
from connector.drafting.note_type import NoteType, SectionType
from connector.drafting.plain import plain_text
from connector.drafting.quoting import NO_ID, label
from connector.drafting.schema import answer_schema
from connector.errors import DraftUnusable
from connector.records import DraftNote, NoteSection, PatientContext, Sentence, Source, Stamp, Transcript

MOST_CONTENT = 1_000_000
"""Characters of one answer that are parsed at all."""
MOST_SENTENCES = 400
"""Sentences of one note."""
MOST_TEXT = 2_000
"""Characters of one sentence."""
MOST_NOTE = 100_000
"""Characters of all sentences of one note."""

_MEND = "Ask for a new draft or type the note."


@dataclass(frozen=True, slots=True)
class DraftIdentity:
    """What the draft is to be called: its id, revision (from 1), origin (as Transcript.origin) and Stamp."""

    draft_id: str
    revision: int
    origin: str
    stamp: Stamp


def read_answer(
    content: str, *, note_type: NoteType, transcript: Transcript, context: PatientContext, identity: DraftIdentity
) -> DraftNote:
    """The answer as a draft, sentence ids `s1`, `s2` … over the whole note.

    References to turns or chart entries that do not exist are dropped; the sentence stays and so shows as lacking
    evidence. Raises DraftUnusable where the content is no JSON of the note type's schema, is too large or says nothing.
    """
    answer = _parsed(content, note_type)
    known = _Known(frozenset(turn.turn_id for turn in transcript.turns), _sources(context))
    numbers = itertools.count(1)
    sections = tuple(_section(section, answer[section.key], known, numbers) for section in note_type.sections)
    sentences = [sentence for section in sections for sentence in section.sentences]
    if not sentences:
        raise DraftUnusable(f"The model wrote no sentence. {_MEND}")
    if len(sentences) > MOST_SENTENCES or sum(len(sentence.text) for sentence in sentences) > MOST_NOTE:
        raise DraftUnusable(f"The model's note is longer than any visit's should be. {_MEND}")
    return DraftNote(
        draft_id=identity.draft_id,
        revision=identity.revision,
        note_type=note_type.key,
        title=note_type.title,
        sections=sections,
        origin=identity.origin,
        stamp=identity.stamp,
        transcript_id=transcript.transcript_id,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What a sentence may refer to: turn ids of the transcript, and chart entries by reference."""

    turns: frozenset[str]
    chart: Mapping[str, Source]


def _parsed(content: str, note_type: NoteType) -> Mapping[str, Any]:
    if len(content) > MOST_CONTENT:
        raise DraftUnusable(f"The model's answer is too large to be a note. {_MEND}")
    try:
        answer = json.loads(content, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        # No cause is carried on: the parser's message and its copy of the document may hold patient data.
        raise DraftUnusable(f"The model's answer is not complete JSON. {_MEND}") from None
    errors = Draft202012Validator(answer_schema(note_type)).iter_errors(answer)
    if next(errors, None) is not None:
        raise DraftUnusable(f"The model's answer does not have the sections asked for. {_MEND}")
    return answer  # type: ignore[no-any-return]


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _sources(context: PatientContext) -> dict[str, Source]:
    """Every chart entry the model may have been shown, by its relative reference and by its whole label."""
    shown = [item.source for name in SECTIONS if name != "patient" for item in getattr(context, name).items]
    return {form: source for source in shown for form in (source.reference, label(source)) if form != NO_ID}


def _section(
    section: SectionType, statements: list[Mapping[str, Any]], known: _Known, numbers: Iterator[int]
) -> NoteSection:
    sentences = []
    for statement in statements:
        text = plain_text(statement["text"])
        if not text:
            continue
        if len(text) > MOST_TEXT:
            raise DraftUnusable(f"The model's answer holds a sentence longer than {MOST_TEXT} characters. {_MEND}")
        turns = tuple(dict.fromkeys(turn for turn in statement["turns"] if turn in known.turns))
        chart = tuple(dict.fromkeys(known.chart[ref] for ref in statement["chart"] if ref in known.chart))
        sentences.append(Sentence(f"s{next(numbers)}", text, turns, chart))
    return NoteSection(section.key, section.title, section.loinc, tuple(sentences))

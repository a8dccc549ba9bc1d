"""The clinician's edits. In: a draft and the text of its page. Out: the next revision of the draft.

Never changes the draft it was given and never drops the evidence of a sentence that was merely reworded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connector.errors import Conflict, InputRefused
from connector.records import DraftNote, NoteSection, Sentence, Stamp
from connector.review.wording import clean_text

EditedSections = Mapping[str, Sequence[tuple[str | None, str]]]
"""Section key to its sentences in order: sentence id (None for a new one) and text."""

LONGEST_SENTENCE = 4_000
MOST_SENTENCES = 400
LONGEST_NOTE = 60_000


def apply_edit(draft: DraftNote, *, sections: EditedSections, who: str, now: datetime) -> DraftNote:
    """Make the next revision of `draft`. A section that is not named stays as it is; an empty text goes.

    An unchanged sentence stays itself; a reworded one keeps its evidence and becomes `edited`; one without an id is
    the clinician's own. Raises Conflict for a section key or sentence id the draft does not have, for an id named
    twice, and for text beyond the caps above (characters, sentences).
    """
    unknown = set(sections) - {section.key for section in draft.sections}
    if unknown:
        raise Conflict("This page names a section the note does not have. Reload the page and edit again.")
    held = {sentence.sentence_id: sentence for section in draft.sections for sentence in section.sentences}
    named = _named_once(draft, sections)
    if not named <= set(held):
        raise Conflict("This page names a sentence that is no longer in the note. Reload the page and edit again.")
    fresh = _FreshNames(draft.revision + 1, taken=set(held))
    edited = tuple(
        replace(section, sentences=_edit_sentences(sections[section.key], held, fresh))
        if section.key in sections
        else section
        for section in draft.sections
    )
    _check_size(edited)
    stamp = Stamp(maker="review/edits@1", at=now, who=who, model=draft.stamp.model)
    return replace(draft, revision=draft.revision + 1, sections=edited, stamp=stamp)


def copy_text(draft: DraftNote) -> str:
    """The note as plain text for the clipboard: section titles and sentences, nothing else."""
    blocks = [
        "\n".join((section.title, *(sentence.text for sentence in section.sentences)))
        for section in draft.sections
        if section.sentences
    ]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _named_once(draft: DraftNote, sections: EditedSections) -> set[str]:
    """Every sentence id of the page, those of sections it left out included."""
    kept = [item.sentence_id for part in draft.sections if part.key not in sections for item in part.sentences]
    given = [identity for sentences in sections.values() for identity, _ in sentences if identity is not None]
    if len(set(kept + given)) != len(kept + given):
        raise Conflict("This page names a sentence twice. Reload the page and edit again.")
    return set(kept + given)


class _FreshNames:
    """Ids for sentences a clinician wrote: of the revision they came with, never one already taken."""

    def __init__(self, revision: int, *, taken: set[str]) -> None:
        self._revision = revision
        self._taken = taken
        self._count = 0

    def take(self) -> str:
        while True:
            self._count += 1
            name = f"r{self._revision}-{self._count}"
            if name not in self._taken:
                return name


def _edit_sentences(
    given: Iterable[tuple[str | None, str]], held: Mapping[str, Sentence], fresh: _FreshNames
) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    for identity, raw in given:
        if len(raw) > LONGEST_NOTE:
            raise InputRefused(f"A sentence of this page is longer than {LONGEST_SENTENCE} characters. Split it.")
        text = clean_text(raw)
        if not text:
            continue
        if len(text) > LONGEST_SENTENCE:
            raise InputRefused(f"A sentence of this page is longer than {LONGEST_SENTENCE} characters. Split it.")
        if identity is None:
            sentences.append(Sentence(sentence_id=fresh.take(), text=text, origin="clinician"))
        else:
            sentences.append(_reword(held[identity], text))
    return tuple(sentences)


def _reword(sentence: Sentence, text: str) -> Sentence:
    if text == clean_text(sentence.text):
        return sentence
    origin = "clinician" if sentence.origin == "clinician" else "edited"
    return replace(sentence, text=text, origin=origin)


def _check_size(sections: tuple[NoteSection, ...]) -> None:
    texts = [sentence.text for section in sections for sentence in section.sentences]
    if len(texts) > MOST_SENTENCES:
        raise InputRefused(f"The note would have more than {MOST_SENTENCES} sentences. Shorten it.")
    if sum(map(len, texts)) > LONGEST_NOTE:
        raise InputRefused(f"The note would be longer than {LONGEST_NOTE} characters. Shorten it.")

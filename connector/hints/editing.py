"""A clinician's changes to the list. In: the edits so far and one more. Out: the edits. Never the list itself.

The list is derived anew with them, so they survive a later reading of the chart: what was removed stays away, what was
added stays first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connector.errors import InputRefused
from connector.hints.limits import TermLimits
from connector.hints.written import same_as, tidy
from connector.records import KeytermEdit, SpeechHints

ADD, REMOVE = "add", "remove"
MOST_ADDED = 50
MOST_UNDONE = 100
"""Edits kept one by one, and undone one by one; of older ones only what they came to."""
LONGEST = 50
_NOT_LISTED = "This name is not in the list: reload the page."


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes the list: a relative reference, when, and what a term may be."""

    by: str
    at: datetime
    limits: TermLimits


def add_term(hints: SpeechHints, text: str, editor: Editor, *, instead: str | None = None) -> tuple[KeytermEdit, ...]:
    """The edits with one more term, in the place of `instead` where that is given.

    Raises InputRefused for a term that is empty, too long, unprintable or there, or where `instead` is not there.
    """
    limits, listed = editor.limits, {same_as(one.text): one.text for one in hints.keyterms}
    if instead is not None:
        instead = listed.pop(same_as(instead), None)
        if instead is None:
            raise InputRefused(_NOT_LISTED)
    if any(not one.isprintable() for one in text):
        raise InputRefused("A name cannot hold line breaks or control characters: type it in one line.")
    term = tidy(text)
    if not term:
        raise InputRefused("A name needs at least one letter.")
    if len(term) > LONGEST or not limits.allows(term):
        raise InputRefused(f"A name can have at most {limits.words} words and {LONGEST} characters: shorten it.")
    if same_as(term) in listed or term == instead:
        raise InputRefused("This name is in the list already.")
    edits = (*hints.edits, KeytermEdit(ADD, term, editor.by, editor.at, instead))
    if len(added_terms(edits)) > min(MOST_ADDED, limits.terms):
        raise InputRefused("No more names can be added: remove one first.")
    return fold_edits(edits)


def remove_term(hints: SpeechHints, text: str, editor: Editor) -> tuple[KeytermEdit, ...]:
    """The edits with one term taken away; raises InputRefused for one that is not in the list."""
    found = next((one.text for one in hints.keyterms if same_as(one.text) == same_as(text)), None)
    if found is None:
        raise InputRefused(_NOT_LISTED)
    return fold_edits((*hints.edits, KeytermEdit(REMOVE, found, editor.by, editor.at)))


def fold_edits(edits: tuple[KeytermEdit, ...]) -> tuple[KeytermEdit, ...]:
    """The same list by fewer edits: the last MOST_UNDONE as they are, before them the older ones without those that a
    later one took back. A list is stored whole with every edit; what each older list held stands in its own record.
    """
    older, last = edits[:-MOST_UNDONE], edits[-MOST_UNDONE:]
    added = {same_as(text) for text in added_terms(older)}
    gone = removed_keys(older)
    removing: dict[str, KeytermEdit] = {}
    adding: dict[str, KeytermEdit] = {}
    for edit in older:
        for text, taken in ((edit.instead, True), (edit.text, edit.action == REMOVE)):
            key = same_as(text or "")
            if text is not None and taken and key in gone:
                removing[key] = KeytermEdit(REMOVE, text, edit.by, edit.at)
            elif text is not None and not taken and key in added:
                adding.pop(key, None)
                adding[key] = KeytermEdit(ADD, text, edit.by, edit.at)
    return (*removing.values(), *adding.values(), *last)


def undo_edit(hints: SpeechHints) -> tuple[KeytermEdit, ...]:
    """The edits without the last one; raises InputRefused where there is none."""
    if not hints.edits:
        raise InputRefused("There is nothing to undo.")
    return hints.edits[:-1]


def added_terms(edits: Iterable[KeytermEdit]) -> tuple[str, ...]:
    """Terms added and not removed since, in the order they were added."""
    added: dict[str, str] = {}
    for edit in edits:
        for text in (edit.text, edit.instead or ""):
            added.pop(same_as(text), None)
        if edit.action == ADD:
            added[same_as(edit.text)] = edit.text
    return tuple(added.values())


def removed_keys(edits: Iterable[KeytermEdit]) -> frozenset[str]:
    """Keys (`same_as`) of terms removed, or replaced, and not added since."""
    removed: set[str] = set()
    for edit in edits:
        if edit.instead is not None:
            removed.add(same_as(edit.instead))
        (removed.add if edit.action == REMOVE else removed.discard)(same_as(edit.text))
    return frozenset(removed)

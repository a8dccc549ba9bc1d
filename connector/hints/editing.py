"""A clinician's changes to the list. In: the edits so far and one more. Out: the edits. Never the list itself.

The list is derived anew with them, so they survive a later reading of the chart: what was removed stays away, what was
added stays first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from connector.errors import InputRefused
from connector.hints.limits import TermLimits
from connector.hints.written import same_as, tidy
from connector.records import KeytermEdit, SpeechHints

ADD, REMOVE = "add", "remove"
MOST_ADDED = 50
LONGEST = 50


def add_term(hints: SpeechHints, text: str, *, limits: TermLimits, by: str, at: datetime) -> tuple[KeytermEdit, ...]:
    """The edits with one more term; raises InputRefused for one that is empty, too long, unprintable or there."""
    if any(not one.isprintable() for one in text):
        raise InputRefused("A name cannot hold line breaks or control characters: type it in one line.")
    term = tidy(text)
    if not term:
        raise InputRefused("A name needs at least one letter.")
    if len(term) > LONGEST or not limits.allows(term):
        raise InputRefused(f"A name can have at most {limits.words} words and {LONGEST} characters: shorten it.")
    if same_as(term) in {same_as(one.text) for one in hints.keyterms}:
        raise InputRefused("This name is in the list already.")
    if len(added_terms(hints.edits)) >= min(MOST_ADDED, limits.terms):
        raise InputRefused("No more names can be added: remove one first.")
    return (*hints.edits, KeytermEdit(ADD, term, by, at))


def remove_term(hints: SpeechHints, text: str, *, by: str, at: datetime) -> tuple[KeytermEdit, ...]:
    """The edits with one term taken away; raises InputRefused for one that is not in the list."""
    found = next((one.text for one in hints.keyterms if same_as(one.text) == same_as(text)), None)
    if found is None:
        raise InputRefused("This name is not in the list: reload the page.")
    return (*hints.edits, KeytermEdit(REMOVE, found, by, at))


def undo_edit(hints: SpeechHints) -> tuple[KeytermEdit, ...]:
    """The edits without the last one; raises InputRefused where there is none."""
    if not hints.edits:
        raise InputRefused("There is nothing to undo.")
    return hints.edits[:-1]


def added_terms(edits: Iterable[KeytermEdit]) -> tuple[str, ...]:
    """Terms added and not removed since, in the order they were added."""
    added: dict[str, str] = {}
    for edit in edits:
        added.pop(same_as(edit.text), None)
        if edit.action == ADD:
            added[same_as(edit.text)] = edit.text
    return tuple(added.values())


def removed_keys(edits: Iterable[KeytermEdit]) -> frozenset[str]:
    """Keys (`same_as`) of terms removed and not added since."""
    removed: set[str] = set()
    for edit in edits:
        (removed.add if edit.action == REMOVE else removed.discard)(same_as(edit.text))
    return frozenset(removed)

"""The clinician's edits. In: a draft and the text of its page. Out: the next revision of the draft.

Never changes the draft it was given and never drops the evidence of a sentence that was merely reworded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connector.records import DraftNote

EditedSections = Mapping[str, Sequence[tuple[str | None, str]]]
"""Section key to its sentences in order: sentence id (None for a new one) and text."""


def apply_edit(draft: DraftNote, *, sections: EditedSections, who: str, now: datetime) -> DraftNote:
    """Make the next revision of `draft`. Raises Conflict for a section key or sentence id the draft does not have."""
    raise NotImplementedError


def copy_text(draft: DraftNote) -> str:
    """The note as plain text for the clipboard: section titles and sentences, nothing else."""
    raise NotImplementedError

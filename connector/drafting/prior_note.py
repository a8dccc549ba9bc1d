"""The last signed note as quoted history. In: the notes section. Out: a header and its lines, each behind a bar.

Never shown as said today, never with the names of the patient, and never longer than its own budget.
"""

from __future__ import annotations

import textwrap

from connector.drafting.plain import plain_lines
from connector.drafting.quoting import label, quote
from connector.drafting.tokens import estimate_tokens
from connector.drafting.withheld import Withholding
from connector.records import PriorNote, Section

QUOTED = "| "
"""Begins a line that is quoted from the note: the chart's own bars are escaped, so that nothing else begins so."""
_WIDTH = 160
_MOST_READ = 60_000
_HEADER = "== last signed note"


def tell_last_note(notes: Section[PriorNote], withholding: Withholding, *, names_known: bool, most: int) -> list[str]:
    """Header and quoted lines within `most` tokens. Its end is kept, for there stand assessment and plan.

    Without the patient's names nothing could be taken out of the text, and it stays out as a whole.
    """
    last = next((note for note in notes.items if note.text), None)
    if last is None:
        return [f"{_HEADER}: no text was read, unknown"]
    head = f"{_HEADER}: {label(last.source)}"
    if last.written:
        head += f" | {last.written:%Y-%m-%d}"
    if not names_known:
        return [f"{head} | text left out, the patient's names are not known and could not be removed"]
    head += " | written earlier, not said today"
    lines = _quoted_lines(last.text or "", withholding)
    kept = _count_from_end(lines, most - estimate_tokens(f"{head} | first 99999 lines left out for space") - 1)
    if kept < len(lines):
        head += f" | first {len(lines) - kept} lines left out for space"
    return [head, *lines[len(lines) - kept :]]


def _quoted_lines(text: str, withholding: Withholding) -> list[str]:
    prose = (withholding.from_prose(line) for line in plain_lines(text[-_MOST_READ:]).splitlines())
    pieces = (piece for line in prose for piece in textwrap.wrap(line, _WIDTH, break_on_hyphens=False))
    return [QUOTED + quote(piece, _WIDTH) for piece in pieces]


def _count_from_end(lines: list[str], room: int) -> int:
    for kept, line in enumerate(reversed(lines)):
        room -= estimate_tokens(line) + 1
        if room < 0:
            return kept
    return len(lines)

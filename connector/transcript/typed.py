"""A visit typed instead of recorded. In: the clinician's text. Out: a Transcript of origin `typed`.

Never passes typing off as speech: no times, no confidence to doubt, one role for all.
"""

from __future__ import annotations

from connector.errors import NothingSaid
from connector.records import Stamp, Transcript, Turn
from connector.transcript.cleaning import clean_text


def typed_transcript(text: str, *, transcript_id: str, stamp: Stamp) -> Transcript:
    """Return `text` as a transcript: one turn per line that is not blank, role `typed`, all times 0.

    Raises NothingSaid when there is no such line.
    """
    lines = [line for line in map(clean_text, text.splitlines()) if line]
    if not lines:
        raise NothingSaid("Nothing is typed yet: write what happened in the visit, one statement a line.")
    turns = tuple(
        Turn(f"t{n}", "typed", "typed", "clinician", line, 0, 0, 1.0) for n, line in enumerate(lines, start=1)
    )
    return Transcript(transcript_id, "typed", None, 0, turns, (), stamp)

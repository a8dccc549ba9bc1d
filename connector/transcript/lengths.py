"""Was all of the recording heard? In: a Transcript with the lengths measured and told. Out: sentences. Pure.

Never lets one length stand in for another, and says so where there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.records import Transcript

_SLACK_MS = 2000
"""The vendor tells whole seconds, rounded up."""


def compare_lengths(transcript: Transcript) -> tuple[str, ...]:
    """What may be missing, from the seconds captured, those the vendor says it heard, and the last word's end."""
    return tuple(_compare(transcript))


def _compare(transcript: Transcript) -> Iterator[str]:
    captured, reported = transcript.captured_ms, transcript.reported_ms
    last = max((turn.end_ms for turn in transcript.turns), default=0)
    if not captured or not reported:
        missing = "The length of the recording" if not captured else "How much of the recording was heard"
        yield f"{missing} is not known: it was not compared with the transcript."
    elif abs(captured - reported) > _SLACK_MS:
        seconds = round(abs(captured - reported) / 1000)
        yield f"The recording and its transcript differ by {seconds} seconds: listen to what may be missing."
    if reported and last - reported > _SLACK_MS:
        seconds = round((last - reported) / 1000)
        yield f"Words go on for {seconds} seconds after the length the recogniser states: their times may be wrong."

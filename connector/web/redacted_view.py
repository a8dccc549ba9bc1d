"""That a redacted copy of a visit exists, in one line. In: the copy, a visit id. Out: a view; never a word of it."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records import RedactedTranscript

_SOUND = {
    "kept": "words and sound",
    "awaited": "words; its sound is still to come",
    "missing": "words, without sound",
}


@dataclass(frozen=True, slots=True)
class RedactedView:
    """What the copy holds, what was taken out of it, and the reference it is exported by."""

    holds: str
    policies: str
    reference: str


def build_redacted(copy: RedactedTranscript | None, visit_id: str) -> RedactedView | None:
    """The line; None where there is no copy."""
    if copy is None:
        return None
    policies = ", ".join(policy.replace("_", " ") for policy in copy.policies)
    return RedactedView(_SOUND.get(copy.sound, "words"), policies, visit_id)

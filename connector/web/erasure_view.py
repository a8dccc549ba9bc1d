"""What the vendors still hold of a visit. In: an Erasure. Out: a view in words. Never says more than is proven.

How long a vendor keeps copies is told as the vendor's word of a day, never as a fact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.erasure.ledger import KEPT, is_unnamed, next_action
from connector.erasure.retention import RetentionTerms
from connector.records import Erasure, VendorCopy
from connector.web.moments import count, describe_age


@dataclass(frozen=True, slots=True)
class CopyView:
    """One copy at the vendor's: what it is, how far its deletion is, since when it exists."""

    what: str
    standing: str
    gone: bool
    age: str


@dataclass(frozen=True, slots=True)
class ErasureView:
    """What the vendors still hold; `summary` in one sentence, `told` what they say of how long they keep it."""

    complete: bool
    summary: str
    copies: tuple[CopyView, ...]
    told: tuple[str, ...] = ()


_COPIES: Mapping[str, str] = {
    "upload": "Recording",
    "transcript": "Transcript",
    "redacted-audio": "Redacted recording",
    "completion": "Draft",
    KEPT: "Draft",
}
_STANDING: Mapping[str, str] = {
    "held": "still there",
    "asked": "deletion asked for",
    "answered": "reported deleted",
    "verified": "deleted and checked",
    "lapsed": "ended by the vendor's own rule, not checked",
}
# What nobody can ask for: a copy whose id is known, and one that perhaps never was.
_UNASKABLE: Mapping[bool, str] = {
    False: "may still be there: the service offers no deletion of it by itself",
    True: "may be there: it was asked for and no answer came, so it has no name to ask for its deletion by",
}
_REGIONS: Mapping[str, str] = {"us": "the United States", "eu": "the European Union"}


def build_erasure(erasure: Erasure | None, now: datetime, terms: RetentionTerms | None = None) -> ErasureView | None:
    """What the vendors hold; None where nothing was ever sent."""
    if erasure is None or not erasure.copies:
        return None
    copies = tuple(_build_copy(copy, now) for copy in erasure.copies)
    told = () if terms is None else _tell(terms)
    owed = [copy for copy in erasure.copies if copy.kind != KEPT]
    kept = len(erasure.copies) - len(owed)
    sentences = [_summarise(owed, now)] if owed else []
    if kept:
        held = "is kept" if kept == 1 else "are kept"
        sentences.append(f"{count(kept, 'draft')} {held} by the language model service, which offers no deletion.")
    return ErasureView(erasure.complete and not kept, " ".join(sentences), copies, told)


def _summarise(owed: Sequence[VendorCopy], now: datetime) -> str:
    """How far the deletion of what can be asked for is, and how much nobody can ask for."""
    asked = [copy for copy in owed if next_action(copy) != "await"]
    waiting = len(owed) - len(asked)
    sentences = [_summarise_asked(asked, now)] if asked else []
    if waiting:
        more = "more " if asked else ""
        many = count(waiting, f"{more}copy", f"{more}copies")
        whose = "its" if waiting == 1 else "their"
        sentences.append(f"{many} may be with a vendor still: nobody can ask for {whose} deletion.")
    return " ".join(sentences)


def _summarise_asked(owed: Sequence[VendorCopy], now: datetime) -> str:
    copies = [_build_copy(copy, now) for copy in owed]
    total = count(len(copies), "copy", "copies")
    left = sum(not copy.gone for copy in copies)
    unproven = sum(copy.state == "answered" for copy in owed)
    lapsed = sum(copy.state == "lapsed" for copy in owed)
    if left:
        return f"{left} of {total} at the transcription service still to be deleted."
    if lapsed:
        rest = len(copies) - lapsed - unproven
        parts = [f"{rest} deleted and checked"] if rest else []
        parts += [f"{unproven} deleted on its word"] if unproven else []
        parts.append(f"{lapsed} ended by its own rule, which nobody checked")
        return f"{total} at the transcription service: {', '.join(parts)}."
    if unproven:
        return (
            f"{total} deleted at the transcription service: {len(copies) - unproven} checked, {unproven} on its word."
        )
    return f"{total} deleted at the transcription service, each checked."


def _build_copy(copy: VendorCopy, now: datetime) -> CopyView:
    age = describe_age((now - copy.made_at).total_seconds())
    if copy.kind == KEPT:
        return CopyView(_COPIES[KEPT], "kept by that service's own rule, it offers no deletion", False, age)
    todo = next_action(copy)
    gone = todo is None
    standing = _STANDING[copy.state]
    if todo == "await":
        standing, ends = _UNASKABLE[is_unnamed(copy)], copy.expires_at
        standing += (
            f"; the service's own rule ends it by {ends:%B} {ends.day}" if ends else "; nobody says how long it is kept"
        )
    if copy.state == "answered":
        standing += " (the service offers no way to check)" if gone else "; being checked"
    return CopyView(_COPIES.get(copy.kind, copy.kind), standing, gone, age)


def _tell(terms: RetentionTerms) -> tuple[str, ...]:
    """What the vendor says it does by itself, in our region and under our contract."""
    contract = "with the agreement on health data" if terms.contract == "baa" else "without an agreement on health data"
    kept = {
        "recordings": terms.upload_hours,
        "transcripts": terms.transcript_hours,
        "redacted recordings": terms.redacted_audio_hours,
    }
    told = ", ".join(
        f"{what} after {hours} hours at the latest" if hours else f"{what} never" for what, hours in kept.items()
    )
    return (
        f"What the transcription service says it deletes by itself in {_REGIONS[terms.region]}, {contract}: {told}.",
        terms.completions,
        f"This is its word as of {terms.as_of:%B} {terms.as_of.day}, {terms.as_of.year}; nobody here has checked it.",
    )

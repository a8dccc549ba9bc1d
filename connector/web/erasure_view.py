"""What the vendors still hold of a visit. In: an Erasure. Out: a view in words. Never says more than is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.erasure.ledger import next_action
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
    """What the vendors still hold; `summary` in one sentence."""

    complete: bool
    summary: str
    copies: tuple[CopyView, ...]


_COPIES: Mapping[str, str] = {"upload": "Recording", "transcript": "Transcript", "completion": "Draft"}
_STANDING: Mapping[str, str] = {
    "held": "still there",
    "asked": "deletion asked for",
    "answered": "reported deleted",
    "verified": "deleted and checked",
}


def build_erasure(erasure: Erasure | None, now: datetime) -> ErasureView | None:
    """What the vendors hold; None where nothing was ever sent."""
    if erasure is None or not erasure.copies:
        return None
    copies = tuple(_build_copy(copy, now) for copy in erasure.copies)
    total = count(len(copies), "copy", "copies")
    left = sum(not copy.gone for copy in copies)
    unproven = sum(copy.state != "verified" for copy in erasure.copies)
    if left:
        summary = f"{left} of {total} at the transcription service still to be deleted."
    elif unproven:
        summary = (
            f"{total} deleted at the transcription service: {len(copies) - unproven} checked, {unproven} on its word."
        )
    else:
        summary = f"{total} deleted at the transcription service, each checked."
    return ErasureView(erasure.complete, summary, copies)


def _build_copy(copy: VendorCopy, now: datetime) -> CopyView:
    gone = next_action(copy) is None
    standing = _STANDING[copy.state]
    if copy.state == "answered":
        standing += " (the service offers no way to check)" if gone else "; being checked"
    age = describe_age((now - copy.made_at).total_seconds())
    return CopyView(_COPIES.get(copy.kind, copy.kind), standing, gone, age)

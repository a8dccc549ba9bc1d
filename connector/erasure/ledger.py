"""The deletion ledger: which vendor copies are left, what to do next, how far deletion is proven.

In: VendorCopy rows and what happened. Out: the next row, the next action, an Erasure. Never claims more than was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from connector.records import Erasure, Stamp, VendorCopy

Action = Literal["ask", "verify", "await"]
HowFar = Literal["nothing", "owed", "untold", "awaited", "kept", "lapsed", "deleted"]

# Copies of these kinds can be read back, so only a read that finds them gone ends them. A gateway completion has no
# read: the vendor's answer to the deletion is the most that can be known of it.
PROVABLE = frozenset({"upload", "transcript", "redacted-audio"})
UNPROVABLE = frozenset({"completion"})
KEPT = "kept-draft"
"""A completion at a service that offers no deletion: nothing can be asked for, and nothing is claimed."""
UNNAMED = "unknown:"
"""How the vendor's id of a copy begins while nobody here knows it: asked for, and no answer came."""

_RANK = {"held": 0, "asked": 1, "answered": 2, "verified": 3, "lapsed": 3}


class ErasureEvent(StrEnum):
    """What happened to one copy.

    `asked`: a deletion is about to be sent. `answered`: the vendor said done, or that it knows no such thing.
    `verified`: a read found it gone. `still-there`: a read found it after the vendor said done. `lapsed`: by the
    vendor's own rule it has ended by now; nobody could ask for it, and nobody looked.
    """

    ASKED = "asked"
    ANSWERED = "answered"
    VERIFIED = "verified"
    STILL_THERE = "still-there"
    LAPSED = "lapsed"


def next_action(copy: VendorCopy) -> Action | None:
    """Say what one copy still needs: `ask` the vendor to delete it, `verify` that it is gone, or None when done.

    A copy that was asked for without an answer is asked for again: deleting twice does no harm. `await`: there is no
    id to ask with, so it is there until the vendor's own rule ends it; a copy with `expires_at` is such a one.
    """
    if copy.kind == KEPT or copy.state in ("verified", "lapsed"):
        return None
    if copy.state == "answered":
        return None if copy.kind in UNPROVABLE else "verify"
    return "await" if is_unnamed(copy) or copy.expires_at is not None else "ask"


def is_unnamed(copy: VendorCopy) -> bool:
    """Whether the vendor's id of this copy never reached us."""
    return copy.vendor_id.startswith(UNNAMED)


def advance(copy: VendorCopy, event: ErasureEvent, now: datetime) -> VendorCopy:
    """Return the copy after `event` at `now`; the first time of each step is kept.

    States only move forward, so a late or repeated event changes nothing; only `still-there` sends a provable copy
    back to `held`, to be asked for again. An unprovable kind never becomes `verified`: its event counts as answered.
    A copy lapses only once its `expires_at` has passed.
    """
    if event is ErasureEvent.STILL_THERE:
        if copy.kind in UNPROVABLE or copy.state == "held":
            return copy
        return replace(copy, state="held", asked_at=None, answered_at=None, verified_at=None, expires_at=None)
    if event is ErasureEvent.LAPSED and (copy.expires_at is None or now < copy.expires_at):
        return copy
    if event is ErasureEvent.VERIFIED and copy.kind in UNPROVABLE:
        event = ErasureEvent.ANSWERED
    if _RANK[event.value] <= _RANK[copy.state]:
        return copy
    if event is ErasureEvent.ASKED:
        return replace(copy, state="asked", asked_at=now)
    if event is ErasureEvent.ANSWERED:
        return replace(copy, state="answered", asked_at=copy.asked_at or now, answered_at=now)
    if event is ErasureEvent.LAPSED:
        return replace(copy, state="lapsed")
    return replace(copy, state="verified", verified_at=now)


def how_far(copies: Sequence[VendorCopy]) -> HowFar:
    """Say of all copies of a visit what is true of the one that is worst off.

    `owed`: a deletion is still to be asked for or checked. `untold`: nobody can ask for it, and nobody says how long it
    is kept. `awaited`: nobody can ask for it, and it has a day on which the vendor's own rule ends it. `kept`: the
    service offers no deletion. `lapsed`: that day has passed, and nobody looked. `deleted`: each was read back, or is
    of a kind that cannot be read and was reported deleted. `nothing`: no copy ever left.
    """
    found: set[HowFar] = {_how_far(copy) for copy in copies}
    worst: tuple[HowFar, ...] = ("owed", "untold", "awaited", "kept", "lapsed", "deleted")
    return next((one for one in worst if one in found), "nothing")


def _how_far(copy: VendorCopy) -> HowFar:
    if copy.kind == KEPT:
        return "kept"
    todo = next_action(copy)
    if todo == "await":
        return "untold" if copy.expires_at is None else "awaited"
    if todo is not None:
        return "owed"
    return "lapsed" if copy.state == "lapsed" else "deleted"


def summarise(copies: Sequence[VendorCopy], stamp: Stamp) -> Erasure:
    """Return the Erasure of one visit: complete when no copy needs anything more."""
    return Erasure(copies=tuple(copies), complete=all(next_action(copy) is None for copy in copies), stamp=stamp)

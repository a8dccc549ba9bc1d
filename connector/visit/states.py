"""The states of a visit, as three tables side by side: transitions, owners, audit events. In: nothing. Out: look-ups.

The diagram in ARCHITECTURE.md is generated from these tables; no other place may move a visit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What is true of a visit. What is being tried is the step; what is wrong is the attention flag."""

    LAUNCHED = "LAUNCHED"
    PRIMED = "PRIMED"
    CAPTURING = "CAPTURING"
    CAPTURED = "CAPTURED"
    TRANSCRIBED = "TRANSCRIBED"
    DRAFTED = "DRAFTED"
    SIGNED = "SIGNED"
    FILED = "FILED"
    AMENDED = "AMENDED"
    DISCARDED = "DISCARDED"
    EXPIRED = "EXPIRED"
    ERASED = "ERASED"


class Owner(StrEnum):
    """Who has to act next."""

    SYSTEM = "system"
    CLINICIAN = "clinician"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Arrow:
    """One permitted move and the audit event it writes."""

    source: State
    target: State
    event: str


UNSIGNED = (State.LAUNCHED, State.PRIMED, State.CAPTURING, State.CAPTURED, State.TRANSCRIBED, State.DRAFTED)
UNFINISHED = (*UNSIGNED, State.SIGNED, State.AMENDED)
GIVEN_UP = (State.DISCARDED, State.EXPIRED, State.ERASED)

ARROWS: tuple[Arrow, ...] = (
    Arrow(State.LAUNCHED, State.PRIMED, "visit.context-read"),
    Arrow(State.PRIMED, State.PRIMED, "visit.consent-recorded"),
    Arrow(State.PRIMED, State.CAPTURING, "visit.capture-started"),
    Arrow(State.CAPTURING, State.CAPTURED, "visit.capture-closed"),
    Arrow(State.CAPTURING, State.PRIMED, "visit.capture-dropped"),
    Arrow(State.PRIMED, State.TRANSCRIBED, "visit.text-typed"),
    Arrow(State.CAPTURED, State.TRANSCRIBED, "visit.transcribed"),
    Arrow(State.CAPTURED, State.PRIMED, "visit.capture-unusable"),
    Arrow(State.PRIMED, State.CAPTURED, "visit.recording-used-again"),
    Arrow(State.TRANSCRIBED, State.PRIMED, "visit.recording-destroyed"),
    Arrow(State.TRANSCRIBED, State.CAPTURED, "visit.transcription-repeated"),
    Arrow(State.TRANSCRIBED, State.DRAFTED, "visit.drafted"),
    Arrow(State.DRAFTED, State.DRAFTED, "visit.edited"),
    Arrow(State.DRAFTED, State.PRIMED, "visit.note-destroyed"),
    Arrow(State.DRAFTED, State.SIGNED, "visit.signed"),
    Arrow(State.SIGNED, State.FILED, "visit.filed"),
    Arrow(State.FILED, State.AMENDED, "visit.amendment-begun"),
    Arrow(State.AMENDED, State.SIGNED, "visit.signed"),
    *(Arrow(state, State.DISCARDED, "visit.discarded") for state in UNSIGNED),
    *(Arrow(state, State.EXPIRED, "visit.expired") for state in UNSIGNED),
    Arrow(State.FILED, State.ERASED, "visit.erased"),
    Arrow(State.DISCARDED, State.ERASED, "visit.erased"),
    Arrow(State.EXPIRED, State.ERASED, "visit.erased"),
)

OWNERS: dict[State, Owner] = {
    State.LAUNCHED: Owner.SYSTEM,
    State.PRIMED: Owner.CLINICIAN,
    State.CAPTURING: Owner.CLINICIAN,
    State.CAPTURED: Owner.SYSTEM,
    State.TRANSCRIBED: Owner.SYSTEM,
    State.DRAFTED: Owner.CLINICIAN,
    State.SIGNED: Owner.SYSTEM,
    State.FILED: Owner.SYSTEM,
    State.AMENDED: Owner.CLINICIAN,
    State.DISCARDED: Owner.SYSTEM,
    State.EXPIRED: Owner.SYSTEM,
    State.ERASED: Owner.NOBODY,
}

_BY_ENDS: dict[tuple[State, State], Arrow] = {(arrow.source, arrow.target): arrow for arrow in ARROWS}


def find_arrow(source: State, target: State) -> Arrow:
    """The arrow between two states; raises LookupError where there is none."""
    arrow = _BY_ENDS.get((source, target))
    if arrow is None:
        raise LookupError(f"no arrow leads from {source} to {target}")
    return arrow


def draw_diagram() -> str:
    """A Mermaid state diagram of the arrows, for ARCHITECTURE.md."""
    lines = ["stateDiagram-v2", "    [*] --> LAUNCHED"]
    lines += [f"    {arrow.source} --> {arrow.target}: {arrow.event.removeprefix('visit.')}" for arrow in ARROWS]
    lines.append("    ERASED --> [*]")
    return "\n".join(lines)

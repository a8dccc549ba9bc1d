"""Where a visit stands and what is being done about it. In: VisitFacts and the time. Out: steps, flag, status JSON.

Never claims a step is done that no record proves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from connector.erasure.ledger import next_action
from connector.records import ConsentAnswer, Erasure, VendorCopy
from connector.visit.states import OWNERS, Owner, State
from connector.web.moments import Moment, count, describe_age, describe_length, show_moment
from connector.web.visit_facts import VisitFacts


class StepJson(TypedDict):
    """One step as the page polls it; `seconds` since it began, or that it took."""

    key: str
    title: str
    status: str
    seconds: float | None


class AttentionJson(TypedDict):
    """The flag as the page polls it; `action` is the slug of what helps."""

    slug: str
    title: str
    text: str
    action: str
    since: str | None


class StatusJson(TypedDict):
    """The answer of GET /v/{id}/status. The page draws itself anew when `version` differs from the one it shows."""

    state: str
    owner: str
    step: str | None
    attention: AttentionJson | None
    steps: list[StepJson]
    changed_at: str
    version: str
    live: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: `status` is done, now or todo; `length` how long it took or takes, in words."""

    key: str
    title: str
    status: str
    seconds: float | None
    length: str | None


@dataclass(frozen=True, slots=True)
class AttentionView:
    """The flag beside the state. `button` posts to `post` below the visit's address; `urgent` when a person must act."""

    slug: str
    title: str
    text: str
    comfort: str | None
    action: str
    button: str | None
    post: str | None
    urgent: bool
    since: Moment | None


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


_TITLES: Mapping[str, str] = {
    "chart": "Chart read",
    "consent": "Consent recorded",
    "recording": "Recording received and sealed",
    "upload": "Sent to the transcription service",
    "transcribing": "Transcribed",
    "typed": "Visit typed",
    "drafting": "Note drafted",
    "ready": "Ready to review",
    "signed": "Signed",
    "filing": "Sent to the EHR",
    "read-back": "Read back and compared",
    "deletion": "Deleted at the transcription service",
}
_ATTENTION: Mapping[str, str] = {
    "ehr-unavailable": "The EHR cannot be reached",
    "ehr-outcome-unknown": "The EHR did not confirm the note",
    "ehr-rejected": "The EHR refused the note",
    "read-back-differs": "The EHR stored something else",
    "relaunch-needed": "Open the scribe from the chart again",
    "nothing-said": "No note was written",
    "audio-unusable": "This recording cannot be used",
    "vendor-unavailable": "The transcription service cannot be reached",
    "vendor-outcome-unknown": "The transcription service did not confirm the job",
    "vendor-rejected": "The transcription service refused the recording",
    "draft-unusable": "No usable draft came back",
    "misconfigured": "The scribe is not set up correctly",
    "internal": "Something unexpected went wrong",
}
_BUTTONS: Mapping[str, tuple[str, str]] = {
    "wait": ("Try again now", "retry"),
    "retry-filing": ("Try again now", "retry"),
    "look-in-the-ehr": ("Compare again", "retry"),
    "redraft": ("Draft again", "redraft"),
}
_COMFORT: Mapping[State, str] = {
    State.CAPTURED: "The recording is sealed here; nothing is lost.",
    State.TRANSCRIBED: "The transcript is kept here; nothing is lost.",
    State.SIGNED: "Your signed note is safe here. You can copy it below at any time.",
    State.FILED: "The note is in the EHR.",
}
_COPIES: Mapping[str, str] = {"upload": "Recording", "transcript": "Transcript", "completion": "Draft"}
_WAITING = (State.LAUNCHED, State.CAPTURED, State.TRANSCRIBED, State.SIGNED)
_AFTER_SIGNING = (State.SIGNED, State.FILED, State.ERASED)


def build_status(facts: VisitFacts, now: datetime) -> StatusJson:
    """The JSON the page polls; the same facts the page is drawn from."""
    flag = build_attention(facts, now)
    state = State(facts.row.state)
    return StatusJson(
        state=state.value,
        owner=OWNERS[state].value,
        step=facts.row.step,
        attention=None
        if flag is None
        else AttentionJson(
            slug=flag.slug,
            title=flag.title,
            text=flag.text,
            action=flag.action,
            since=flag.since.iso if flag.since else None,
        ),
        steps=[
            StepJson(key=step.key, title=step.title, status=step.status, seconds=step.seconds)
            for step in build_steps(facts, now)
        ],
        changed_at=facts.row.changed_at.isoformat(),
        version=name_version(facts),
        live=is_live(facts),
    )


def name_version(facts: VisitFacts) -> str:
    """Changes whenever the page has something else to show than before; edits of the note are the page's own."""
    complete = facts.erasure.complete if facts.erasure else False
    consent = facts.consent.consent_id if facts.consent else ""
    return ".".join((facts.row.state, facts.row.attention or "", consent, "gone" if complete else "held"))


def is_live(facts: VisitFacts) -> bool:
    """Whether something will change without the clinician doing anything."""
    state = State(facts.row.state)
    if state is State.FILED:
        return facts.erasure is not None and not facts.erasure.complete
    return state in _WAITING


def build_attention(facts: VisitFacts, now: datetime) -> AttentionView | None:
    """The flag in words, with what helps; None when nothing is wrong."""
    row = facts.row
    if row.attention is None:
        return None
    action = row.attention_action or "wait"
    button, post = _BUTTONS.get(action, (None, None))
    return AttentionView(
        slug=row.attention,
        title=_ATTENTION.get(row.attention, "This visit needs attention"),
        text=row.attention_text or "",
        comfort=_COMFORT.get(State(row.state)),
        action=action,
        button=button,
        post=post,
        urgent=action != "wait",
        since=show_moment(row.attention_at, now) if row.attention_at else None,
    )


def build_steps(facts: VisitFacts, now: datetime) -> tuple[StepView, ...]:
    """The steps of the stretch the visit is in: up to the draft, or from the signature on."""
    if State(facts.row.state) in _AFTER_SIGNING:
        return _arrange(*_filing_steps(facts), now=now)
    return _arrange(*_drafting_steps(facts), now=now)


Reached = tuple[str, datetime | None]
"""A step and when it ended; the first one without an end is the one that is going on."""


def _arrange(keys: Sequence[Reached], *, begun: datetime, now: datetime) -> tuple[StepView, ...]:
    steps: list[StepView] = []
    start, going = begun, True
    for key, ended in keys:
        status = "done" if ended is not None and going else "now" if going else "todo"
        end = ended if status == "done" else now if status == "now" else None
        seconds = round(max(0.0, (end - start).total_seconds()), 1) if end is not None else None
        steps.append(
            StepView(key, _TITLES[key], status, seconds, describe_length(seconds) if seconds is not None else None)
        )
        if status == "done" and ended is not None:
            start = ended
        else:
            going = False
    return tuple(steps)

"""Where a visit stands and what is being done about it. In: VisitFacts. Out: steps, flag, status JSON.

Never claims a step is done that no record proves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from connector.context.chart import SECTIONS, may_mend
from connector.erasure.ledger import KEPT, how_far, is_unnamed, next_action
from connector.records import ConsentAnswer, Erasure, VendorCopy
from connector.visit.priming import COMPLETABLE, is_unfinished
from connector.visit.redrafting import is_redrafting
from connector.visit.states import OWNERS, State
from connector.visit.vendor_account import WAITING
from connector.web.chart_view import is_unasked
from connector.web.fetch_view import FetchJson, build_fetch_json
from connector.web.moments import Moment, describe_length, show_moment
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
    """The answer of GET /v/{id}/status. The page draws itself anew when `version` differs from the one it shows.

    `reading`: a part of the chart is still being read.
    """

    state: str
    owner: str
    step: str | None
    attention: AttentionJson | None
    steps: list[StepJson]
    changed_at: str
    version: str
    live: bool
    reading: bool
    fetch: FetchJson | None


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
    """The flag beside the state. `button` posts to `post` below the visit's address; `urgent`: a person must act."""

    slug: str
    title: str
    text: str
    comfort: str | None
    action: str
    button: str | None
    post: str | None
    urgent: bool
    since: Moment | None


# What a step is called once it is done, and until then.
_TITLES: Mapping[str, tuple[str, str]] = {
    "chart": ("Chart read", "Read the chart"),
    "consent": ("Consent recorded", "Ask for consent"),
    "recording": ("Recording sealed", "Bring in the recording"),
    "upload": ("Sent to transcription", "Send to transcription"),
    "transcribing": ("Transcribed", "Transcribe"),
    "typed": ("Visit typed", "Type the visit"),
    "drafting": ("Note drafted", "Draft the note"),
    "ready": ("Ready to review", "Ready to review"),
    "signed": ("Signed", "Sign"),
    "filing": ("Stored in the EHR", "Store in the EHR"),
    "read-back": ("Read back: identical", "Read back and compare"),
    "deletion": ("Deleted at the transcription service", "Delete at the transcription service"),
    "deletion-asked": ("Deleted, as far as anybody can ask", "Delete at the transcription service"),
    "deletion-unasked": (
        "Nothing more can be asked for; a copy may still be there",
        "Delete at the transcription service",
    ),
    "deletion-lapsed": ("Ended by the vendor's own rule; nothing was asked for", "Delete at the transcription service"),
}
# Steps that wait for a person, or take no time of their own.
_UNTIMED = ("consent", "recording", "typed", "ready", "signed", "read-back")
_ATTENTION: Mapping[str, str] = {
    "ehr-unavailable": "The EHR cannot be reached",
    "client-not-accepted": "The EHR does not accept the scribe's registration",
    "ehr-outcome-unknown": "The EHR did not confirm the note",
    "ehr-rejected": "The EHR refused the note",
    "read-back-differs": "The EHR stored something else",
    "relaunch-needed": "Open the scribe from the chart again",
    "nothing-said": "No note was written",
    "cut-off": "The transcription has to be made again",
    "doubtful": "One question before the note is drafted",
    "probe-busy": "The recording could not be examined just now",
    "audio-unusable": "This recording cannot be used",
    "address-refused": "The recording cannot be fetched from this address",
    "source-refused": "The recording could not be fetched",
    "source-unavailable": "The recording could not be fetched yet",
    "no-space": "There is no room for more sound",
    "vendor-unavailable": "The transcription service cannot be reached",
    "vendor-account": "The transcription service does not accept the practice's account",
    "cap-reached": "This month's budget allows no more just now",
    "transcription-stuck": "The transcription service got stuck",
    "transcript-gone": "The transcription was lost and is made anew",
    "vendor-outcome-unknown": "The transcription service did not confirm the job",
    "vendor-rejected": "The transcription service refused the recording",
    "draft-unusable": "No usable draft came back",
    "misconfigured": "The scribe is not set up correctly",
    "internal": "Something unexpected went wrong",
}
# The same of a draft's vendor; what is deleted afterwards asks for help, and is the first list's.
_OF_DRAFTS: Mapping[str, str] = {
    "vendor-unavailable": "The language model service cannot be reached",
    "vendor-account": "The language model service does not accept the practice's account",
    "vendor-outcome-unknown": "The language model service did not confirm the draft",
    "vendor-rejected": "The language model service refused the draft",
}
_BUTTONS: Mapping[str, tuple[str, str]] = {
    "wait": ("Try again now", "retry"),
    "retry-filing": ("Try again now", "retry"),
    "look-in-the-ehr": ("Compare again", "retry"),
    "transcribe-again": ("Transcribe again", "retry"),
    "redraft": ("Draft again", "redraft"),
}
_COMFORT: Mapping[State, str] = {
    State.CAPTURED: "The recording is sealed here; nothing is lost.",
    State.TRANSCRIBED: "The transcript is kept here; nothing is lost.",
    State.DRAFTED: "The note stands below as it was.",
    State.SIGNED: "It stays here until it is filed; you can copy it below at any time.",
    State.FILED: "The note is in the EHR.",
}
_WAITING = (State.LAUNCHED, State.CAPTURED, State.TRANSCRIBED, State.SIGNED)
_JOINING = "joining"
_RANKS: Mapping[State, int] = {
    State.LAUNCHED: 0,
    State.PRIMED: 1,
    State.CAPTURING: 1,
    State.CAPTURED: 2,
    State.TRANSCRIBED: 3,
    State.DRAFTED: 4,
}


def build_status(facts: VisitFacts) -> StatusJson:
    """The JSON the page polls; the same facts the page is drawn from."""
    flag = build_attention(facts)
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
            for step in build_steps(facts)
        ],
        changed_at=facts.row.changed_at.isoformat(),
        version=name_version(facts),
        live=is_live(facts),
        reading=is_reading(facts),
        fetch=build_fetch_json(facts.fetch),
    )


def name_version(facts: VisitFacts) -> str:
    """Changes whenever the page has something else to show than before; edits of the note are the page's own."""
    complete = facts.erasure.complete if facts.erasure else False
    consent = facts.consents[0].consent_id if facts.consents else ""
    fetch = "fetching" if facts.fetch else ""
    again = "redrafting" if is_redrafting(facts.row) else ""
    return ".".join((facts.row.state, facts.row.attention or "", consent, "gone" if complete else "held", fetch, again))


def is_live(facts: VisitFacts) -> bool:
    """Whether something will change without the clinician doing anything."""
    state = State(facts.row.state)
    owed = any(next_action(copy) in ("ask", "verify") for copy in (facts.erasure.copies if facts.erasure else ()))
    if state is State.FILED or (state is State.PRIMED and any(one.destroyed for one in facts.consents)):
        return owed
    if state is State.TRANSCRIBED and facts.sound.asks:
        return False
    return state in _WAITING or facts.fetch is not None or is_redrafting(facts.row)


def is_reading(facts: VisitFacts) -> bool:
    """Whether a part of the chart is still being read."""
    return facts.row.state == State.LAUNCHED or is_unfinished(facts.row, facts.context)


def can_read_again(facts: VisitFacts) -> bool:
    """Whether a part of the chart could not be read, or not wholly, and may be read again."""
    context = facts.context
    mendable = [name for name in SECTIONS if context and may_mend(getattr(context, name))]
    return facts.row.state in COMPLETABLE and any(not is_unasked(name, getattr(context, name)) for name in mendable)


def build_attention(facts: VisitFacts) -> AttentionView | None:
    """The flag in words, with what helps; None when nothing is wrong."""
    row = facts.row
    if row.attention is None:
        return None
    action = row.attention_action or "wait"
    button, post = _BUTTONS.get(action, (None, None))
    drafting = row.state in (State.TRANSCRIBED, State.DRAFTED) and action != "ask-for-help"
    titles = {**_ATTENTION, **_OF_DRAFTS} if drafting else _ATTENTION
    return AttentionView(
        slug=row.attention,
        title=titles.get(row.attention, "This visit needs attention"),
        text=row.attention_text or "",
        comfort=_COMFORT.get(State(row.state)),
        action=action,
        button=button,
        post=post,
        urgent=action not in ("wait", WAITING),
        since=show_moment(row.attention_at, facts.now) if row.attention_at else None,
    )


def build_steps(facts: VisitFacts) -> tuple[StepView, ...]:
    """The steps of the stretch the visit is in: up to the draft, or from the signature on; none once it is over."""
    state = State(facts.row.state)
    if state in _RANKS:
        steps = _arrange(_drafting_steps(facts, _RANKS[state]), begun=facts.row.created_at, now=facts.now)
        return tuple(_name_joining(step) for step in steps) if facts.row.step == _JOINING else steps
    if state in (State.SIGNED, State.FILED):
        begun = facts.signed.signed_at if facts.signed else facts.row.changed_at
        return _arrange(_filing_steps(facts, filed=state is State.FILED), begun=begun, now=facts.now)
    return ()


Reached = tuple[str, datetime | None]
"""A step and when it ended; the first one without an end is the one that is going on."""


def _name_joining(step: StepView) -> StepView:
    """Before pieces can be sent they are put together, which takes a while when they are long."""
    return replace(step, title="Put the recording together") if step.key == "upload" else step


def _drafting_steps(facts: VisitFacts, rank: int) -> list[Reached]:
    moved = facts.row.changed_at
    chart = _reached(rank >= 1, facts.context.stamp.at if facts.context else moved)
    answered = facts.consent.stamp.at if facts.consent else None
    transcribed = _reached(rank >= 3, facts.transcript.stamp.at if facts.transcript else moved)
    drafted = _reached(rank >= 4, facts.note.draft.stamp.at if facts.note else moved)
    ending: list[Reached] = [("drafting", drafted), ("ready", drafted)]
    if _is_typed(facts, rank):
        asked: list[Reached] = [("consent", answered)] if answered else []
        return [("chart", chart), *asked, ("typed", transcribed), *ending]
    taken = facts.recording.stamp.at if facts.recording else moved
    sent = _sent_at(facts.erasure, taken) or transcribed
    return [
        ("chart", chart),
        ("consent", answered or _reached(rank >= 2, taken)),
        ("recording", _reached(rank >= 2, taken)),
        ("upload", _reached(rank >= 2, sent)),
        ("transcribing", transcribed),
        *ending,
    ]


def _filing_steps(facts: VisitFacts, *, filed: bool) -> list[Reached]:
    signed = facts.signed.signed_at if facts.signed else facts.row.changed_at
    stored = _reached(filed, facts.filing.stamp.at if facts.filing else facts.row.changed_at)
    steps: list[Reached] = [("signed", signed), ("filing", stored), ("read-back", stored)]
    if owed := [copy for copy in (facts.erasure.copies if facts.erasure else ()) if copy.kind != KEPT]:
        ends = [at for copy in owed if (at := copy.verified_at or copy.answered_at)]
        reached = how_far(owed)
        steps.append((_name_deletion(owed), _reached(reached != "owed", max(ends, default=facts.row.changed_at))))
    return steps


def _name_deletion(copies: Sequence[VendorCopy]) -> str:
    """What the last step says: deleted only where a copy was."""
    reached = how_far(copies)
    if reached not in ("untold", "awaited", "lapsed"):
        return "deletion"
    if any(how_far((copy,)) == "deleted" for copy in copies):
        return "deletion-asked"
    return "deletion-lapsed" if reached == "lapsed" else "deletion-unasked"


def _reached(reached: bool, at: datetime | None) -> datetime | None:
    return at if reached else None


def _is_typed(facts: VisitFacts, rank: int) -> bool:
    if rank >= 3 and facts.transcript is not None:
        return facts.transcript.origin == "typed"
    return rank < 2 and facts.consent is not None and facts.consent.answer is not ConsentAnswer.GIVEN


def _sent_at(erasure: Erasure | None, taken: datetime) -> datetime | None:
    """When the vendor had the present recording; copies of an earlier one do not count."""
    copies = erasure.copies if erasure else ()
    sent = [copy for copy in copies if copy.kind == "upload" and not is_unnamed(copy)]
    times = [copy.made_at for copy in sent if copy.made_at >= taken]
    return max(times, default=None)


def _arrange(keys: Sequence[Reached], *, begun: datetime, now: datetime) -> tuple[StepView, ...]:
    """Steps in order; a step's time runs from the end of the one before. The clinician's own steps are not timed."""
    steps: list[StepView] = []
    start, going = begun, True
    for key, ended in keys:
        status = "done" if going and ended is not None else "now" if going else "todo"
        end = ended if status == "done" else now
        timed = status != "todo" and key not in _UNTIMED
        seconds = round(max(0.0, ((end or now) - start).total_seconds()), 1) if timed else None
        length = describe_length(seconds) if seconds is not None else None
        steps.append(StepView(key, _TITLES[key][status != "done"], status, seconds, length))
        start, going = ended or start, going and ended is not None
    return tuple(steps)

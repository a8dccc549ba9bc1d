"""Records to what the pages show. In: VisitFacts. Out: a frozen VisitView for templates/pages, and the status JSON.

Pure: never reads a store, a clock or a setting, and decides nothing the stages have not decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.records import ConsentAnswer, Filing, SignedNote
from connector.visit.encounter import CHOOSABLE
from connector.visit.returning import REASONS
from connector.visit.states import OWNERS, UNSIGNED, State
from connector.web import (
    chart_view,
    consent_view,
    corrections_view,
    cost_view,
    erasure_view,
    fetch_view,
    note_view,
    progress_view,
    redacted_view,
    sound_view,
    terms_view,
)
from connector.web.moments import Moment, show_moment
from connector.web.progress_view import build_status
from connector.web.visit_facts import VisitFacts

__all__ = ["VisitFacts", "VisitView", "build_status", "build_visit_view"]


@dataclass(frozen=True, slots=True)
class SignView:
    """What would be signed, by whom; `hindrance` says why nobody can."""

    text: str
    sha256: str
    revision: int
    attestation: str
    signer: str
    checks: int
    hindrance: str | None


@dataclass(frozen=True, slots=True)
class SignedView:
    """The note as signed."""

    text: str
    signer: str
    at: Moment
    version: int


@dataclass(frozen=True, slots=True)
class FilingView:
    """Where the note stands in the EHR."""

    document_reference: str
    composition: str | None
    identical: bool
    at: Moment


@dataclass(frozen=True, slots=True)
class VisitView:
    """One visit's page. `panel` names the template of its main part, `base` the path all its addresses begin with.

    `discard_reasons`: pairs of slug and words, none where the visit can no longer be given up. `limits`: sentences on
    what this launch will not be able to do, as long as that still matters; `heard_less`: what will be recognised less
    well, before and while it is recorded. `reading`: the chart is still being read;
    `again`: reading it again can help.
    """

    launch_id: str
    base: str
    csrf: str
    state: str
    owner: str
    panel: str
    heading: str
    lead: str | None
    ribbon: str | None
    version: str
    live: bool
    patient: chart_view.PatientView | None
    full_banner: bool
    clinician: str | None
    attention: progress_view.AttentionView | None
    steps: tuple[progress_view.StepView, ...]
    encounters: chart_view.EncountersView | None
    chart: tuple[chart_view.ChartSectionView, ...]
    keyterms: terms_view.KeytermsView | None
    sent: tuple[terms_view.SentView, ...]
    reading: bool
    again: bool
    consent: consent_view.ConsentView
    may_record: bool
    may_fetch: bool
    fetch: fetch_view.FetchView | None
    must_type: bool
    transcript: note_view.TranscriptView | None
    corrections: corrections_view.CorrectionsView | None
    note: note_view.NoteView | None
    redraft: corrections_view.RedraftView | None
    audio: bool
    sound: sound_view.SoundView
    sign: SignView | None
    signed: SignedView | None
    filing: FilingView | None
    erasure: erasure_view.ErasureView | None
    cost: cost_view.CostView | None
    redacted: redacted_view.RedactedView | None
    discard_reasons: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]
    heard_less: tuple[str, ...]


_PANELS: dict[State, tuple[str, str]] = {
    State.LAUNCHED: ("reading", "Reading the chart…"),
    State.PRIMED: ("primed", "Prepare the visit"),
    State.CAPTURING: ("primed", "Finish the recording"),
    State.CAPTURED: ("waiting", "Transcribing the visit…"),
    State.TRANSCRIBED: ("waiting", "Drafting the note…"),
    State.DRAFTED: ("review", "Review the note"),
    State.SIGNED: ("signed", "Signed. Filing in the EHR…"),
    State.FILED: ("signed", "Filed in the EHR"),
    State.AMENDED: ("signed", "This note is being amended"),
    State.DISCARDED: ("closed", "This visit was discarded"),
    State.EXPIRED: ("closed", "This visit has expired"),
    State.ERASED: ("closed", "This visit was erased"),
}

_BEFORE_WORDS = (State.LAUNCHED, State.PRIMED, State.CAPTURING, State.CAPTURED)


def build_visit_view(facts: VisitFacts) -> VisitView:
    """The page of one visit."""
    now = facts.now
    state = State(facts.row.state)
    attention = progress_view.build_attention(facts)
    panel, heading = _PANELS[state]
    given = facts.standing.may_record
    # One that is being made again in another language is not shown meanwhile.
    said = facts.transcript if state not in _BEFORE_WORDS else None
    transcript = note_view.build_transcript(said)
    sound = sound_view.build_sound(facts.sound, state, recording=facts.recording, transcript=said, now=now)
    note = note_view.build_note(facts.note, transcript=facts.transcript, chart=chart_view.name_sources(facts.context))
    return VisitView(
        launch_id=facts.launch_id,
        base=f"/v/{facts.launch_id}",
        csrf=facts.csrf,
        state=state.value,
        owner=OWNERS[state].value,
        panel=panel,
        heading=_choose_heading(facts, heading),
        lead=_choose_lead(facts),
        ribbon=choose_ribbon(transcript, note),
        version=progress_view.name_version(facts),
        live=progress_view.is_live(facts),
        patient=chart_view.build_patient(facts.context, now.date()),
        full_banner=facts.launch.need_patient_banner,
        clinician=facts.launch.practitioner_name,
        attention=attention,
        steps=progress_view.build_steps(facts),
        encounters=_build_encounters(facts),
        chart=chart_view.build_chart(facts.context),
        keyterms=terms_view.build_keyterms(facts.hints, facts.context),
        sent=terms_view.build_sent(facts.sent, facts.context, now),
        reading=progress_view.is_reading(facts),
        again=progress_view.can_read_again(facts),
        consent=consent_view.build_consent(facts),
        may_record=given and state in (State.PRIMED, State.CAPTURING),
        may_fetch=facts.may_fetch,
        fetch=fetch_view.build_fetch(facts.fetch),
        must_type=bool(facts.standing.refusing),
        transcript=transcript,
        corrections=corrections_view.build_corrections(facts.transcript, state, waiting=_is_drafting(facts)),
        note=note,
        redraft=corrections_view.build_redraft(facts.note.draft if facts.note else None, facts.transcript, facts.row),
        audio=sound.playable and transcript is not None and bool(transcript.length),
        sound=sound,
        sign=_build_sign(facts, len(note.checks) if note else 0),
        signed=_build_signed(facts.signed, now),
        filing=_build_filing(facts.filing, now),
        erasure=erasure_view.build_erasure(facts.erasure, now, facts.retention),
        cost=cost_view.build_cost(facts.costs),
        redacted=redacted_view.build_redacted(facts.redacted, facts.row.visit_id),
        discard_reasons=tuple(REASONS.items()) if state in UNSIGNED else (),
        limits=tuple(one.sentence for one in facts.limits) if state in UNSIGNED else (),
        heard_less=facts.heard_less if state in (State.PRIMED, State.CAPTURING) else (),
    )


def _is_drafting(facts: VisitFacts) -> bool:
    """Whether the first draft is being made, with nothing to answer and nothing gone wrong."""
    return not facts.sound.asks and facts.row.attention is None


def _choose_heading(facts: VisitFacts, heading: str) -> str:
    """Says what is true where a flag makes the state's own heading too hopeful."""
    if facts.fetch is not None:
        return "Fetching the recording…"
    if State(facts.row.state) is State.TRANSCRIBED and facts.sound.asks:
        return "One question before the note"
    if facts.row.attention is None:
        return heading
    return {
        State.CAPTURED: "The recording is waiting",
        State.TRANSCRIBED: "The draft is waiting",
        State.SIGNED: "Signed, not yet in the EHR",
        State.LAUNCHED: "The chart is not read yet",
    }.get(State(facts.row.state), heading)


def choose_ribbon(transcript: note_view.TranscriptView | None, note: note_view.NoteView | None) -> str | None:
    """What stands over every page of a visit in which a sandbox spoke or wrote."""
    if transcript is not None and transcript.played_back:
        return transcript.label
    return note.label if note is not None else None


def _choose_lead(facts: VisitFacts) -> str | None:
    """One sentence saying what to do now."""
    state = State(facts.row.state)
    if state is State.TRANSCRIBED and facts.sound.asks:
        return "One answer, and the note is drafted."
    answer = facts.consent.answer if facts.consent else None
    if state is State.PRIMED:
        if answer is None:
            return "Ask the patient, then record the visit or bring in a recording."
        if answer is ConsentAnswer.GIVEN and not facts.standing.refusing:
            missing = facts.standing.unasked and not facts.standing.may_record
            return "Ask everybody in the room." if missing else "Record the visit, or bring in a recording of it."
        return "Type what happened; nothing is recorded."
    if facts.fetch is not None:
        return "It goes on by itself, also when this panel is closed."
    return {
        State.CAPTURING: "A recording is under way, or has not arrived completely yet.",
        State.CAPTURED: "You can close this panel and come back: the work goes on.",
        State.TRANSCRIBED: "You can close this panel and come back: the work goes on.",
        State.DRAFTED: "Nothing goes to the EHR before you sign.",
        State.DISCARDED: "Nothing was filed, and what was kept is being deleted.",
        State.EXPIRED: "It was not signed in time. What was kept is being deleted.",
        State.ERASED: "Nothing of it is kept here any more. The signed note is in the EHR.",
    }.get(state)


def _build_encounters(facts: VisitFacts) -> chart_view.EncountersView | None:
    launch = facts.launch
    if State(facts.row.state) not in CHOOSABLE or (launch.encounter is not None and not launch.encounter_chosen):
        return None
    return chart_view.build_encounters(facts.context, chosen=launch.encounter, today=facts.now.date())


def _build_sign(facts: VisitFacts, checks: int) -> SignView | None:
    note, launch = facts.note, facts.launch
    if note is None or State(facts.row.state) is not State.DRAFTED:
        return None
    return SignView(
        text=note.text,
        sha256=note.sha256,
        revision=note.draft.revision,
        attestation=facts.attestation,
        signer=launch.practitioner_name or launch.practitioner or "",
        checks=checks,
        hindrance=None
        if launch.practitioner
        else "The EHR did not say who you are, so this note can be copied but not signed here.",
    )


def _build_signed(signed: SignedNote | None, now: datetime) -> SignedView | None:
    if signed is None:
        return None
    return SignedView(signed.text, signed.signer_name, show_moment(signed.signed_at, now), signed.version)


def _build_filing(filing: Filing | None, now: datetime) -> FilingView | None:
    if filing is None:
        return None
    identical = filing.read_back == "identical"
    return FilingView(filing.document_reference, filing.composition, identical, show_moment(filing.stamp.at, now))

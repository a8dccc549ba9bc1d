"""The page "What the scribe knows". In: VisitFacts. Out: a frozen KnowsView for templates/pages/knows.html.

Never offers a change that would be refused, and never calls a list sent that was not.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.hints.editing import LONGEST
from connector.visit.listening import EDITABLE
from connector.visit.states import GIVEN_UP, State
from connector.web import chart_view, note_view, progress_view, terms_view
from connector.web.views import choose_ribbon
from connector.web.visit_facts import VisitFacts


@dataclass(frozen=True, slots=True)
class KnowsView:
    """`base` is the visit's address, `page` this page's. `reading`: a part of the chart is being read now.

    `sections` are all parts of the chart that were asked for, `unasked` those not to be had here. `unread` are the
    titles of parts that could not be read, `again` whether reading them again can help. `longest` is in characters.
    """

    base: str
    page: str
    csrf: str
    state: str
    lead: str
    ribbon: str | None
    patient: chart_view.PatientView | None
    full_banner: bool
    clinician: str | None
    reading: bool
    unread: tuple[str, ...]
    again: bool
    sections: tuple[chart_view.ChartSectionView, ...]
    unasked: tuple[chart_view.ChartSectionView, ...]
    keyterms: terms_view.KeytermsView | None
    editable: bool
    longest: int
    sent: tuple[terms_view.SentView, ...]


def build_knows_view(facts: VisitFacts) -> KnowsView:
    """The page of one visit, whatever state it is in."""
    state = State(facts.row.state)
    sections = chart_view.build_chart(facts.context)
    transcript = note_view.build_transcript(facts.transcript)
    note = note_view.build_note(facts.note, transcript=facts.transcript, chart=chart_view.name_sources(facts.context))
    return KnowsView(
        base=f"/v/{facts.launch_id}",
        page=f"/v/{facts.launch_id}/knows",
        csrf=facts.csrf,
        state=state.value,
        lead=_choose_lead(facts, state),
        ribbon=choose_ribbon(transcript, note),
        patient=chart_view.build_patient(facts.context, facts.now.date()),
        full_banner=facts.launch.need_patient_banner,
        clinician=facts.launch.practitioner_name,
        reading=progress_view.is_reading(facts),
        unread=tuple(one.title for one in sections if one.unread),
        again=progress_view.can_read_again(facts),
        sections=tuple(one for one in sections if not one.unasked),
        unasked=tuple(one for one in sections if one.unasked),
        keyterms=terms_view.build_keyterms(facts.hints, facts.context),
        editable=state in EDITABLE and facts.hints is not None,
        longest=LONGEST,
        sent=terms_view.build_sent(facts.sent, facts.context, facts.now),
    )


def _choose_lead(facts: VisitFacts, state: State) -> str:
    """One sentence on what can be done here now."""
    if state in GIVEN_UP or (facts.context is None and state is not State.LAUNCHED):
        return "This visit is over."
    if state is State.LAUNCHED:
        return "The chart is being read."
    if state in EDITABLE:
        return "You can change the names until the recording has ended."
    return "The recording has ended: nothing here can be changed any more."

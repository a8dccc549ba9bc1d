"""The page "What the scribe knows": what is offered in which state, and that nothing is offered in vain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.context.searchset import NOT_GRANTED
from connector.records import PatientContext, Section, SectionState
from connector.visit.states import State
from connector.web.knows_view import build_knows_view
from tests.unit.web.samples import ago, context, facts, hints

LATER = ("assessments", "immunizations", "procedures", "care_team", "appointments", "goals", "care_plans", "orders")


def chart(**sections: Section[object]) -> PatientContext:
    """A chart that was read to its end, with these sections otherwise."""
    empty: Section[object] = Section(SectionState.EMPTY)
    return replace(context(), **dict.fromkeys((*LATER, "notes"), empty) | sections)


@pytest.mark.parametrize("state", list(State))
def test_names_can_be_changed_before_the_recording_has_ended_and_not_after(state: State) -> None:
    view = build_knows_view(facts(state.value))
    assert view.editable is (state in (State.PRIMED, State.CAPTURING))
    assert ("change" in view.lead) is (state not in (State.LAUNCHED, *_OVER) and view.keyterms is not None)
    assert view.page == "/v/launch-1/knows"


_OVER = (State.DISCARDED, State.EXPIRED, State.ERASED)


def test_a_chart_with_a_part_pending_is_being_read() -> None:
    assert build_knows_view(facts("PRIMED", context=context())).reading
    assert build_knows_view(facts("LAUNCHED")).reading
    assert not build_knows_view(facts("PRIMED", context=chart())).reading
    assert not build_knows_view(facts("FILED", context=context())).reading, "nothing is read for a note that is filed"


def test_reading_again_is_offered_where_it_can_help() -> None:
    failed: Section[object] = Section(SectionState.FAILED, detail="HTTP 503.")
    forbidden: Section[object] = Section(SectionState.FORBIDDEN)
    view = build_knows_view(facts("PRIMED", context=chart(allergies=failed, goals=failed)))
    assert view.again and view.unread == ("Allergies", "Goals")
    assert not build_knows_view(facts("FILED", context=chart(allergies=failed))).again
    refused = build_knows_view(facts("PRIMED", context=chart(allergies=forbidden)))
    assert not refused.again and refused.unread == ("Allergies",)


def test_what_is_not_to_be_had_in_this_ehr_stands_apart() -> None:
    unasked: Section[object] = Section(SectionState.FORBIDDEN, detail=NOT_GRANTED)
    view = build_knows_view(facts("PRIMED", context=chart(goals=unasked, notes=unasked)))
    assert [one.title for one in view.unasked] == ["Goals", "Earlier notes"]
    assert {one.key for one in view.sections} & {"goals", "notes"} == set()
    assert view.unread == () and not view.again


def test_every_list_that_was_sent_is_there() -> None:
    sent = (replace(hints(), sent=ago(60)), replace(hints(), keyterms=hints().keyterms[:1], sent=ago(120)))
    view = build_knows_view(facts("DRAFTED", sent=sent))
    assert [one.total for one in view.sent] == [3, 1]
    assert build_knows_view(facts("DRAFTED")).sent == ()

"""Paging, refusals and outcome entries: how one search of the chart ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connector.context.answer import FhirAnswer
from connector.context.mapping import ContextMapping, SearchPlan
from connector.context.searchset import Found, search_chart
from connector.records import SectionState

CONDITIONS = SearchPlan("Condition", {"_count": "2"}, pages=3, optional=("_count",))
NEXT = "https://ehr.example.org/fhir/Condition?at=2"


def condition(number: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": str(number), "subject": {"reference": "Patient/p"}, **more}


def outcome(code: str | None = None, severity: str = "warning", issue: str = "processing") -> dict[str, Any]:
    details = {"details": {"coding": [{"code": code}]}} if code else {}
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": issue, **details}]}


@pytest.fixture
def search(chart: Any, mapping: ContextMapping) -> Callable[..., Any]:
    async def run(plan: SearchPlan = CONDITIONS) -> Found:
        return await search_chart(chart.reader(), plan, patient_id="p", codes=mapping.outcome_codes)

    return run


async def test_every_page_is_read_in_order(chart: Any, search: Any) -> None:
    chart.page_size = 2
    chart.add(*(condition(number) for number in range(5)))
    found = await search()
    assert found.state is SectionState.OK
    assert [match["id"] for match in found.matches] == ["0", "1", "2", "3", "4"]
    assert chart.requests[0] == ("Condition", {"patient": "p", "_count": "2"})


async def test_more_pages_than_the_cap_make_it_partial(chart: Any, search: Any) -> None:
    chart.page_size = 1
    chart.add(*(condition(number) for number in range(4)))
    found = await search()
    assert (found.state, len(found.matches), len(chart.requests)) == (SectionState.PARTIAL, 3, 3)


async def test_a_page_that_breaks_off_keeps_what_was_read(chart: Any, search: Any) -> None:
    chart.page_size = 2
    chart.add(*(condition(number) for number in range(3)))
    chart.script(NEXT, FhirAnswer(500))
    found = await search()
    assert (found.state, len(found.matches)) == (SectionState.PARTIAL, 2)
    assert found.detail is not None and "500" in found.detail


async def test_a_link_to_itself_ends_as_partial(chart: Any, search: Any, searchset: Any) -> None:
    loop = searchset(condition(1), link=[{"relation": "next", "url": NEXT}])
    chart.script("Condition", FhirAnswer(200, loop)).script(NEXT, FhirAnswer(200, loop))
    found = await search(replace(CONDITIONS, pages=50))
    assert (found.state, len(found.matches), len(chart.requests)) == (SectionState.PARTIAL, 1, 2)


async def test_an_entry_repeated_across_pages_counts_once(chart: Any, search: Any, searchset: Any) -> None:
    first = searchset(condition(1), condition(2), link=[{"relation": "next", "url": NEXT}])
    chart.script("Condition", FhirAnswer(200, first))
    chart.script(NEXT, FhirAnswer(200, searchset(condition(2), condition(3))))
    assert [match["id"] for match in (await search()).matches] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (FhirAnswer(401), SectionState.FORBIDDEN, "401"),
        (FhirAnswer(403, None, "not-json"), SectionState.FORBIDDEN, "403"),
        (FhirAnswer(404), SectionState.FAILED, "404"),
        (FhirAnswer(503), SectionState.FAILED, "503"),
        (FhirAnswer(0, None, "timeout"), SectionState.FAILED, "in time"),
        (FhirAnswer(0, None, "unreachable"), SectionState.FAILED, "reached"),
        (FhirAnswer(200, None, "not-json"), SectionState.FAILED, "not FHIR JSON"),
        (FhirAnswer(200, None), SectionState.FAILED, "not FHIR JSON"),
        (FhirAnswer(200, {"resourceType": "Patient"}), SectionState.FAILED, "not FHIR JSON"),
        (FhirAnswer(0), SectionState.FAILED, "could not be read"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_never_an_empty_list(
    chart: Any, search: Any, answer: FhirAnswer, state: SectionState, said: str
) -> None:
    chart.script("Condition", answer)
    found = await search()
    assert (found.state, found.matches) == (state, ())
    assert said in found.detail


@pytest.mark.parametrize("status", [400, 405, 422, 501])
async def test_a_refused_parameter_is_given_up_once(chart: Any, search: Any, status: int) -> None:
    chart.add(condition(1)).script("Condition", FhirAnswer(status))
    assert (await search()).state is SectionState.OK
    assert chart.asked("Condition") == [{"patient": "p", "_count": "2"}, {"patient": "p"}]


async def test_a_second_refusal_is_a_failure(chart: Any, search: Any) -> None:
    chart.script("Condition", FhirAnswer(400), FhirAnswer(400))
    assert (await search()).state is SectionState.FAILED
    assert len(chart.requests) == 2


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (outcome("4101"), SectionState.EMPTY),
        (outcome("4119"), SectionState.PARTIAL),
        (outcome("4131", severity="error"), SectionState.FORBIDDEN),
        (outcome(issue="forbidden", severity="error"), SectionState.FORBIDDEN),
        (outcome("999", severity="error"), SectionState.FAILED),
        (outcome("999", severity="information"), SectionState.OK),
        (outcome(issue="incomplete"), SectionState.PARTIAL),
    ],
)
async def test_outcome_entries_without_matches(
    chart: Any, search: Any, searchset: Any, entry: dict[str, Any], state: SectionState
) -> None:
    chart.script("Condition", FhirAnswer(200, searchset(entry)))
    assert (await search()).state is state


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (outcome("4101"), SectionState.OK),
        (outcome("4119"), SectionState.PARTIAL),
        (outcome("4131", severity="error"), SectionState.PARTIAL),
        (outcome("999", severity="fatal"), SectionState.PARTIAL),
    ],
)
async def test_outcome_entries_beside_matches(
    chart: Any, search: Any, searchset: Any, entry: dict[str, Any], state: SectionState
) -> None:
    chart.script("Condition", FhirAnswer(200, searchset(condition(1), entry)))
    found = await search()
    assert (found.state, len(found.matches)) == (state, 1)


@pytest.mark.parametrize(
    ("days", "state"),
    [((9, 8, 7), SectionState.OK), ((7, 8, 9), SectionState.PARTIAL), ((9, None, 7), SectionState.PARTIAL)],
)
async def test_newest_first_is_looked_at_before_a_cap_is_forgiven(
    chart: Any, search: Any, days: tuple[int | None, ...], state: SectionState
) -> None:
    chart.page_size = 1
    for number, day in enumerate(days):
        taken = {"effectiveDateTime": f"2026-11-{day:02}"} if day else {}
        chart.add({"resourceType": "Observation", "id": str(number), **taken})
    plan = SearchPlan("Observation", {"_sort": "-date"}, pages=2, newest_first=True)
    assert (await search(plan)).state is state

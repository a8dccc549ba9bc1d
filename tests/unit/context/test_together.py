"""Several reads in one batch: each entry judged like a read, and singly where the EHR does not take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import read_context
from connector.context.mapping import ContextMapping
from connector.context.together import read_batch
from connector.records import PatientContext, SectionState

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def entry(status: str, resource: Any = None, outcome: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = {"response": {"status": status}}
    if resource is not None:
        made["resource"] = resource
    if outcome is not None:
        made["response"]["outcome"] = outcome
    return made


def batch_of(*entries: Any, kind: str = "batch-response") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Pat"}]}
ENCOUNTER = {"resourceType": "Encounter", "id": "e", "status": "in-progress", "subject": {"reference": "Patient/p"}}
NOTHING = {"resourceType": "Bundle", "type": "searchset"}
WHOLE = [entry("200 OK", PATIENT), entry("200", ENCOUNTER), *(entry("200 OK", NOTHING) for _ in range(4))]


class Batches:
    """A chart's reader that also takes a batch, and answers it as it is told to."""

    def __init__(self, chart: Any, answer: FhirAnswer) -> None:
        self.chart = chart
        self.answer = answer
        self.sent: list[Mapping[str, Any]] = []

    def reader(self) -> ChartReader:
        async def batch(bundle: Mapping[str, Any]) -> FhirAnswer:
            self.sent.append(bundle)
            return self.answer

        return replace(self.chart.reader(), batch=batch)

    async def read(self, mapping: ContextMapping) -> PatientContext:
        self.chart.add(PATIENT, ENCOUNTER)
        together = replace(mapping, batch=True)
        return await read_context(
            self.reader(), patient="Patient/p", encounter="Encounter/e", mapping=together, now=NOW
        )


async def test_one_batch_is_the_whole_first_stage(chart: Any, mapping: ContextMapping) -> None:
    batches = Batches(chart, FhirAnswer(200, batch_of(*WHOLE)))
    context = await batches.read(mapping)
    assert (len(batches.sent), chart.requests) == (1, [])
    urls = [one["request"]["url"] for one in batches.sent[0]["entry"]]
    assert urls[:2] == ["Patient/p", "Encounter/e"]
    assert urls[4] == "Condition?patient=p&clinical-status=active%2Crecurrence%2Crelapse&_count=100"
    assert {one["request"]["method"] for one in batches.sent[0]["entry"]} == {"GET"}
    assert (context.patient.state, context.encounter.state) == (SectionState.OK, SectionState.OK)
    assert context.allergies.state is SectionState.EMPTY


async def test_each_entry_is_judged_like_a_read(chart: Any, mapping: ContextMapping) -> None:
    refusals = [
        entry("403 Forbidden", None, {"resourceType": "OperationOutcome"}),
        entry("503"),
        entry("soon", NOTHING),
        entry("200 OK", [1]),
    ]
    context = await Batches(chart, FhirAnswer(200, batch_of(*WHOLE[:2], *refusals))).read(mapping)
    assert context.medications.state is SectionState.FORBIDDEN
    assert context.allergies.detail == "The EHR answered with an error (HTTP 503)."
    assert context.problems.state is context.labs.state is SectionState.FAILED
    assert (context.patient.state, chart.requests) == (SectionState.OK, [])


@pytest.mark.parametrize(
    "answer",
    [
        *(FhirAnswer(status) for status in (400, 403, 404, 405, 501)),
        FhirAnswer(200, batch_of(*WHOLE[:-1])),
        FhirAnswer(200, batch_of(*WHOLE, WHOLE[0])),
        FhirAnswer(200, batch_of(*WHOLE, kind="searchset")),
        FhirAnswer(200, {"resourceType": "OperationOutcome"}),
        FhirAnswer(200, None, "not-json"),
    ],
    ids=["400", "403", "404", "405", "501", "one less", "one more", "a searchset", "an outcome", "HTML"],
)
async def test_where_a_batch_is_not_taken_the_reads_go_singly(
    chart: Any, mapping: ContextMapping, answer: FhirAnswer
) -> None:
    batches = Batches(chart, answer)
    context = await batches.read(mapping)
    assert (len(batches.sent), len(chart.requests)) == (1, 6)
    assert context.patient.state is context.encounter.state is SectionState.OK


async def test_an_ehr_that_fails_is_not_asked_six_times_more(chart: Any, mapping: ContextMapping) -> None:
    context = await Batches(chart, FhirAnswer(0, None, "timeout")).read(mapping)
    assert chart.requests == []
    assert context.patient.detail == context.labs.detail == "The EHR did not answer in time."


async def test_a_parameter_an_entry_refuses_is_given_up_by_a_read_of_its_own(
    chart: Any, mapping: ContextMapping
) -> None:
    await Batches(chart, FhirAnswer(200, batch_of(*WHOLE[:4], entry("400 Bad Request"), WHOLE[5]))).read(mapping)
    assert chart.requests == [("Condition", {"patient": "p"})]


def test_what_is_no_batch_response_has_no_answers() -> None:
    for body in (None, [], "x", {}, batch_of(kind="batch"), {**batch_of(), "entry": "x"}):
        assert read_batch(body) == ()

"""One search of the chart, all its pages. In: a ChartReader and a SearchPlan. Out: Found: entries and how it ended.

Never raises for an HTTP status, and never takes a page that could not be read for the end of the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from connector.context.accessors import as_object, as_objects, read_codes, read_instant, read_source, read_taken
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.mapping import OutcomeCodes, SearchPlan
from connector.context.together import Request
from connector.records import SectionState

MORE_EXIST = "The EHR holds more entries than were read."
NOT_GRANTED = "The EHR did not grant this to be read."
NOT_OFFERED = "This EHR does not offer this part of the chart."
_REFUSED_PARAMETER = (400, 405, 422, 501)
_FAILURES = {
    "timeout": "The EHR did not answer in time.",
    "unreachable": "The EHR could not be reached.",
    "not-json": "The EHR's answer was not FHIR JSON.",
    "too-large": "The EHR's answer was larger than is read.",
    "foreign-link": "The EHR's list went on at another server, which was not followed.",
    "not-asked": "Reading the chart had taken too much or too long by then.",
}

PASSING = (*(_FAILURES[cause] for cause in ("timeout", "unreachable", "not-asked")), "answered with an error")
"""What a section's detail holds where reading it again may bring more."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought: resources of the wanted type in their order, and all of them by relative reference.

    `state` is ok, partial, forbidden or failed, or empty where the EHR itself says that nothing was found. `offered` is
    False where the EHR has no such list at all; `days` says how far back was searched, None for all there is.
    """

    state: SectionState
    matches: tuple[Mapping[str, Any], ...] = ()
    included: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    detail: str | None = None
    offered: bool = True
    days: int | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    entries: tuple[Mapping[str, Any], ...]
    issue: SectionState | None
    next_link: str | None


async def search_chart(
    chart: ChartReader, plan: SearchPlan, *, patient_id: str, codes: OutcomeCodes, today: date | None = None
) -> Found:
    """Read every page the plan allows; `next` links are followed verbatim (R4 §3.1.1.3.2, links are opaque).

    Nothing is asked where the plan is skipped or the launch was not granted it; without `today`, `since` is not sent.
    """
    if plan.skipped:
        return Found(SectionState.FAILED, detail=NOT_OFFERED, offered=False)
    granted = confine_plan(chart, plan)
    if granted is None:
        return Found(SectionState.FORBIDDEN, detail=NOT_GRANTED)
    answer, dated = await _open_search(chart, granted, patient_id=patient_id, today=today)
    state, detail = judge_answer(answer)
    if answer.status == 404:
        return Found(state, detail=f"{NOT_OFFERED[:-1]} (HTTP 404).", offered=False)
    if state is not SectionState.OK:
        return Found(state, detail=detail)
    pages, followed = [_read_page(answer, codes)], {""}
    broken: str | None = None
    while (link := pages[-1].next_link) and len(pages) < plan.pages and link not in followed:
        followed.add(link)
        answer = await chart.follow(link)
        state, broken = judge_answer(answer)
        if state is not SectionState.OK:
            break
        pages.append(_read_page(answer, codes))
    if broken is None and _lost_entries(pages, plan):
        broken = MORE_EXIST
    return replace(_gather(pages, plan, broken=broken), days=min(plan.since.values(), default=None) if dated else None)


def confine_plan(chart: ChartReader, plan: SearchPlan) -> SearchPlan | None:
    """The plan for what the launch was granted: of several categories those that are, None where nothing is."""
    categories = plan.categories
    if not categories:
        return plan if chart.allowed(plan.resource, "s", None) else None
    kept = [category for category in categories if chart.allowed(plan.resource, "s", category)]
    if len(kept) == len(categories):
        return plan
    return replace(plan, parameters={**plan.parameters, "category": ",".join(kept)}) if kept else None


def first_request(chart: ChartReader, plan: SearchPlan, *, patient_id: str, today: date) -> Request | None:
    """What a search asks for first; None where it asks for nothing."""
    granted = None if plan.skipped else confine_plan(chart, plan)
    return Request(plan.resource, granted.query(patient_id, today=today)) if granted else None


def _lost_entries(pages: list[_Page], plan: SearchPlan) -> bool:
    """Whether unread pages matter. A server may ignore `_sort`, so the order is looked at, not assumed."""
    if pages[-1].next_link is None:
        return False
    taken = [_read_moment(resource) for page in pages for resource in page.entries]
    dated = [moment for moment in taken if moment is not None]
    return not (plan.newest_first and len(dated) == len(taken) and dated == sorted(dated, reverse=True))


def _read_moment(resource: Mapping[str, Any]) -> datetime | None:
    moments = (resource.get("recordedDate"), resource.get("date"), resource.get("authoredOn"))
    return read_taken(resource) or next((found for one in moments if (found := read_instant(one))), None)


async def _open_search(
    chart: ChartReader, plan: SearchPlan, *, patient_id: str, today: date | None
) -> tuple[FhirAnswer, bool]:
    """The first page, and whether it was asked for with the dates of `since`."""
    asked = plan.query(patient_id, today=today)
    dated = bool(plan.since) and today is not None
    answer = await chart.read(plan.resource, asked)
    plain = plan.query(patient_id, plain=True)
    if answer.status in _REFUSED_PARAMETER and plain != asked:
        return await chart.read(plan.resource, plain), False
    return answer, dated


def judge_answer(answer: FhirAnswer, *, wanted: str = "Bundle") -> tuple[SectionState, str | None]:
    """Whether an answer can be read on: ok, forbidden (401, 403) or failed, with a sentence for people."""
    if answer.status in (401, 403):
        return SectionState.FORBIDDEN, f"The EHR did not allow this to be read (HTTP {answer.status})."
    if answer.status and not 200 <= answer.status < 300:
        return SectionState.FAILED, f"The EHR answered with an error (HTTP {answer.status})."
    if answer.failure is not None or not answer.status:
        return SectionState.FAILED, _FAILURES.get(answer.failure or "", "The EHR's answer could not be read.")
    if as_object(answer.body).get("resourceType") != wanted:
        return SectionState.FAILED, _FAILURES["not-json"]
    return SectionState.OK, None


def _read_page(answer: FhirAnswer, codes: OutcomeCodes) -> _Page:
    body = as_object(answer.body)
    resources = tuple(as_object(entry.get("resource")) for entry in as_objects(body.get("entry")))
    outcomes = [resource for resource in resources if resource.get("resourceType") == "OperationOutcome"]
    links = [link for link in as_objects(body.get("link")) if link.get("relation") == "next"]
    url = links[0].get("url") if links else None
    return _Page(
        entries=tuple(resource for resource in resources if resource.get("resourceType") != "OperationOutcome"),
        issue=_judge_outcomes(outcomes, codes),
        next_link=url if isinstance(url, str) and url else None,
    )


def _judge_outcomes(outcomes: list[Mapping[str, Any]], codes: OutcomeCodes) -> SectionState | None:
    """The gravest thing the issues say; informational ones and warnings of no listed code say nothing."""
    said: set[SectionState] = set()
    for issue in (issue for outcome in outcomes for issue in as_objects(outcome.get("issue"))):
        found = {code for _, code in read_codes(issue.get("details"))}
        if found & codes.forbidden or issue.get("code") in ("forbidden", "security", "login"):
            said.add(SectionState.FORBIDDEN)
        elif found & codes.partial or issue.get("code") in ("incomplete", "too-costly"):
            said.add(SectionState.PARTIAL)
        elif found & codes.empty:
            said.add(SectionState.EMPTY)
        elif issue.get("severity") in ("error", "fatal"):
            said.add(SectionState.FAILED)
    grave = (SectionState.FORBIDDEN, SectionState.FAILED, SectionState.PARTIAL, SectionState.EMPTY)
    return next((state for state in grave if state in said), None)


def _gather(pages: list[_Page], plan: SearchPlan, *, broken: str | None) -> Found:
    resources = _distinct([resource for page in pages for resource in page.entries])
    matches = tuple(resource for resource in resources.values() if resource.get("resourceType") == plan.resource)
    issues = {page.issue for page in pages}
    for state in (SectionState.FORBIDDEN, SectionState.FAILED):
        if state in issues and not matches:
            return Found(state, detail="The EHR refused this part of the chart.")
    if broken is not None or issues - {None, SectionState.EMPTY}:
        return Found(
            SectionState.PARTIAL, matches, resources, broken or "The EHR says that this list may be incomplete."
        )
    if SectionState.EMPTY in issues and not matches:
        return Found(SectionState.EMPTY)
    return Found(SectionState.OK, matches, resources)


def _distinct(resources: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Resources by relative reference, each once: a list that changes between pages repeats entries."""
    distinct: dict[str, Mapping[str, Any]] = {}
    for place, resource in enumerate(resources):
        source = read_source(resource)
        distinct.setdefault(source.reference if source else f"#{place}", resource)
    return distinct

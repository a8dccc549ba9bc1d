"""One search of the chart, all its pages. In: a ChartReader and a SearchPlan. Out: Found: entries and how it ended.

Never raises for an HTTP status, and never takes a page that could not be read for the end of the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.context.accessors import as_object, as_objects, read_codes, read_source, read_taken
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.mapping import OutcomeCodes, SearchPlan
from connector.records import SectionState

MORE_EXIST = "The EHR holds more entries than were read."
_REFUSED_PARAMETER = (400, 405, 422, 501)
_FAILURES = {
    "timeout": "The EHR did not answer in time.",
    "unreachable": "The EHR could not be reached.",
    "not-json": "The EHR's answer was not FHIR JSON.",
    "too-large": "The EHR's answer was larger than is read.",
    "foreign-link": "The EHR's list went on at another server, which was not followed.",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought: resources of the wanted type in their order, and all of them by relative reference.

    `state` is ok, partial, forbidden or failed, or empty where the EHR itself says that nothing was found.
    """

    state: SectionState
    matches: tuple[Mapping[str, Any], ...] = ()
    included: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    entries: tuple[Mapping[str, Any], ...]
    issue: SectionState | None
    next_link: str | None


async def search_chart(chart: ChartReader, plan: SearchPlan, *, patient_id: str, codes: OutcomeCodes) -> Found:
    """Read every page the plan allows; `next` links are followed verbatim (R4 §3.1.1.3.2, links are opaque)."""
    answer = await _open_search(chart, plan, patient_id=patient_id)
    state, detail = judge_answer(answer)
    if state is not SectionState.OK:
        return Found(state, detail=detail)
    pages, followed = [_read_page(answer, codes)], {""}
    while (link := pages[-1].next_link) and len(pages) < plan.pages and link not in followed:
        followed.add(link)
        answer = await chart.follow(link)
        state, detail = judge_answer(answer)
        if state is not SectionState.OK:
            return _gather(pages, plan, broken=detail)
        pages.append(_read_page(answer, codes))
    return _gather(pages, plan, broken=MORE_EXIST if _lost_entries(pages, plan) else None)


def _lost_entries(pages: list[_Page], plan: SearchPlan) -> bool:
    """Whether unread pages matter. A server may ignore `_sort`, so the order is looked at, not assumed."""
    if pages[-1].next_link is None:
        return False
    taken = [read_taken(resource) for page in pages for resource in page.entries]
    dated = [moment for moment in taken if moment is not None]
    return not (plan.newest_first and len(dated) == len(taken) and dated == sorted(dated, reverse=True))


async def _open_search(chart: ChartReader, plan: SearchPlan, *, patient_id: str) -> FhirAnswer:
    answer = await chart.read(plan.resource, {"patient": patient_id, **plan.parameters})
    if answer.status in _REFUSED_PARAMETER and plan.optional:
        plain = {key: value for key, value in plan.parameters.items() if key not in plan.optional}
        return await chart.read(plan.resource, {"patient": patient_id, **plain})
    return answer


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

"""Several reads in one request. In: a ChartReader and what will be read. Out: a ChartReader that has the answers.

Never takes one entry's answer for another's: a batch-response of another length is no answer, and the reads go singly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from connector.context.accessors import as_object, as_text
from connector.context.answer import ChartReader, FhirAnswer

_NOT_OFFERED = (400, 403, 404, 405, 501)


@dataclass(frozen=True, slots=True)
class Request:
    """One read or search: a path below the base and its parameters."""

    path: str
    parameters: Mapping[str, str]

    @property
    def url(self) -> str:
        """As a batch entry names it: relative to the base, parameters encoded."""
        return f"{self.path}?{urlencode(self.parameters)}" if self.parameters else self.path


async def ask_together(chart: ChartReader, requests: Sequence[Request]) -> ChartReader:
    """Send `requests` as one batch (FHIR R4, section 3.1.0.11.3); each read answered by it is not sent again.

    Where the EHR does not offer that, or answers with another number of entries, the reader is as it was. Where it
    fails otherwise, each of the reads has failed the same way.
    """
    if chart.batch is None or len(requests) < 2:
        return chart
    entries = [{"request": {"method": "GET", "url": request.url}} for request in requests]
    answer = await chart.batch({"resourceType": "Bundle", "type": "batch", "entry": entries})
    if answer.status in _NOT_OFFERED:
        return chart
    if answer.failure is None and 200 <= answer.status < 300:
        answers = read_batch(answer.body)
        if len(answers) != len(requests):
            return chart
    elif answer.failure == "not-json":
        return chart
    else:
        answers = (answer,) * len(requests)
    held = {request.url: one for request, one in zip(requests, answers, strict=True)}

    async def read(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        found = held.pop(Request(path, parameters).url, None)
        return found if found is not None else await chart.read(path, parameters)

    return replace(chart, read=read)


def read_batch(body: object) -> tuple[FhirAnswer, ...]:
    """The answers of a batch-response in order, () for anything else. An entry without a status has failed."""
    bundle = as_object(body)
    entries = bundle.get("entry")
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "batch-response":
        return ()
    return tuple(_read_entry(entry) for entry in entries) if isinstance(entries, list) else ()


def _read_entry(entry: object) -> FhirAnswer:
    response = as_object(as_object(entry).get("response"))
    digits = (as_text(response.get("status")) or "")[:3]
    if len(digits) < 3 or not digits.isascii() or not digits.isdigit():
        return FhirAnswer(0)
    status = int(digits)
    resource = as_object(entry).get("resource")
    if resource is None and not 200 <= status < 300:
        resource = response.get("outcome")
    if isinstance(resource, Mapping):
        return FhirAnswer(status, resource)
    return FhirAnswer(status, None, "not-json" if 200 <= status < 300 else None)

"""What the EHR said to the transaction. In: HTTP status and body. Out: a Verdict, and where things were put.

Never carries an OperationOutcome's diagnostics, texts or vendor codes onward: only the standard's own issue codes,
which hold no patient data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from connector.writeback.shapes import as_object, as_objects


class Answer(StrEnum):
    """What to do next: nothing, send again, search first because it may have happened, or ask a person."""

    DONE = "done"
    RETRY = "retry"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` is for people and logs alike: status and issue codes, no patient data."""

    answer: Answer
    text: str


@dataclass(frozen=True, slots=True)
class Locations:
    """Relative references without version, None where the response names none."""

    document_reference: str | None
    composition: str | None
    provenance: str | None


_ISSUE_TYPES = """
    invalid structure required value invariant security login unknown expired forbidden suppressed processing
    not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly
    business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational
"""
ISSUE_TYPES = frozenset(_ISSUE_TYPES.split())
"""FHIR R4 IssueType, a required binding: anything else in its place is not repeated."""

_LOCATION = re.compile(r"(?:^|/)(DocumentReference|Composition|Provenance)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?$")
_SUCCESS = re.compile(r"20[01]\b")
_SETTLE = (408, 409, 412)
"""Answers after which the note may be there: the server gave up waiting, or something of the kind exists already."""


def read_transaction_response(body: Mapping[str, Any] | None) -> Locations:
    """Where things were created, or found by `ifNoneExist`: `response.location`, else the id of a returned resource."""
    found: dict[str, str] = {}
    for entry in _entries(body):
        response, resource = as_object(entry.get("response")), as_object(entry.get("resource"))
        told = [response.get("location")]
        if isinstance(resource.get("id"), str):
            told.append(f"{resource.get('resourceType')}/{resource['id']}")
        for match in (_LOCATION.search(place) for place in told if isinstance(place, str)):
            if match is not None:
                found.setdefault(match[1], f"{match[1]}/{match[2]}")
    return Locations(found.get("DocumentReference"), found.get("Composition"), found.get("Provenance"))


def classify(status: int | None, body: Mapping[str, Any] | None, *, retry_after: float | None = None) -> Verdict:
    """Judge an answer to a transaction; `status` is None or 0 where none came, `retry_after` in seconds.

    Only 429, and 503 that names a time, are sent again as they are: any other failure may have written the note.
    """
    if not status:
        return Verdict(Answer.AMBIGUOUS, "The EHR did not answer: the note may or may not have been filed.")
    said = f"HTTP {status}{_list_codes(body)}"
    if 200 <= status < 300:
        return _judge_entries(body, said)
    if status == 429 or (status == 503 and retry_after is not None):
        return Verdict(Answer.RETRY, f"The EHR asks to wait ({said}).")
    if status >= 500 and status != 501:
        return Verdict(Answer.AMBIGUOUS, f"The EHR failed ({said}): the note may or may not have been filed.")
    if status in _SETTLE:
        return Verdict(Answer.AMBIGUOUS, f"The EHR reports a conflict ({said}): the note may already be filed.")
    if status in (401, 403):
        return Verdict(Answer.REFUSED, f"The EHR does not allow this note to be filed ({said}).")
    return Verdict(Answer.REFUSED, f"The EHR refused the note ({said}).")


def _judge_entries(body: Mapping[str, Any] | None, said: str) -> Verdict:
    """A transaction is all or nothing; a server that answers it as a batch may still have refused a part."""
    entries = _entries(body)
    if as_object(body).get("resourceType") != "Bundle" or not entries:
        return Verdict(Answer.AMBIGUOUS, f"The EHR accepted the note without saying where it is ({said}).")
    statuses = [str(as_object(entry.get("response")).get("status") or "") for entry in entries]
    if all(_SUCCESS.match(status) for status in statuses):
        return Verdict(Answer.DONE, f"The EHR filed the note ({said}).")
    refused = ", ".join(sorted({status[:3] for status in statuses if re.match(r"\d{3}", status)} - {"200", "201"}))
    return Verdict(Answer.REFUSED, f"The EHR took only part of the note (HTTP {refused or 'without status'}).")


def _list_codes(body: Mapping[str, Any] | None) -> str:
    codes = sorted(set(_issue_codes(body)))
    return f": {', '.join(codes)}" if codes else ""


def _issue_codes(body: Mapping[str, Any] | None) -> Iterator[str]:
    outcome = as_object(body)
    if outcome.get("resourceType") != "OperationOutcome":
        return
    for issue in as_objects(outcome.get("issue")):
        code = issue.get("code")
        if isinstance(code, str) and code in ISSUE_TYPES:
            yield code


def _entries(body: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return as_objects(as_object(body).get("entry"))

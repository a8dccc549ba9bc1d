"""What the EHR's answer means: done, wait, look first, or ask a person; and never a word of its diagnostics."""

from __future__ import annotations

from typing import Any

import pytest

from connector.writeback.outcome import Answer, Locations, classify, read_transaction_response


def response(*entries: tuple[str, str | None]) -> dict[str, Any]:
    parts = [{"response": {"status": status, **({"location": place} if place else {})}} for status, place in entries]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": parts}


def outcome(*codes: object) -> dict[str, Any]:
    issue = [{"severity": "error", "code": code, "diagnostics": "CANARY Prosacco"} for code in codes]
    return {"resourceType": "OperationOutcome", "issue": issue}


FILED = response(
    ("201 Created", "DocumentReference/1/_history/1"),
    ("200 OK", "https://ehr.example.org/fhir/Composition/c-2/_history/4"),
    ("201", "Provenance/note-3"),
)


def test_locations_are_relative_and_without_version() -> None:
    assert read_transaction_response(FILED) == Locations("DocumentReference/1", "Composition/c-2", "Provenance/note-3")


def test_a_returned_resource_stands_in_for_a_missing_location() -> None:
    body = {"entry": [{"resource": {"resourceType": "DocumentReference", "id": "7"}, "response": {"status": "201"}}]}
    assert read_transaction_response(body) == Locations("DocumentReference/7", None, None)


@pytest.mark.parametrize(
    "junk",
    [
        None,
        {},
        [],
        {"entry": "x"},
        {"entry": [None, 3, {"response": []}]},
        response(("201", "Patient/1"), ("201", "DocumentReference/"), ("201", "DocumentReference/1/../2")),
        {"entry": [{"response": {"location": 5}, "resource": {"resourceType": "DocumentReference"}}]},
    ],
)
def test_junk_names_no_location(junk: Any) -> None:
    assert read_transaction_response(junk) == Locations(None, None, None)


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, FILED, Answer.DONE),
        (200, None, Answer.AMBIGUOUS),
        (200, {"resourceType": "Bundle", "entry": []}, Answer.AMBIGUOUS),
        (201, outcome("informational"), Answer.AMBIGUOUS),
        (200, response(("201", "DocumentReference/1"), ("422 Unprocessable", None)), Answer.REFUSED),
        (200, response(("201", "DocumentReference/1"), ("", None)), Answer.REFUSED),
        (None, None, Answer.AMBIGUOUS),
        (0, None, Answer.AMBIGUOUS),
        (302, None, Answer.REFUSED),
        (400, outcome("invalid"), Answer.REFUSED),
        (401, None, Answer.REFUSED),
        (403, outcome("forbidden"), Answer.REFUSED),
        (404, None, Answer.REFUSED),
        (408, None, Answer.AMBIGUOUS),
        (409, outcome("conflict"), Answer.AMBIGUOUS),
        (412, outcome("multiple-matches"), Answer.AMBIGUOUS),
        (413, outcome("too-long"), Answer.REFUSED),
        (422, outcome("invariant"), Answer.REFUSED),
        (429, None, Answer.RETRY),
        (500, outcome("exception"), Answer.AMBIGUOUS),
        (501, None, Answer.REFUSED),
        (502, None, Answer.AMBIGUOUS),
        (503, None, Answer.AMBIGUOUS),
        (504, None, Answer.AMBIGUOUS),
    ],
)
def test_every_answer_has_one_meaning(status: int | None, body: dict[str, Any] | None, answer: Answer) -> None:
    assert classify(status, body).answer is answer


def test_only_a_503_that_names_a_time_is_sent_again_as_it_is() -> None:
    assert classify(503, None, retry_after=5.0).answer is Answer.RETRY
    assert classify(500, None, retry_after=5.0).answer is Answer.AMBIGUOUS


def test_the_text_has_status_and_standard_codes_and_nothing_else() -> None:
    verdict = classify(422, outcome("invariant", "CANARY", ["code-invalid"], "required"))
    assert verdict.text == "The EHR refused the note (HTTP 422: invariant, required)."


@pytest.mark.parametrize("status", [200, 400, 403, 409, 429, 500])
def test_diagnostics_go_nowhere(status: int) -> None:
    assert "CANARY" not in classify(status, outcome("invalid")).text

"""Faults on request: each one as a client meets it, and what the journal says of it."""

from __future__ import annotations

import base64
import time
from typing import Any

import httpx
import pytest

from tests.wire.sandbox_ehr.app_under_launch import Ehr, Visit, visit
from tests.wire.sandbox_ehr.test_gateway_writes import bundle, entry, note
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


@pytest.fixture
def seen(ehr: Ehr, fhir: TinyFhir) -> Visit:
    """A visit of a new patient."""
    return visit(ehr, fhir.add_patient())


def ask(ehr: Ehr, *rules: dict[str, Any]) -> httpx.Response:
    """POST /sandbox/faults."""
    return ehr.http.post(f"{ehr.base}/sandbox/faults", json=list(rules))


def journal(ehr: Ehr, path: str) -> list[dict[str, Any]]:
    """The journal's entries of one path."""
    entries = ehr.http.get(f"{ehr.base}/sandbox/requests").json()["requests"]
    return [item for item in entries if item["path"] == path]


def test_a_status_comes_as_often_as_asked(seen: Visit) -> None:
    rule = {"match": {"method": "GET", "path_regex": "^/fhir/Patient/"}, "kind": "status", "times": 2}
    answer = ask(seen.ehr, {**rule, "status": 429, "headers": {"Retry-After": "7"}})
    assert answer.status_code == 201
    path = f"Patient/{seen.patient}"
    answers = [seen.call("GET", path) for _ in range(3)]
    assert [item.status_code for item in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["resourceType"] == "OperationOutcome"
    (told,) = seen.ehr.http.get(f"{seen.ehr.base}/sandbox/faults").json()["faults"]
    assert (told["hits"], told["times"]) == (2, 2)
    logged = journal(seen.ehr, f"/fhir/{path}")
    assert [(item["status"], item["fault"]) for item in logged] == [(429, "status"), (429, "status"), (200, None)]
    assert logged[2]["client_id"] == "scribe"


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("Tenant not valid", "text/plain; charset=utf-8", "Tenant not valid"),
        ({"error": "x"}, "application/fhir+json", '{"error": "x"}'),
        ("", "text/plain; charset=utf-8", ""),
    ],
)
def test_the_body_of_a_status_is_free(seen: Visit, body: Any, content_type: str, text: str) -> None:
    ask(seen.ehr, {"match": {"path_regex": "^/fhir"}, "kind": "status", "status": 403, "body": body})
    answer = seen.call("GET", f"Patient/{seen.patient}")
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (403, content_type, text)


def test_a_rule_matches_method_path_and_content(seen: Visit) -> None:
    match = {"method": "POST", "path_regex": "^/fhir$", "contains": seen.patient}
    ask(seen.ehr, {"match": match, "kind": "status", "status": 503})
    assert seen.call("GET", f"Patient/{seen.patient}").status_code == 200
    assert seen.call("POST", "", json=bundle(kind="batch")).status_code == 200
    assert seen.call("POST", "", json=bundle(entry(note(seen.patient)), kind="batch")).status_code == 503
    seen.ehr.http.delete(f"{seen.ehr.base}/sandbox/faults")
    assert seen.call("POST", "", json=bundle(entry(note(seen.patient)), kind="batch")).status_code == 200


def test_a_reset_gives_no_answer_and_does_nothing(seen: Visit, fhir: TinyFhir) -> None:
    ask(seen.ehr, {"match": {"path_regex": "DocumentReference$"}, "kind": "reset", "times": 1})
    before = len(fhir.store)
    with pytest.raises(httpx.NetworkError):
        seen.call("POST", "DocumentReference", json=note(seen.patient))
    assert len(fhir.store) == before
    assert journal(seen.ehr, "/fhir/DocumentReference")[-1]["status"] is None
    assert seen.call("POST", "DocumentReference", json=note(seen.patient)).status_code == 201


@pytest.mark.parametrize(("seconds", "error"), [(0, httpx.NetworkError), (None, httpx.ReadTimeout)])
def test_a_commit_without_an_answer(seen: Visit, fhir: TinyFhir, seconds: float | None, error: type[Exception]) -> None:
    rule = {"match": {"path_regex": "^/fhir$"}, "kind": "commit_then_timeout", "seconds": seconds, "times": 1}
    ask(seen.ehr, rule)
    made = note(seen.patient)
    with pytest.raises(error):
        seen.call("POST", "", json=bundle(entry(made)), timeout=1.0)
    assert [r for r in fhir.store.values() if r.get("identifier") == made["identifier"]]
    deadline = time.monotonic() + 5
    while journal(seen.ehr, "/fhir")[-1:] == [] and time.monotonic() < deadline:
        time.sleep(0.02)
    last = journal(seen.ehr, "/fhir")[-1]
    assert (last["status"], last["fault"]) == (None, "commit_then_timeout")


def test_slow_is_slow_and_then_right(seen: Visit) -> None:
    ask(seen.ehr, {"match": {"path_regex": "^/fhir"}, "kind": "slow", "seconds": 0.3, "times": 1})
    started = time.monotonic()
    assert seen.call("GET", f"Patient/{seen.patient}").status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_deaf_server_files_twice(seen: Visit, fhir: TinyFhir) -> None:
    ask(seen.ehr, {"kind": "deaf_if_none_exist"})
    made = note(seen.patient)
    condition = f"identifier=urn:test|{made['identifier'][0]['value']}"
    for _ in range(2):
        seen.call("POST", "", json=bundle(entry(made, condition=condition)))
    seen.call("POST", "DocumentReference", json=made, headers={"If-None-Exist": condition})
    assert len([r for r in fhir.store.values() if r.get("identifier") == made["identifier"]]) == 3


@pytest.mark.parametrize(
    ("content_type", "text"), [("text/plain", "S: fine"), ("application/xhtml+xml", "<div><p>S: fine</p></div>")]
)
def test_an_altered_note_is_altered_only_on_the_way(seen: Visit, fhir: TinyFhir, content_type: str, text: str) -> None:
    attachment = {"contentType": content_type, "data": base64.b64encode(text.encode()).decode()}
    path = fhir.add(note(seen.patient, content=[{"attachment": attachment}]))
    ask(seen.ehr, {"kind": "altered_note"})
    for got in (seen.call("GET", path).json(), seen.call("GET", "DocumentReference").json()["entry"][0]["resource"]):
        altered = base64.b64decode(got["content"][0]["attachment"]["data"]).decode()
        assert altered != text
        assert "altered by the sandbox EHR" in altered
        assert altered.endswith(text[-6:]) is content_type.startswith("application")
    seen.ehr.http.delete(f"{seen.ehr.base}/sandbox/faults")
    assert seen.call("GET", path).json()["content"][0]["attachment"] == attachment


def test_an_expired_token_is_refused_and_a_refresh_heals(seen: Visit) -> None:
    ask(seen.ehr, {"match": {"path_regex": "^/fhir"}, "kind": "expired_token", "times": 1})
    answer = seen.call("GET", f"Patient/{seen.patient}")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert seen.call("GET", f"Patient/{seen.patient}").status_code == 200


def test_the_first_matching_rule_strikes(seen: Visit) -> None:
    ask(seen.ehr, {"kind": "status", "status": 500, "times": 1}, {"kind": "status", "status": 502, "times": 1})
    path = f"Patient/{seen.patient}"
    assert [seen.call("GET", path).status_code for _ in range(3)] == [500, 502, 200]


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "earthquake"},
        {"kind": "status", "match": {"path_regex": "("}},
        {"kind": "status", "match": {"body": "x"}},
        {"kind": "status", "colour": "red"},
        {"kind": "status", "status": "many"},
        {"kind": "status", "headers": []},
        "status",
        5,
    ],
)
def test_a_rule_that_cannot_be_understood_is_refused_with_all_others(ehr: Ehr, rule: Any) -> None:
    answer = ask(ehr, {"kind": "slow"}, rule)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert ehr.http.get(f"{ehr.base}/sandbox/faults").json() == {"faults": []}


def test_a_foreign_page_sets_no_faults(ehr: Ehr) -> None:
    headers = {"Origin": "http://evil.example"}
    for method in ("POST", "DELETE"):
        answer = ehr.http.request(method, f"{ehr.base}/sandbox/faults", json=[{"kind": "slow"}], headers=headers)
        assert answer.status_code == 403
    own = {"Origin": ehr.base}
    assert ehr.http.post(f"{ehr.base}/sandbox/faults", json=[], headers=own).status_code == 201


def test_the_journal_continues_after_a_number(seen: Visit) -> None:
    last = seen.ehr.http.get(f"{seen.ehr.base}/sandbox/requests").json()["requests"][-1]["seq"]
    seen.call("GET", f"Condition?patient={seen.patient}")
    (one,) = seen.ehr.http.get(f"{seen.ehr.base}/sandbox/requests?after={last}").json()["requests"]
    assert (one["method"], one["path"], one["query"]) == ("GET", "/fhir/Condition", f"patient={seen.patient}")
    assert one["status"] == 200
    assert one["time"] == pytest.approx(time.time(), abs=20)

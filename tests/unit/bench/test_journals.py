"""Each request is counted to the stage that asked for it."""

from __future__ import annotations

import pytest

from bench.journals import STAGES, count_ehr, count_vendor


def _ehr(path: str, method: str = "GET", **detail: str) -> dict[str, object]:
    return {"method": method, "path": path, "detail": detail}


def _vendor(method: str, path: str) -> dict[str, object]:
    return {"method": method, "path": path}


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("/launches", "launch"),
        ("/fhir/.well-known/smart-configuration", "launch"),
        ("/auth/authorize", "launch"),
        ("/auth/jwks", "launch"),
        ("/fhir/Practitioner/p1", "launch"),
        ("/fhir/Patient/p1", "context"),
        ("/fhir/MedicationRequest", "context"),
        ("/fhir", "filing"),
        ("/fhir/", "filing"),
        ("/fhir/DocumentReference/d1", "filing"),
        ("/fhir/Composition", "filing"),
        ("/fhir/DocumentReference", "context"),
    ],
)
def test_what_is_asked_of_the_ehr(path: str, stage: str) -> None:
    assert count_ehr([_ehr(path)]) == {stage: 1}


def test_a_search_for_our_own_note_belongs_to_the_filing() -> None:
    search = {**_ehr("/fhir/DocumentReference"), "query": "patient=p&identifier=urn%3Auuid%3A1"}
    assert count_ehr([search]) == {"filing": 1}


def test_a_first_token_belongs_to_the_launch_and_a_renewed_one_to_the_filing() -> None:
    first = _ehr("/auth/token", "POST", grant_type="authorization_code")
    renewed = _ehr("/auth/token", "POST", grant_type="refresh_token")
    assert count_ehr([first, renewed, renewed]) == {"launch": 1, "filing": 2}


def test_what_is_asked_of_the_vendor() -> None:
    entries = [
        _vendor("POST", "/v2/upload"),
        _vendor("GET", "/v2/transcript"),
        _vendor("POST", "/v2/transcript"),
        _vendor("GET", "/v2/transcript/a"),
        _vendor("POST", "/v1/chat/completions"),
        _vendor("DELETE", "/v1/chat/completions/r"),
        _vendor("DELETE", "/v2/transcript/a"),
        _vendor("GET", "/v2/transcript/a"),
        _vendor("GET", "/v2/transcript/b"),
    ]
    assert count_vendor(entries) == {"transcript": 5, "draft": 1, "erasure": 3}


def test_every_stage_counted_is_one_that_is_timed() -> None:
    counted = count_ehr([_ehr(path) for path in ("/fhir", "/auth/token", "/fhir/Patient/p")])
    counted += count_vendor([_vendor("POST", "/v2/upload"), _vendor("DELETE", "/v2/transcript/a")])
    assert set(counted) <= set(STAGES)

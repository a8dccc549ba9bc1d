"""The sandbox EHR in front of a real HAPI FHIR server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, Ehr, visit
from tests.wire.sandbox_ehr.conftest import run_ehr
from tests.wire.sandbox_ehr.test_gateway_reads import observation
from tests.wire.sandbox_ehr.test_gateway_writes import bundle, entry, note, provenance


@pytest.fixture(scope="module")
def real_ehr(hapi_base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    """A sandbox EHR in front of HAPI."""
    with run_ehr(hapi_base, tmp_path_factory.mktemp("real-ehr")) as ehr:
        yield ehr


def put_patient(hapi_base: str) -> str:
    """A patient of this test's own in HAPI."""
    number = f"sandbox-ehr-test-{uuid4()}"
    body = {"resourceType": "Patient", "id": number, "name": [{"family": "Hapi", "given": ["Test"]}]}
    assert httpx.put(f"{hapi_base}/Patient/{number}", json=body, timeout=60, trust_env=False).status_code == 201
    return number


def test_a_note_is_filed_once_and_read_back(real_ehr: Ehr, hapi_base: str, tmp_path: Path) -> None:
    seen = visit(real_ehr, put_patient(hapi_base))
    made, urn = note(seen.patient), f"urn:uuid:{uuid4()}"
    made["context"] = {"encounter": [{"reference": f"Encounter/{seen.encounter}"}]}
    condition = f"identifier=urn:test|{made['identifier'][0]['value']}"
    signed = {**provenance(urn), "recorded": "2026-01-01T10:00:00Z"}
    sent = bundle(entry(made, full_url=urn, condition=condition), entry(signed))
    answers = [seen.call("POST", "", json=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    places = [answer.json()["entry"][0]["response"]["location"] for answer in answers]
    assert places[0] == places[1]
    path = places[0].removeprefix(f"{real_ehr.fhir_base}/").partition("/_history")[0]
    assert seen.call("GET", path).json()["content"] == made["content"]
    found = seen.call("GET", f"Provenance?target={path}").json()
    assert [item["resource"]["id"] for item in found["entry"]] == [signed["id"]]
    listed = seen.call("GET", f"DocumentReference?identifier=urn:test|{made['identifier'][0]['value']}")
    assert listed.json()["total"] == 1
    assert hapi_base not in "".join(answer.text for answer in (*answers, listed))
    stored = httpx.get(f"{hapi_base}/{path}", trust_env=False).json()
    assert stored["content"] == made["content"]


def test_pages_and_the_chart_work_on_hapi(real_ehr: Ehr, hapi_base: str) -> None:
    seen = visit(real_ehr, put_patient(hapi_base))
    for _ in range(5):
        body = {**observation(seen.patient), "code": {"text": "Pulse"}}
        httpx.post(f"{hapi_base}/Observation", json=body, timeout=60, trust_env=False)
    found, link = 0, f"Observation?patient={seen.patient}&_count=2"
    while link:
        answer = seen.call("GET", link)
        assert hapi_base not in answer.text
        found += len(answer.json().get("entry", []))
        link = next((item["url"] for item in answer.json()["link"] if item["relation"] == "next"), "")
    assert found == 5
    page = real_ehr.http.get(f"{real_ehr.base}/patients/{seen.patient}").text
    assert "Test Hapi" in page
    assert "Office visit" in page
    assert "Could not be read" not in page
    encounter = httpx.get(f"{hapi_base}/Encounter/{seen.encounter}", trust_env=False).json()
    assert encounter["participant"][0]["individual"]["reference"] == CLINICIAN
    metadata = real_ehr.http.get(f"{real_ehr.fhir_base}/metadata")
    assert metadata.status_code == 200
    assert hapi_base not in metadata.text


def test_a_stale_version_is_refused_by_hapi_through_the_gateway(real_ehr: Ehr, hapi_base: str) -> None:
    seen = visit(real_ehr, put_patient(hapi_base))
    first = seen.call("POST", "DocumentReference", json=note(seen.patient))
    path = first.headers["location"].partition("/_history")[0]
    etag = seen.call("GET", path).headers["etag"]
    changed = note(seen.patient, id=path.rpartition("/")[2], docStatus="amended")
    assert seen.call("PUT", path, json=changed, headers={"If-Match": etag}).status_code == 200
    changed["docStatus"] = "final"
    stale = seen.call("PUT", path, json=changed, headers={"If-Match": etag})
    assert stale.status_code in (409, 412)
    assert stale.json()["resourceType"] == "OperationOutcome"

"""The real HAPI server: it starts, tells when it is ready, takes the bundled patients, and creates only once."""

import json
import re
import socket
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from connector_sandbox import hapi
from connector_sandbox.hapi import Loaded
from connector_sandbox.processes import StartFailed, Supervisor

PATIENTS = 8
RESOURCES = 541


@pytest.fixture(scope="module")
async def fhir(hapi_base: str) -> Any:
    async with httpx.AsyncClient(base_url=hapi_base, trust_env=False, timeout=60) as client:
        yield client


async def count(fhir: httpx.AsyncClient, search: str) -> int:
    answer = await fhir.get(f"{search}{'&' if '?' in search else '?'}_summary=count")
    assert answer.status_code == 200
    return int(answer.json()["total"])


async def test_health_answers_at_once_where_fhir_is_answered(fhir: httpx.AsyncClient, hapi_base: str) -> None:
    address = hapi_base.removesuffix("/fhir") + "/health"
    begun = time.monotonic()
    answer = await fhir.get(address)
    assert time.monotonic() - begun < 5
    assert (answer.status_code, answer.json()) == (200, {"status": "up"})


async def test_it_is_an_r4_server(fhir: httpx.AsyncClient) -> None:
    statement = (await fhir.get("/metadata")).json()
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["software"]["version"] == "8.8.0"


async def test_a_second_load_of_the_patients_changes_nothing(fhir: httpx.AsyncClient, hapi_base: str) -> None:
    first = hapi.load_patients(hapi_base)
    assert first.written + first.unchanged == RESOURCES
    history = await count(fhir, "/_history")
    assert hapi.load_patients(hapi_base) == Loaded(written=0, unchanged=RESOURCES)
    assert await count(fhir, "/_history") == history


async def test_the_bundled_patients_can_be_searched(fhir: httpx.AsyncClient, hapi_with_patients: str) -> None:
    bundles = [json.loads(path.read_text(encoding="utf-8")) for path in hapi.PATIENTS.glob("*.json")]
    resources = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    bundled = {resource["id"] for resource in resources if resource["resourceType"] == "Patient"}
    patients = (await fhir.get("/Patient", params={"_id": ",".join(bundled), "_count": 50})).json()
    ids = {entry["resource"]["id"] for entry in patients["entry"]}
    assert ids == bundled
    assert len(ids) == PATIENTS
    for patient in ids:
        assert await count(fhir, f"/MedicationRequest?patient={patient}") > 0


async def test_a_transaction_posted_twice_creates_once(fhir: httpx.AsyncClient) -> None:
    value = f"urn:uuid:{uuid.uuid4()}"
    identifier = {"system": "urn:ietf:rfc:3986", "value": value}
    search = f"identifier=urn:ietf:rfc:3986|{value}"
    entry = {
        "fullUrl": f"urn:uuid:{uuid.uuid4()}",
        "resource": {"resourceType": "Basic", "identifier": [identifier], "code": {"text": "note"}},
        "request": {"method": "POST", "url": "Basic", "ifNoneExist": search},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answers = [(await fhir.post("", json=bundle)).json()["entry"][0]["response"] for _ in range(2)]
    assert [answer["status"] for answer in answers] == ["201 Created", "200 OK"]
    assert answers[0]["location"] == answers[1]["location"]
    assert await count(fhir, f"/Basic?{search}") == 1


async def test_references_within_a_transaction_are_resolved(fhir: httpx.AsyncClient) -> None:
    patient = f"urn:uuid:{uuid.uuid4()}"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": patient,
                "resource": {"resourceType": "Patient"},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": {"resourceType": "Basic", "code": {"text": "note"}, "subject": {"reference": patient}},
                "request": {"method": "POST", "url": "Basic"},
            },
        ],
    }
    made, basic = (entry["response"]["location"] for entry in (await fhir.post("", json=bundle)).json()["entry"])
    stored = (await fhir.get(f"/{basic}")).json()
    assert stored["subject"]["reference"] == made.partition("/_history")[0]


async def test_a_refused_bundle_is_told_without_what_is_in_it(hapi_base: str, tmp_path: Path) -> None:
    bundle = '{"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"id": "Marker-Name"}}]}'
    (tmp_path / "broken.json").write_text(bundle)
    with pytest.raises(hapi.LoadFailed, match=r"^broken\.json was answered 4\d\d$"):
        hapi.load_patients(hapi_base, tmp_path)


def test_a_port_that_is_taken_is_told_at_once_with_the_servers_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Supervisor(tmp_path) as supervisor:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed, match=r"(?s)ended with status 1 before it was ready.*Address already in use"):
            hapi.start(supervisor, port=port)


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port"], ["--colour", "blue"]])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("hapi", hapi.hapi_build.java_command(*arguments))
        assert child.wait() == 2
        assert re.fullmatch(r"hapi: .*\n", child.output())


async def test_a_database_file_outlives_the_server(tmp_path: Path) -> None:
    """Two short starts: what the first wrote the second has; SIGTERM ends it in good order."""
    jdbc = f"jdbc:h2:file:{tmp_path / 'hapi'}"
    for status in (201, 200):
        with Supervisor(tmp_path) as supervisor:
            child = hapi.launch(supervisor, jdbc=jdbc)
            base_url = hapi.await_base_url(child)
            async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as client:
                answer = await client.put("/Patient/kept", json={"resourceType": "Patient", "id": "kept"})
            assert answer.status_code == status
            begun = time.monotonic()
            child.stop(30)
            assert time.monotonic() - begun < 15

"""Reading a chart of which one part is unfit: the rest is read all the same, and the missing half is named."""

from __future__ import annotations

import resource as process
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping
from connector.clients.fhir import FhirLimits, FhirServer
from connector.clients.http import make_client
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import FIRST_SECTIONS, Subject, complete_context, find_pending, read_context
from connector.context.mapping import ContextMapping, VendorReading
from connector.records import PatientContext, SectionState
from tests.fixtures.charts import epic_drugs, later_parts, oracle_drugs, outcome_entry, resource
from tests.wire.sandbox_ehr.app_under_launch import CONFIDENTIAL, REDIRECT, SECRET, Ehr, visit
from tests.wire.sandbox_ehr.conftest import run_ehr
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

MAPPING = ContextMapping.from_dict(load_mapping("context.yaml"))
LIMITS = FhirLimits(largest_body=4 << 20, read_deadline=1.5, retries=1, patience=1.0, backoff=0.05)
KINDS = (
    "Patient Encounter MedicationRequest Medication AllergyIntolerance Condition Observation MedicationStatement "
    "Immunization Procedure CareTeam Appointment Goal CarePlan ServiceRequest DocumentReference"
)
SCOPE = " ".join(["launch openid fhirUser", *(f"patient/{kind}.rs" for kind in KINDS.split())])
ALLERGIES = {"path_regex": "^/fhir/AllergyIntolerance"}
Read = Callable[..., Any]
_UNREAD = (SectionState.FAILED, SectionState.FORBIDDEN, SectionState.PENDING)


@pytest.fixture(scope="module")
def running(fhir: TinyFhir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    """An EHR that grants the whole chart."""
    app = {"client_id": CONFIDENTIAL, "name": "App", "client_secret": SECRET, "redirect_uris": [REDIRECT]}
    app |= {"launch_url": "http://127.0.0.1:9/launch", "scopes": SCOPE.split()}
    with run_ehr(fhir.base, tmp_path_factory.mktemp("whole"), clients=[app]) as ehr:
        yield ehr


@pytest.fixture
def ehr(running: Ehr) -> Iterator[Ehr]:
    """The same, with no fault left over."""
    yield running
    running.http.delete(f"{running.base}/sandbox/faults")


@pytest.fixture
async def read(ehr: Ehr, fhir: TinyFhir) -> AsyncIterator[Read]:
    """Launches for a new patient with one drug and one allergy, and reads the chart under some faults."""
    async with make_client(timeout=5.0) as client:

        async def run(*faults: dict[str, Any], mapping: ContextMapping = MAPPING, more: Any = None) -> PatientContext:
            patient = fhir.add_patient()
            drug = {"medicationCodeableConcept": {"text": "lisinopril"}, "status": "active"}
            fhir.add(resource("MedicationRequest", f"d{patient}", patient, **drug))
            fhir.add(resource("AllergyIntolerance", f"a{patient}", patient, code={"text": "Penicillin"}))
            for one in more(patient) if more else ():
                fhir.add({**one, "id": f"{one['id']}-{patient}"})
            opened = visit(ehr, patient, scope=SCOPE)
            ehr.http.post(f"{ehr.base}/sandbox/faults", json=list(faults)).raise_for_status()

            async def token(renew: bool) -> str:
                return str(opened.token["access_token"])

            server = FhirServer(client, ehr.fhir_base, token, limits=LIMITS)
            subject = Subject(f"Patient/{patient}", f"Encounter/{opened.encounter.removeprefix('Encounter/')}")
            reader = as_reader(server, ehr.fhir_base)
            now = datetime.now(UTC)
            context = await read_context(
                reader, patient=subject.patient, encounter=subject.encounter, mapping=mapping, now=now
            )
            whole = await complete_context(reader, context, subject=subject, mapping=mapping, now=now)
            assert find_pending(whole) == ()
            return whole

        yield run


def as_reader(server: FhirServer, base: str) -> ChartReader:
    def turn(answer: Any) -> FhirAnswer:
        return FhirAnswer(answer.status, answer.body, answer.failure, answer.size)

    async def read(path: str, parameters: Any) -> FhirAnswer:
        return turn(await server.read(path, parameters))

    async def follow(link: str) -> FhirAnswer:
        return turn(await server.follow(link))

    async def batch(bundle: Any) -> FhirAnswer:
        return turn(await server.batch(bundle))

    return ChartReader(base, read, follow, batch)


def check_the_rest(context: PatientContext) -> None:
    assert [drug.name for drug in context.medications.items] == ["lisinopril"]
    assert context.patient.state is SectionState.OK


HTML = {"kind": "status", "status": 200, "body": "<html>signed out</html>", "headers": {"Content-Type": "text/html"}}
FAULTS: dict[str, tuple[dict[str, Any], SectionState, str]] = {
    "403": ({"kind": "status", "status": 403, "body": "Tenant not valid"}, SectionState.FORBIDDEN, "403"),
    "404": ({"kind": "status", "status": 404}, SectionState.FAILED, "404"),
    "429, come back next year": (
        {"kind": "status", "status": 429, "headers": {"Retry-After": "31536000"}}, SectionState.FAILED, "429",
    ),
    "429, come back in the year 9999": (
        {"kind": "status", "status": 429, "headers": {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}},
        SectionState.FAILED, "429",
    ),
    "500": ({"kind": "status", "status": 500}, SectionState.FAILED, "500"),
    "503": ({"kind": "status", "status": 503}, SectionState.FAILED, "503"),
    "HTML": (HTML, SectionState.FAILED, "not FHIR JSON"),
    "HTML called FHIR": ({**HTML, "headers": {}}, SectionState.FAILED, "not FHIR JSON"),
    "a gigabyte": ({"kind": "flood"}, SectionState.FAILED, "larger than is read"),
    "a byte at a time": ({"kind": "drip", "seconds": 0.2}, SectionState.FAILED, "in time"),
    "a connection reset": ({"kind": "reset"}, SectionState.FAILED, "could not be reached"),
    "links without end": ({"kind": "endless_next"}, SectionState.PARTIAL, "more entries"),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "state", "said"), FAULTS.values(), ids=FAULTS)
async def test_one_part_unfit_is_named_and_the_rest_is_read(
    read: Read, fault: dict[str, Any], state: SectionState, said: str
) -> None:
    begun, held = time.monotonic(), process.getrusage(process.RUSAGE_SELF).ru_maxrss
    context = await read({**fault, "match": ALLERGIES})
    check_the_rest(context)
    assert (context.allergies.state, context.allergies.items) == (state, ())
    assert said in context.allergies.detail
    assert time.monotonic() - begun < 20
    assert process.getrusage(process.RUSAGE_SELF).ru_maxrss - held < 200_000


async def test_without_a_fault_nothing_is_missing(read: Read) -> None:
    context = await read(more=later_parts)
    assert [(drug.name, drug.statement) for drug in context.medications.items] == [
        ("lisinopril", False),
        ("melatonin", True),
    ]
    assert [one.substance for one in context.allergies.items] == ["Penicillin"]
    assert (context.goals.state, context.orders.state) == (SectionState.OK, SectionState.OK)


def answer_with(*resources: dict[str, Any], kind: str) -> dict[str, Any]:
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}
    return {"kind": "status", "status": 200, "body": bundle, "match": {"path_regex": f"^/fhir/{kind}"}}


async def test_anothers_allergy_is_dropped_and_counted(read: Read) -> None:
    stranger = resource("AllergyIntolerance", "x", "somebody-else", code={"text": "Latex"})
    context = await read(answer_with(stranger, kind="AllergyIntolerance"))
    check_the_rest(context)
    assert (context.allergies.state, context.allergies.items, context.allergies.dropped) == (
        SectionState.PARTIAL,
        (),
        1,
    )


async def test_a_patient_answered_in_anothers_place_is_refused(read: Read) -> None:
    other = {"resourceType": "Patient", "id": "other", "name": [{"family": "Other"}]}
    fault = {"kind": "status", "status": 200, "body": other, "match": {"path_regex": "^/fhir/Patient/"}}
    context = await read(fault)
    assert (context.patient.state, context.patient.items) == (SectionState.FAILED, ())
    assert "another patient" in context.patient.detail
    assert context.medications.state is SectionState.OK


async def test_a_merged_patient_is_said_with_what_to_do(read: Read) -> None:
    issue = {"severity": "error", "code": "not-found", "details": {"coding": [{"code": "4107"}]}}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    context = await read({"kind": "status", "status": 404, "body": body, "match": {"path_regex": "^/fhir/Patient/"}})
    assert context.patient.state is SectionState.FAILED
    assert "merged" in context.patient.detail and "open the scribe again" in context.patient.detail


@pytest.mark.parametrize(
    ("code", "severity", "state"),
    [("4101", "warning", SectionState.EMPTY), ("4119", "warning", SectionState.PARTIAL),
     ("4130", "error", SectionState.FORBIDDEN), ("4131", "error", SectionState.FORBIDDEN)],
)  # fmt: skip
async def test_epics_codes_mean_what_they_mean(read: Read, code: str, severity: str, state: SectionState) -> None:
    context = await read(answer_with(outcome_entry(code, severity), kind="AllergyIntolerance"))
    check_the_rest(context)
    assert context.allergies.state is state


@pytest.mark.parametrize(("vendor", "drugs", "names"), [
    ("epic", epic_drugs, {"lisinopril", "lisinopril 10 MG tablet", "metFORMIN 500 MG tablet"}),
    ("oracle", oracle_drugs, {"lisinopril", "warfarin 5 mg oral tablet", "acetaminophen"}),
])  # fmt: skip
async def test_the_drugs_of_a_vendor_are_read_its_way(
    read: Read, ehr: Ehr, vendor: str, drugs: Callable[[str], list[dict[str, Any]]], names: set[str]
) -> None:
    mapping = VendorReading.from_dict(load_mapping(f"ehr/{vendor}.yaml")).apply(MAPPING)
    seen = max((entry["seq"] for entry in ehr.requests()), default=0)
    context = await read(mapping=mapping, more=drugs)
    assert {drug.name for drug in context.medications.items} == names
    asked = [entry for entry in ehr.requests(after=seen) if entry["path"].startswith("/fhir/")]
    assert not [entry for entry in asked if entry["path"].startswith("/fhir/Medication/")]
    assert not any("_include" in entry["query"] for entry in asked)
    assert ("/fhir/MedicationStatement" in {entry["path"] for entry in asked}) is (vendor == "oracle")


async def test_the_first_stage_is_one_request_where_a_batch_is_taken(read: Read, ehr: Ehr) -> None:
    seen = max((entry["seq"] for entry in ehr.requests()), default=0)
    context = await read(mapping=replace(MAPPING, batch=True))
    check_the_rest(context)
    assert [one.substance for one in context.allergies.items] == ["Penicillin"]
    asked = [entry["path"] for entry in ehr.requests(after=seen) if entry["path"].startswith("/fhir")]
    assert asked[0] == "/fhir" and "/fhir/MedicationRequest" not in asked


async def test_a_batch_that_is_refused_is_read_singly(read: Read, ehr: Ehr) -> None:
    fault = {"kind": "status", "status": 405, "match": {"method": "POST", "path_regex": "^/fhir/?$"}}
    seen = max((entry["seq"] for entry in ehr.requests()), default=0)
    context = await read(fault, mapping=replace(MAPPING, batch=True))
    check_the_rest(context)
    assert [one.substance for one in context.allergies.items] == ["Penicillin"]
    assert not [name for name in FIRST_SECTIONS if getattr(context, name).state in _UNREAD]
    asked = [entry for entry in ehr.requests(after=seen) if entry["path"].startswith("/fhir")]
    assert (asked[0]["method"], asked[0]["path"], asked[0]["status"]) == ("POST", "/fhir", 405)
    assert [entry["method"] for entry in asked].count("POST") == 1, "a refused batch is not sent again"
    singly = sorted(entry["path"].split("/")[2] for entry in asked[1:7])
    assert singly == ["AllergyIntolerance", "Condition", "Encounter", "MedicationRequest", "Observation", "Patient"]
    assert {entry["status"] for entry in asked[1:7]} == {200}

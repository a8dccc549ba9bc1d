"""Visits in which everything a patient is, says or suffers from is an unmistakable word, and much goes wrong.

In: a stack whose vendor is behind a relay, and HAPI. Out: a Scene, with what was sent, answered and heard in it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from connector_sandbox.clinician import OpenVisit
from connector_sandbox.stack import Stack

from tests.browser.hostile import Relay
from tests.builders import copy_patient, recording_bytes
from tests.fixtures.peers import Chart, SandboxEhr, SandboxVendor
from tests.fixtures.scanner import Scanner
from tests.fixtures.visits import JSON, PAGE, Clinic, Upload
from tests.fixtures.waiting import await_attention

_LETTERS = "bcdfghjklmnpqrstvwxz"
# Who the patient is: none of it is the vendor's business. A relative's name is a keyterm where the mapping allows it.
PERSON = ("family", "given", "record", "number", "street", "telecom")
_PLACES = (
    "relative",
    "allergy",
    "typed",
    "edited",
    "filename",
    "content",
    "outcome",
    "vendor",
    "malformed",
    "path",
    "body",
)
BORN = "1961-03-09"


def make_markers() -> dict[str, str]:
    """One word for each way in; letters only, so that nothing cleans it away."""
    return {place: f"Qz{place}{''.join(random.choices(_LETTERS, k=10))}" for place in (*PERSON, *_PLACES)}


@dataclass
class Errand:
    """Everything that was sent and answered: addresses asked for, and answers that were errors."""

    addresses: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)

    def listen(self, response: httpx.Response) -> None:
        response.read()
        self.addresses += [str(response.request.url), response.headers.get("location", "")]
        if response.status_code >= 400:
            self.errors.append((f"{response.status_code} {response.request.url.path}", response.text))


@dataclass
class Scene:
    """A stack of its own whose connector keeps its temporary files in `temporary`, and what happened in it."""

    stack: Stack
    temporary: Path
    markers: dict[str, str]
    relay: Relay
    errand: Errand = field(default_factory=Errand)
    patients: list[str] = field(default_factory=list)
    watch_rounds: int = 0
    open_files: set[str] = field(default_factory=set)
    scanner: Scanner = field(init=False)

    def __post_init__(self) -> None:
        self.scanner = Scanner(self.markers)


def admit(chart: Chart, name: str, marks: dict[str, str]) -> str:
    """Loads a patient every part of whom is a marker; returns the id."""
    identity, bundle = copy_patient(name, family=marks["family"], allergy=marks["allergy"])
    (patient,) = (one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Patient")
    patient["name"][0]["given"] = [marks["given"]]
    patient["birthDate"] = BORN
    for one in patient["identifier"]:
        kinds = [part["code"] for part in one.get("type", {}).get("coding", ())]
        one["value"] = marks["record"] if "MR" in kinds else marks["number"]
    patient["address"] = [{"line": [marks["street"]], "city": marks["street"]}]
    patient["telecom"] = [{"system": "email", "value": f"{marks['telecom']}@example.org"}]
    patient["contact"] = [{"name": {"family": marks["relative"]}}]
    headers = {"Content-Type": "application/fhir+json"}
    httpx.post(chart.base, json=bundle, headers=headers, trust_env=False, timeout=60).raise_for_status()
    return identity


def make_visits(scene: Scene, chart: Chart) -> None:
    clinic = Clinic(scene.stack, listen=scene.errand.listen)
    try:
        _recorded_visit(scene, clinic, chart)
        _typed_visit(scene, clinic, chart)
        _waiting_visit(scene, clinic, chart)
        _strangers(scene, clinic)
    finally:
        clinic.close()


def _open(scene: Scene, clinic: Clinic, chart: Chart, name: str) -> OpenVisit:
    """A visit whose EHR answers some reads with a fault that says whom it is about."""
    marks, ehr = scene.markers, SandboxEhr(scene.stack)
    told = {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "exception"}]}
    told["issue"][0]["diagnostics"] = f"row {marks['record']} of {marks['family']}: {marks['body']}"  # type: ignore[index]
    for kind, status in (("Condition", 500), ("Immunization", 403), ("Procedure", 400)):
        ehr.strike("status", match={"path_regex": f"^/fhir/{kind}"}, status=status, body=told, times=None)
    scene.patients.append(admit(chart, name, marks))
    visit = clinic.open(scene.patients[-1])
    assert any(rule["hits"] for rule in ehr.faults()), "the EHR did say so"
    page = visit.client.get(visit.base, headers=PAGE).text
    assert marks["family"] in page and marks["body"] not in page
    ehr.calm()
    return visit


def _recorded_visit(scene: Scene, clinic: Clinic, chart: Chart) -> None:
    """Recorded, after two recordings that could not be used; edited, filed after the EHR refused it once."""
    marks = scene.markers
    visit = _open(scene, clinic, chart, "chasidy")
    visit.consent()
    _bring_in_text_file(visit, marks)
    vendor = SandboxVendor(scene.stack)
    vendor.strike("job_error", method="POST", path="^/v2/transcript$", message=f"cannot decode {marks['vendor']}")
    scene.relay.echoes.append("/v2/transcript")
    visit.upload(recording_bytes("chasidy"))
    await_attention(visit, "vendor-rejected")
    visit.upload(recording_bytes("chasidy"))
    await_attention(visit, "vendor-rejected")
    visit.upload(recording_bytes("chasidy"))
    await_attention(visit, "doubtful")
    visit.post("/doubts", form={"answer": "this-visit"})
    visit.await_state("DRAFTED")
    stale = visit.note()
    visit.add_sentence("plan", f"Told about {marks['edited']}.")
    _spoil_edits(visit, stale, marks)
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
    outcome["issue"][0]["diagnostics"] = f"cannot store {marks['outcome']}"  # type: ignore[index]
    ehr = SandboxEhr(scene.stack)
    ehr.strike("status", status=422, body=outcome, times=1)
    visit.sign()
    await_attention(visit, "ehr-rejected")
    visit.post("/retry")
    visit.await_state("FILED")
    visit.await_deletion()
    page = visit.client.get(visit.base, headers=PAGE).text
    assert marks["family"] in page and marks["edited"] in page, "the markers did go through the visit"


def _bring_in_text_file(visit: OpenVisit, marks: dict[str, str]) -> None:
    upload = Upload.begin(visit)
    text = f"{marks['content']} is no sound. ".encode() * 500
    upload.put(0, text, name=f"{marks['filename']}.mp3")
    answer = visit.post(f"/recordings/{upload.recording_id}/close", json={"chunks": 1})
    assert answer.status_code == 422


def _spoil_edits(visit: OpenVisit, stale: dict[str, Any], marks: dict[str, str]) -> None:
    sections = {"plan": [{"id": None, "text": f"Late words on {marks['edited']}."}]}
    refused = [
        visit.post("/note", json={"revision": stale["revision"], "sections": sections}),
        visit.post("/note", json={"revision": 2, "sections": {marks["edited"]: []}}),
        visit.post("/note", json={"revision": 2, "sections": {"plan": [{"id": marks["edited"], "text": "x"}]}}),
        visit.post("/text", form={"text": f"Out of turn: {marks['typed']}"}),
        visit.post("/sign", json={"revision": 1, "shown_sha256": marks["edited"], "attest": "yes"}),
        visit.client.post(
            f"{visit.base}/note",
            content=f'{{"revision": {marks["malformed"]}'.encode(),
            headers={**JSON, "Content-Type": "application/json", "X-CSRF-Token": visit.csrf},
        ),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused), [answer.status_code for answer in refused]


def _waiting_visit(scene: Scene, clinic: Clinic, chart: Chart) -> None:
    """Recorded, and asked about: its sound is still there, sealed."""
    visit = _open(scene, clinic, chart, "billie")
    visit.consent()
    visit.upload(recording_bytes("billie"))
    await_attention(visit, "doubtful")
    visit.await_deletion()


def _typed_visit(scene: Scene, clinic: Clinic, chart: Chart) -> None:
    """Typed, its first draft unusable; then written back while the EHR is away."""
    marks = scene.markers
    visit = _open(scene, clinic, chart, "billie")
    visit.consent("declined")
    vendor, ehr = SandboxVendor(scene.stack), SandboxEhr(scene.stack)
    scene.relay.echoes.append("/chat/completions")
    visit.post("/text", form={"text": f"Cough since {marks['typed']} three days.\nPlan: rest, {marks['typed']}."})
    await_attention(visit, "vendor-rejected")
    vendor.strike("truncate", method="POST", path="/chat/completions$")
    visit.post("/retry")
    await_attention(visit, "draft-unusable")
    visit.post("/retry")
    visit.await_state("DRAFTED")
    ehr.strike("commit_then_timeout", seconds=0.2, times=1)
    visit.sign()
    visit.await_state("FILED", seconds=60)
    visit.await_deletion()
    assert marks["typed"] in visit.client.get(visit.base, headers=PAGE).text


def _strangers(scene: Scene, clinic: Clinic) -> None:
    """Requests of nobody we know, full of words that are none of our business."""
    marks, root = scene.markers, scene.stack.addresses.connector
    client = httpx.Client(trust_env=False, event_hooks={"response": [clinic.listen]} if clinic.listen else {})
    with client:
        for accept in (JSON, PAGE):
            client.get(
                f"{root}/launch",
                params={"iss": f"http://{marks['path']}.invalid", "launch": marks["path"]},
                headers=accept,
            )
            client.get(
                f"{root}/launch/callback", params={"state": marks["path"], "code": marks["path"]}, headers=accept
            )
            client.get(f"{root}/v/{marks['path']}", headers=accept)
            client.get(f"{root}/no/such/{marks['path']}", headers=accept)
            client.put(f"{root}/recordings/{marks['path']}/chunks/0", content=marks["path"].encode(), headers=accept)

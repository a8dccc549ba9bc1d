"""`make demo`: everything started, one visit done as a clinician would, the note read back. In: the environment.

Out: one JSON line on stdout; progress and links on stderr. Nothing it prints comes from anywhere but the servers.
"""

import base64
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

import httpx
from connector_sandbox import hapi
from connector_sandbox.clinician import OpenVisit, VisitStuck, launch_visit
from connector_sandbox.recordings.library import BundledRecording, load_recordings
from connector_sandbox.stack import Choices, Stack, running_stack
from connector_sandbox.state import claim_state_folder

_WIDTH = 34


@dataclass
class Report:
    """Prints steps as they end and keeps their seconds."""

    out: TextIO
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self, line: str) -> None:
        """One line of progress."""
        print(line, file=self.out, flush=True)

    @contextmanager
    def step(self, key: str, title: str) -> Iterator[Callable[[str], None]]:
        """Times a step; what the callable is given is printed as what came out."""
        outcome: list[str] = []
        begun = time.monotonic()
        yield outcome.append
        took = time.monotonic() - begun
        self.seconds[key] = round(took, 3)
        self.say(f"  ✓ {title:<{_WIDTH}} {took:6.2f} s   {outcome[-1] if outcome else ''}")


def run_demo(environ: Mapping[str, str] = os.environ, *, out: TextIO = sys.stderr) -> int:
    """The whole demo; 0 only if the note was filed and read back identical."""
    report = Report(out)
    signal.signal(signal.SIGTERM, _interrupt)
    begun = time.monotonic()
    state = claim_state_folder()
    try:
        if not environ.get("FHIR_BASE"):
            hapi.build()
        report.say(f"\nStarting (logs in {state.path}/logs) …")
        with running_stack(state.path, _choices(environ), say=lambda line: report.say(f"  ✓ {line}")) as stack:
            result = do_visit(stack, report)
            report.seconds["total"] = round(time.monotonic() - begun, 3)
            print(json.dumps(result | {"seconds": report.seconds}), flush=True)
            if not environ.get("ONCE"):
                _stay(stack, report, result)
            return 0 if result["read_back"] == "identical" else 1
    except VisitStuck as error:
        report.say(f"\nThe visit did not come through: {error}\nLogs: {state.path}/logs")
        return 1
    except KeyboardInterrupt:
        report.say("\nStopped.")
        return 130
    finally:
        state.release()


def _choices(environ: Mapping[str, str]) -> Choices:
    def port(name: str) -> int:
        return int(environ.get(name) or 0)

    return Choices(
        connector_port=port("PORT"),
        ehr_port=port("EHR_PORT"),
        hapi_port=port("HAPI_PORT"),
        speech_port=port("SPEECH_PORT"),
        fhir_base=environ.get("FHIR_BASE") or None,
    )


def do_visit(stack: Stack, report: Report) -> dict[str, Any]:
    """One visit from the EHR's launch to the note read back from the FHIR server."""
    recording = load_recordings()[0]
    ehr = stack.addresses.ehr
    patient = _find_patient(stack, recording)
    report.say(f"\nOne visit: {recording.title}")
    with report.step("launch", "EHR launch, sign-in verified") as came:
        visit = launch_visit(ehr, patient)
        came("session bound to this launch")
    with report.step("context", "chart read over FHIR, keyterms") as came:
        visit.await_state("PRIMED")
        came(_counts(visit))
    _record(visit, recording, report)
    shown = _review(visit, report)
    with report.step("filing", "written to the EHR and read back") as came:
        visit.await_state("FILED", seconds=120.0)
        filing = visit.filing()
        came(f"{filing['document_reference']}, {filing['composition']}")
    with report.step("erasure", "vendor data deleted, verified") as came:
        filing = visit.await_deletion()
        came(", ".join(f"{copy['kind']} {copy['state']}" for copy in filing["vendor_copies"]))
    with report.step("comparison", "compared with HAPI itself") as came:
        stored = stored_text(stack.addresses.hapi, filing["document_reference"])
        stored_sha256 = hashlib.sha256(stored).hexdigest()
        identical = stored_sha256 == filing["signed_sha256"] == shown["sha256"]
        came(f"SHA-256 {stored_sha256[:16]}… {'identical' if identical else 'DIFFERENT'}")
    return {
        "patient": visit.patient,
        "fhir_base": stack.addresses.hapi,
        "document_reference": filing["document_reference"],
        "composition": filing["composition"],
        "signed_sha256": filing["signed_sha256"],
        "stored_sha256": stored_sha256,
        "read_back": "identical" if identical else "different",
        "vendor_deleted": filing["vendor_deleted"],
        "vendor_deletion": filing["vendor_deletion"],
    }


def _record(visit: OpenVisit, recording: BundledRecording, report: Report) -> None:
    with report.step("consent", "consent recorded") as came:
        visit.consent()
        came("given, verbal")
    sound = recording.audio.read_bytes()
    with report.step("upload", "recording sealed chunk by chunk") as came:
        chunks, seconds = visit.upload(sound), recording.duration_ms / 1000
        came(f"{chunks} chunk(s), {len(sound) / 1024:.0f} KiB, {seconds:.0f} s of sound")
    with report.step("transcript", "transcribed (sandbox playback)") as came:
        visit.await_state("TRANSCRIBED", "DRAFTED", on_step=lambda step: report.say(f"      … {step}"))
        came("speakers told apart by role")
    with report.step("draft", "SOAP note drafted") as came:
        visit.await_state("DRAFTED")
        note = visit.note()
        count = sum(len(section["sentences"]) for section in note["sections"])
        came(f"{count} sentences, {len(note['findings'])} finding(s) for the clinician")
        for finding in note["findings"]:
            report.say(f"      ! {finding['text']}")


def _review(visit: OpenVisit, report: Report) -> dict[str, Any]:
    with report.step("edit", "edited by the clinician") as came:
        edited = visit.add_sentence("plan", "Written instructions given to the patient.")
        came(f"revision {edited['revision']}")
    with report.step("sign", "read, attested and signed") as came:
        shown = visit.sign()
        came(f"SHA-256 {shown['sha256'][:16]}…")
    return shown


def _counts(visit: OpenVisit) -> str:
    return describe_context(visit.context())


def describe_context(context: Mapping[str, Any]) -> str:
    """What was read of the chart, and how many parts still are; an answer of `/context` as one line."""
    sections = {name: one for name, one in context["sections"].items() if name not in ("patient", "encounter")}
    shown = [
        f"{section['count']} {name}" if section["state"] in ("ok", "empty") else f"{name} {section['state']}"
        for name, section in sections.items()
        if section["state"] != "pending"
    ]
    pending = len(sections) - len(shown)
    shown += [f"{pending} more parts being read"] if pending else []
    return f"{', '.join(shown)} → {len(context['keyterms'])} keyterms"


def _find_patient(stack: Stack, recording: BundledRecording) -> str:
    """The bundled patient of a recording; on a FHIR server of the user's own, its first patient."""
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        if stack.bundled_patients:
            bundle = json.loads((hapi.PATIENTS / recording.patient_bundle).read_text(encoding="utf-8"))
            kinds = [entry["resource"] for entry in bundle["entry"]]
            return str(next(one["id"] for one in kinds if one["resourceType"] == "Patient"))
        answer = client.get(f"{stack.addresses.hapi}/Patient", params={"_count": 1}).json()
        if not answer.get("entry"):
            raise VisitStuck("your FHIR server holds no patient")
        return str(answer["entry"][0]["resource"]["id"])


def stored_text(fhir_base: str, reference: str) -> bytes:
    """The bytes of the text attachment as the FHIR server itself holds them."""
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        document = client.get(f"{fhir_base}/{reference}", headers={"Accept": "application/fhir+json"}).json()
    for content in document["content"]:
        if content["attachment"]["contentType"].startswith("text/plain"):
            return base64.b64decode(content["attachment"]["data"])
    raise VisitStuck("the stored document holds no text attachment")


def _stay(stack: Stack, report: Report, result: Mapping[str, Any]) -> None:
    report.say(
        f"\nOpen in a browser:\n"
        f"  Sandbox EHR, patient list   {stack.addresses.ehr}/\n"
        f"  What the vendor still holds {stack.addresses.speech}/sandbox/jobs\n"
        f"  The note in the FHIR server {result['fhir_base']}/{result['document_reference']}?_pretty=true\n"
        f"\nRecordings to upload: {load_recordings()[0].audio.parent}\n"
        f"Stop with Ctrl-C."
    )
    while True:
        for child in stack.revive():
            report.say(f"  ! {child} had ended by itself and was started again; see its log")
        time.sleep(1.0)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt

"""All the servers of a demo or a test, started and told of each other. In: a state folder and choices. Out: addresses.

Everything listens on loopback. The sandbox EHR is addressed as `localhost`, the connector as `127.0.0.1`: two sites to
a browser, so that iframes and their cookies are really tried.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml
from connector_sandbox import hapi
from connector_sandbox.processes import Child, Supervisor, claim_port

CLIENT_ID = "smart-scribe"
TENANT = "sandbox"
SCOPES = (
    "launch openid fhirUser online_access "
    "patient/Patient.r patient/Encounter.rs patient/MedicationRequest.rs patient/Medication.r "
    "patient/AllergyIntolerance.rs patient/Condition.rs patient/Observation.rs "
    "patient/MedicationStatement.rs patient/Immunization.rs patient/Procedure.rs patient/CareTeam.rs "
    "patient/Appointment.rs patient/Goal.rs patient/CarePlan.rs patient/ServiceRequest.rs "
    "patient/DocumentReference.crs patient/Composition.crs patient/Provenance.cu user/Practitioner.r"
)
# What a clinician reaches of any patient, for an EHR that leaves picking the patient to the app.
USER_SCOPES = SCOPES.replace("patient/Patient.r ", "patient/Patient.rs ").replace("patient/", "user/")
READY_SECONDS = 120.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Choices:
    """What may be chosen. Ports of 0 are free ones; `fhir_base` puts the sandbox EHR in front of another server.

    `picks_patients`: the connector may be started outside the EHR, which then names no patient. `audio_hosts`:
    where recordings may be fetched from. `speech_places`: how many jobs the sandbox AssemblyAI works on at a time.
    """

    connector_port: int = 0
    ehr_port: int = 0
    hapi_port: int = 0
    speech_port: int = 0
    fhir_base: str | None = None
    queue_seconds: float | None = None
    process_seconds: float | None = None
    speech_places: int | None = None
    picks_patients: bool = False
    audio_hosts: tuple[str, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Addresses:
    """Where everything answers; no address ends in a slash."""

    connector: str
    ehr: str
    hapi: str
    speech: str


class Stack:
    """The running servers of one state folder."""

    def __init__(self, supervisor: Supervisor, folder: Path, choices: Choices, *, say: Say) -> None:
        self._supervisor = supervisor
        self._choices = choices
        self._say = say
        self.folder = folder
        self.private = folder / "private"
        self.private.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._hapi_child: Child | None = None
        self.key = secrets.token_hex(16)
        self.addresses = self._choose_addresses()
        self.children: dict[str, Child] = {}

    def _choose_addresses(self) -> Addresses:
        chosen = self._choices
        connector, ehr = claim_port(chosen.connector_port), claim_port(chosen.ehr_port)
        speech, hapi_port = claim_port(chosen.speech_port), claim_port(chosen.hapi_port)
        return Addresses(
            connector=f"http://127.0.0.1:{connector}",
            ehr=f"http://localhost:{ehr}",
            hapi=(chosen.fhir_base or f"http://127.0.0.1:{hapi_port}/fhir").rstrip("/"),
            speech=f"http://127.0.0.1:{speech}",
        )

    @property
    def bundled_patients(self) -> bool:
        """Whether the FHIR server is ours, with the eight patients in it."""
        return self._choices.fhir_base is None

    def ended(self) -> list[str]:
        """Servers that ended although nobody stopped them."""
        return [child.name for child in self._supervisor.ended() if child.name != "migrate"]

    def revive(self) -> list[str]:
        """Starts the connector's own processes again that ended by themselves, as an operator's supervisor would."""
        found = [name for name in ("web", "worker") if not self.children[name].is_running()]
        for name in found:
            if name == "web":
                self.start_web()
            else:
                self.start_worker()
        return found

    def start(self) -> None:
        """Starts everything, HAPI first because it takes longest, and returns when all of it answers."""
        begun = time.monotonic()
        if self._choices.fhir_base is None:
            port = int(self.addresses.hapi.rsplit(":", 1)[1].split("/")[0])
            self._hapi_child = hapi.launch(self._supervisor, port=port)
        self._launch_speech()
        self._write_registration()
        self._migrate()
        self._launch_web()
        self._launch_worker("worker")
        self._await_speech()
        self._await_web()
        self._await_worker("worker")
        self._say(f"embedded PostgreSQL, connector and sandbox AssemblyAI answer ({time.monotonic() - begun:.1f} s)")
        self._await_hapi()
        self.start_ehr()

    def _await_hapi(self) -> None:
        if self._hapi_child is None:
            self._say(f"FHIR server of yours: {self.addresses.hapi}")
            return
        begun = time.monotonic()
        hapi.await_base_url(self._hapi_child)
        loaded = hapi.load_patients(self.addresses.hapi)
        waited = time.monotonic() - begun
        self._say(
            f"HAPI FHIR answers; {loaded.written + loaded.unchanged} resources of eight patients ({waited:.1f} s)"
        )

    def start_speech(self) -> None:
        """The sandbox AssemblyAI."""
        self._launch_speech()
        self._await_speech()

    def _launch_speech(self) -> None:
        arguments = ["--port", _port(self.addresses.speech), "--state", str(self.private / "speech"), "--key", self.key]
        if self._choices.queue_seconds is not None:
            arguments += ["--queue-seconds", str(self._choices.queue_seconds)]
        if self._choices.process_seconds is not None:
            arguments += ["--process-seconds", str(self._choices.process_seconds)]
        if self._choices.speech_places is not None:
            arguments += ["--places", str(self._choices.speech_places)]
        self._launch("assemblyai", [sys.executable, "-m", "connector_sandbox.assemblyai", *arguments])

    def _await_speech(self) -> None:
        self.children["assemblyai"].await_http(f"{self.addresses.speech}/health", seconds=READY_SECONDS)

    def start_ehr(self) -> None:
        """The sandbox EHR in front of the FHIR server."""
        config = self.private / "ehr.json"
        config.write_text(json.dumps(self._ehr_config()), encoding="utf-8")
        self._launch("ehr", [sys.executable, "-m", "connector_sandbox.ehr", "--config", str(config)])
        self.children["ehr"].await_http(f"{self.addresses.ehr}/health", seconds=READY_SECONDS)
        self._await_clinicians()

    def _await_clinicians(self) -> None:
        until = time.monotonic() + READY_SECONDS
        with httpx.Client(trust_env=False) as client:
            while time.monotonic() < until:
                if client.get(f"{self.addresses.ehr}/health").json().get("ready"):
                    return
                time.sleep(0.1)
        raise RuntimeError("the sandbox EHR cannot reach its FHIR server: is the address right?")

    def start_web(self) -> None:
        """The connector's web process."""
        self._launch_web()
        self._await_web()

    def _launch_web(self) -> None:
        self._launch("web", [sys.executable, "-m", "connector", "serve"], self.environment())

    def _await_web(self) -> None:
        self.children["web"].await_http(f"{self.addresses.connector}/health/ready", seconds=READY_SECONDS)

    def start_worker(self, name: str = "worker") -> Child:
        """A worker process of the connector; returns when it has begun to look for work."""
        self._launch_worker(name)
        self._await_worker(name)
        return self.children[name]

    def _launch_worker(self, name: str) -> None:
        self._launch(name, [sys.executable, "-m", "connector", "worker"], self.environment())

    def _await_worker(self, name: str) -> None:
        self.children[name].await_line("worker.ready", seconds=READY_SECONDS)

    def _migrate(self) -> None:
        self._launch("migrate", [sys.executable, "-m", "connector", "migrate"], self.environment())
        status = self.children["migrate"].wait()
        if status:
            raise RuntimeError(f"the database could not be set up: {self.children['migrate'].output()}")
        # The embedded server outlives the process that started it: whoever stops this stack must know it.
        postmaster = (self.folder / "pg" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0]
        self._supervisor.adopt("postgres", int(postmaster))

    def environment(self) -> dict[str, str]:
        """The connector's settings."""
        return {
            "CONNECTOR_STATE_FOLDER": str(self.folder),
            "CONNECTOR_MASTER_KEY_FILE": str(self.private / "master.key"),
            "CONNECTOR_REGISTRATIONS_FOLDER": str(self.private / "registrations"),
            "CONNECTOR_PUBLIC_BASE_URL": self.addresses.connector,
            "CONNECTOR_PORT": _port(self.addresses.connector),
            "CONNECTOR_ASSEMBLYAI_BASE_URL": self.addresses.speech,
            "CONNECTOR_ASSEMBLYAI_API_KEY": self.key,
            "CONNECTOR_GATEWAY_BASE_URL": f"{self.addresses.speech}/v1",
            "CONNECTOR_TRANSCRIPTION_POLL_INTERVAL": "0.25",
            # Here everybody knocks from one address, and benchmarks and tests knock often.
            "CONNECTOR_LAUNCHES_PER_MINUTE": "100000",
            "CONNECTOR_FAILED_CALLBACKS_PER_MINUTE": "100000",
            "CONNECTOR_FAILED_TICKETS_PER_MINUTE": "100000",
            **self._choices.extra,
        }

    def _ehr_config(self) -> dict[str, object]:
        connector = self.addresses.connector
        picks = self._choices.picks_patients
        return {
            "port": int(_port(self.addresses.ehr)),
            "base_url": self.addresses.ehr,
            "fhir_upstream": self.addresses.hapi,
            "state_dir": str(self.private / "ehr"),
            "token_seconds": 300,
            "off": ["context-standalone-patient"] if picks else [],
            "clients": [
                {
                    "client_id": CLIENT_ID,
                    "name": "SMART Scribe",
                    "client_secret": self._client_secret(),
                    "redirect_uris": [f"{connector}/launch/callback/{TENANT}"],
                    "launch_url": f"{connector}/launch",
                    "scopes": USER_SCOPES.split() if picks else SCOPES.split(),
                }
            ],
        }

    def _client_secret(self) -> str:
        file = self.private / "client-secret"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(secrets.token_urlsafe(32))
        return file.read_text(encoding="ascii")

    def _write_registration(self) -> None:
        self._client_secret()
        folder = self.private / "registrations"
        folder.mkdir(exist_ok=True)
        registration = {
            "name": "Sandbox EHR",
            "fhir_base": f"{self.addresses.ehr}/fhir",
            "client_id": CLIENT_ID,
            "auth_method": "client_secret_basic",
            "client_secret_file": str(self.private / "client-secret"),
            "scopes": USER_SCOPES.split() if self._choices.picks_patients else SCOPES.split(),
            "standalone": self._choices.picks_patients,
            "frame_ancestors": [self.addresses.ehr],
            "vendor_profile": "generic",
            "audio_hosts": list(self._choices.audio_hosts),
        }
        (folder / f"{TENANT}.yaml").write_text(yaml.safe_dump(registration, sort_keys=False), encoding="utf-8")

    def _launch(self, name: str, argv: list[str], env: dict[str, str] | None = None) -> None:
        self.children[name] = self._supervisor.start(name, argv, env=env)


@contextmanager
def running_stack(folder: Path, choices: Choices, *, say: Say) -> Iterator[Stack]:
    """A started stack; everything in it, the embedded database too, is stopped when the block is left."""
    from connector.store.database import stop_embedded

    with Supervisor(folder) as supervisor:
        stack = Stack(supervisor, folder, choices, say=say)
        try:
            stack.start()
            yield stack
        finally:
            supervisor.stop()
            stop_embedded(folder)


def _port(address: str) -> str:
    return address.rsplit(":", 1)[1].split("/")[0]

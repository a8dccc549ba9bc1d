"""Two sandbox EHRs and as many web processes of the connector as wanted on one database; all real, on real sockets."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from connector_sandbox.processes import Supervisor, claim_port

from connector.store.database import DatabaseAddress
from tests.wire.sandbox_ehr.conftest import listen, serve
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

CLINICIANS = {"Practitioner/sandbox-ehr-okafor": "Okafor", "Practitioner/sandbox-ehr-lindqvist": "Lindqvist"}
FAMILIES = {"north": ("Ahlgren", "Brandvold"), "south": ("Castellano", "Dimitriou")}
_SCOPES = (
    "launch openid fhirUser online_access patient/Patient.r patient/Encounter.rs patient/MedicationRequest.rs "
    "patient/Medication.r patient/AllergyIntolerance.rs patient/Condition.rs patient/Observation.rs user/Practitioner.r"
)


@dataclass(frozen=True)
class SandboxClinic:
    """One EHR: its address, and its patients' family names by id."""

    tenant: str
    base: str
    patients: dict[str, str]

    def journal(self) -> list[dict[str, Any]]:
        """Everything it was asked, with the evidence."""
        answer = httpx.get(f"{self.base}/sandbox/requests", params={"detail": 1}, trust_env=False, timeout=30.0)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["requests"]
        return found


@dataclass(frozen=True)
class Clinics:
    """Both EHRs and the addresses of the web processes; the first one is what the world calls the connector."""

    ehrs: tuple[SandboxClinic, SandboxClinic]
    webs: Sequence[str]


@contextmanager
def open_clinics(folder: Path, database: DatabaseAddress, *, processes: int) -> Iterator[Clinics]:
    """Starts everything in `folder` and stops it again."""
    sock, port = listen()
    fhir = TinyFhir(base=f"http://127.0.0.1:{port}/fhir")
    webs = [f"http://127.0.0.1:{claim_port()}" for _ in range(processes)]
    (folder / "registrations").mkdir()
    with serve(fhir.app(), sock), Supervisor(folder) as supervisor:
        ehrs, command = [], [sys.executable, "-m", "connector_sandbox.ehr"]
        for tenant, families in FAMILIES.items():
            ehr = SandboxClinic(
                tenant, f"http://localhost:{claim_port()}", {fhir.add_patient(family=name): name for name in families}
            )
            ehrs.append(ehr)
            command += ["--config", str(_configure(folder, ehr, web=webs[0], upstream=fhir.base))]
        answering = supervisor.start("ehr", command)
        for number, web in enumerate(webs):
            environment = _environment(folder, database, web, webs[0])
            child = supervisor.start(f"web{number}", [sys.executable, "-m", "connector", "serve"], env=environment)
            child.await_http(f"{web}/health/ready", seconds=120.0)
        for ehr in ehrs:
            answering.await_http(f"{ehr.base}/health", seconds=120.0)
        yield Clinics((ehrs[0], ehrs[1]), webs)


def _configure(folder: Path, ehr: SandboxClinic, *, web: str, upstream: str) -> Path:
    """Writes the EHR's configuration and its registration with the connector; where the first lies."""
    secret = secrets.token_urlsafe(24)
    (folder / f"{ehr.tenant}.secret").touch(mode=0o600)
    (folder / f"{ehr.tenant}.secret").write_text(secret, encoding="ascii")
    config = {
        "port": int(ehr.base.rsplit(":", 1)[1]),
        "base_url": ehr.base,
        "fhir_upstream": upstream,
        "state_dir": str(folder / f"state-{ehr.tenant}"),
        "name": f"Sandbox EHR {ehr.tenant}",
        "clients": [
            {
                "client_id": f"scribe-{ehr.tenant}",
                "name": "Scribe",
                "client_secret": secret,
                "redirect_uris": [f"{web}/launch/callback/{ehr.tenant}"],
                "launch_url": f"{web}/launch",
                "scopes": _SCOPES.split(),
            }
        ],
    }
    registration = {
        "name": f"Sandbox EHR {ehr.tenant}",
        "fhir_base": f"{ehr.base}/fhir",
        "client_id": f"scribe-{ehr.tenant}",
        "auth_method": "client_secret_basic",
        "client_secret_file": str(folder / f"{ehr.tenant}.secret"),
        "scopes": _SCOPES.split(),
        "vendor_profile": "generic",
    }
    path = folder / f"{ehr.tenant}.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    written = yaml.safe_dump(registration, sort_keys=False)
    (folder / "registrations" / f"{ehr.tenant}.yaml").write_text(written, encoding="utf-8")
    return path


def _environment(folder: Path, database: DatabaseAddress, web: str, public: str) -> dict[str, str]:
    return {
        "CONNECTOR_DATABASE_URL": database.libpq,
        "CONNECTOR_STATE_FOLDER": str(folder),
        "CONNECTOR_MASTER_KEY_FILE": str(folder / "master.key"),
        "CONNECTOR_REGISTRATIONS_FOLDER": str(folder / "registrations"),
        "CONNECTOR_PUBLIC_BASE_URL": public,
        "CONNECTOR_PORT": web.rsplit(":", 1)[1],
        "CONNECTOR_ASSEMBLYAI_BASE_URL": "http://127.0.0.1:9",
        "CONNECTOR_ASSEMBLYAI_API_KEY": "none",
        "CONNECTOR_LAUNCHES_PER_MINUTE": "100000",
        "CONNECTOR_FAILED_CALLBACKS_PER_MINUTE": "100000",
    }

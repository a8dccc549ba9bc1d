"""Registration files for tests. In: what a test wants otherwise. Out: the least file that loads, changed so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

LEAST: dict[str, Any] = {
    "name": "General Hospital",
    "fhir_base": "https://ehr.example.org/fhir/r4",
    "client_id": "scribe",
    "auth_method": "public",
    "scopes": ["launch", "openid", "fhirUser", "patient/Patient.r"],
}


def write(folder: Path, tenant: str = "general", **changes: Any) -> Path:
    body = {key: value for key, value in {**LEAST, **changes}.items() if value is not None}
    path = folder / f"{tenant}.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path

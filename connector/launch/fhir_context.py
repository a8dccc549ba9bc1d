"""What a launch says it is about beside the patient. In: `fhirContext` of a token answer. Out: at most one encounter.

Whatever stands in it is read as text only: nothing is fetched, least of all from another server, and nothing breaks.
"""

from __future__ import annotations

import re

_ENCOUNTER = re.compile(r"Encounter/(?!\.+$)([A-Za-z0-9._\-]{1,128})")
_LAUNCH = "launch"


def find_encounter(fhir_context: object, *, fhir_base: str) -> str | None:
    """The id of the one Encounter a launch opened from (SMART App Launch 2.2, "fhirContext"); None for none or many.

    Entries may hold a reference, a canonical or an identifier, and a role; without a role it is `launch`. Only literal
    references count, relative or below `fhir_base`; every other entry is ignored.
    """
    if not isinstance(fhir_context, list):
        return None
    found = {identity for entry in fhir_context if (identity := _read_entry(entry, fhir_base)) is not None}
    return found.pop() if len(found) == 1 else None


def _read_entry(entry: object, fhir_base: str) -> str | None:
    if not isinstance(entry, dict) or entry.get("role", _LAUNCH) != _LAUNCH:
        return None
    reference = entry.get("reference")
    if not isinstance(reference, str):
        return None
    match = _ENCOUNTER.fullmatch(reference.removeprefix(fhir_base.rstrip("/") + "/"))
    return match[1] if match else None

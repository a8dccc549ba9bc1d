"""The transaction that files a note. In: a SignedNote, its launch and the facts around it. Out: one FHIR R4 Bundle.

Deterministic: building it again gives the same bytes, so that a replayed transaction changes nothing. Never sends.
"""

from __future__ import annotations

from typing import Any

from connector.errors import Misconfigured
from connector.records import Launch, SignedNote
from connector.writeback.documents import (
    FilingFacts,
    build_composition,
    build_document_reference,
    build_provenance,
)
from connector.writeback.naming import URI_SYSTEM, name_document, name_entry
from connector.writeback.outgoing import find_faults
from connector.writeback.profile import WriteProfile

__all__ = ["FilingFacts", "build_transaction", "name_document"]


def build_transaction(
    signed: SignedNote, *, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> dict[str, Any]:
    """One transaction Bundle: DocumentReference, and Composition and Provenance where the profile has them.

    Creates carry `ifNoneExist` on our identifier where the EHR honours it; the Provenance is PUT under its own id.
    Raises Misconfigured, naming paths but no values, where the result would not be FHIR R4.
    """
    documents = [build_document_reference(signed, launch=launch, profile=profile, facts=facts)]
    if profile.composition:
        documents.append(build_composition(signed, launch=launch, facts=facts))
    entries = [_create(resource, signed, conditional=profile.conditional_create) for resource in documents]
    if profile.provenance:
        targets = tuple(entry["fullUrl"] for entry in entries)
        provenance = build_provenance(signed, launch=launch, targets=targets, facts=facts)
        url = f"Provenance/{provenance['id']}"
        entries.append(_enter(provenance, signed, request={"method": "PUT", "url": url}))
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    faults = find_faults(bundle)
    if faults:
        raise Misconfigured(f"The signed note cannot be put into FHIR R4: {'; '.join(faults[:5])}.")
    return bundle


def _create(resource: dict[str, Any], signed: SignedNote, *, conditional: bool) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    if conditional:
        request["ifNoneExist"] = f"identifier={URI_SYSTEM}|{name_document(signed.note_id, signed.version)}"
    return _enter(resource, signed, request=request)


def _enter(resource: dict[str, Any], signed: SignedNote, *, request: dict[str, str]) -> dict[str, Any]:
    full_url = name_entry(signed.note_id, signed.version, resource["resourceType"])
    return {"fullUrl": full_url, "resource": resource, "request": request}

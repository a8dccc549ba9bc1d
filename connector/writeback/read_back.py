"""The comparison of what was signed with what the EHR holds. In: SignedNote, DocumentReference. Out: a ReadBack.

Never trusts the EHR's own hash or size, and never mends: one changed byte of the text is "different".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.records import Launch, SignedNote
from connector.writeback.naming import URI_SYSTEM, name_document
from connector.writeback.profile import SIGNED, TEXT
from connector.writeback.shapes import as_object, as_objects

IDENTICAL = "identical"
DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """`verdict` is `identical` or `different`; `stored_sha256` in hex, None where no text is stored.

    `differs` names what: `text`, `patient`, `encounter`, `status`, `docStatus`, `identifier`; no values.
    """

    verdict: str
    stored_sha256: str | None
    differs: tuple[str, ...] = ()


def compare(signed: SignedNote, document_reference: Mapping[str, Any], *, launch: Launch) -> ReadBack:
    """Compare the stored document with the signed note; never raises, whatever JSON the EHR answers with."""
    document = as_object(document_reference)
    stored = _hash_stored_text(document)
    context = as_object(document.get("context"))
    identifier = {"system": URI_SYSTEM, "value": name_document(signed.note_id, signed.version)}
    agrees = {
        "text": stored == hashlib.sha256(signed.text.encode("utf-8")).hexdigest() == signed.sha256,
        "patient": _refers_to(document.get("subject"), launch.patient, launch.fhir_base),
        "encounter": launch.encounter is None
        or any(_refers_to(one, launch.encounter, launch.fhir_base) for one in as_objects(context.get("encounter"))),
        "status": document.get("status") == "current",
        "docStatus": document.get("docStatus") == SIGNED,
        "identifier": any(
            {key: one.get(key) for key in identifier} == identifier for one in as_objects(document.get("identifier"))
        ),
    }
    differs = tuple(name for name, same in agrees.items() if not same)
    return ReadBack(DIFFERENT if differs else IDENTICAL, stored, differs)


def _hash_stored_text(document: Mapping[str, Any]) -> str | None:
    """SHA-256 of the bytes of the first text/plain attachment, decoded; None where there is none inline."""
    attachments = (as_object(content.get("attachment")) for content in as_objects(document.get("content")))
    texts = [one for one in attachments if _media_type(one.get("contentType")) == TEXT]
    data = texts[0].get("data") if texts else None
    if not isinstance(data, str):
        return None
    try:
        raw = base64.b64decode("".join(data.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return hashlib.sha256(raw).hexdigest()


def _media_type(value: object) -> str:
    return value.partition(";")[0].strip().lower() if isinstance(value, str) else ""


def _refers_to(reference: object, wanted: str, base: str) -> bool:
    literal = as_object(reference).get("reference")
    return isinstance(literal, str) and literal.removeprefix(base.rstrip("/") + "/") == wanted

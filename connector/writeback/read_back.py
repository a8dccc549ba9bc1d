"""The comparison of what was signed with what the EHR holds. In: SignedNote, DocumentReference. Out: a ReadBack.

Never trusts the EHR's own hash or size: the bytes are decoded and hashed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.records import Launch, SignedNote


@dataclass(frozen=True, slots=True)
class ReadBack:
    """`verdict` is `identical` or `different`; `differs` names what: text, patient, encounter, status, docStatus, identifier."""

    verdict: str
    stored_sha256: str | None
    differs: tuple[str, ...] = ()


def compare(signed: SignedNote, document_reference: Mapping[str, Any], *, launch: Launch) -> ReadBack:
    """Compare the stored document with the signed note; never raises on any JSON."""
    raise NotImplementedError

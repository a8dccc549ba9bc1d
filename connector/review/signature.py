"""The signature. In: the draft, the hash of what the page showed, and who signs. Out: a SignedNote.

Never signs what was not shown, and never for anybody but the practitioner the EHR launched us for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.records import DraftNote, SignedNote
from connector.review.rendition import Heading


@dataclass(frozen=True, slots=True)
class Attestation:
    """What the signer declares; a change of wording is a new version."""

    version: int
    text: str


ATTESTATION = Attestation(
    version=1,
    text="I have read this note and corrected it where needed. It is an accurate record of the visit, and I sign it as its author.",
)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who presses the button: `reference` of the session, `launched_as` the practitioner of the launch's id_token."""

    reference: str | None
    launched_as: str | None
    name: str


def sign_note(draft: DraftNote, heading: Heading, *, shown_sha256: str, signer: Signer, now: datetime) -> SignedNote:
    """Sign `draft` as `heading.note_id`, `heading.version`. Raises SignatureBlocked."""
    raise NotImplementedError

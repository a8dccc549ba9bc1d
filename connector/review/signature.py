"""The signature. In: the draft, the hash of what the page showed, and who signs. Out: a SignedNote.

Never signs what was not shown, and never for anybody but the practitioner the EHR launched us for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from connector.errors import SignatureBlocked
from connector.records import DraftNote, NoteSection, SignedNote, Stamp
from connector.review.rendition import Heading, hash_text, render_text
from connector.review.wording import clean_text


@dataclass(frozen=True, slots=True)
class Attestation:
    """What the signer declares; a change of wording is a new version."""

    version: int
    text: str


ATTESTATION = Attestation(
    version=1,
    text=(
        "I have read this note and corrected it where needed. "
        "It is an accurate record of the visit, and I sign it as its author."
    ),
)

_MAY_SIGN = ("Practitioner/", "PractitionerRole/")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who presses the button: `reference` of the session, `launched_as` the practitioner of the launch's id_token."""

    reference: str | None
    launched_as: str | None
    name: str


def sign_note(draft: DraftNote, heading: Heading, *, shown_sha256: str, signer: Signer, now: datetime) -> SignedNote:
    """Sign `draft` as `heading.note_id`, `heading.version`; `shown_sha256` is in hex, of the text the page showed.

    Raises SignatureBlocked where the signer is not the launch's practitioner, where the note has no sentence, and
    where what was shown is not what would be signed.
    """
    reference = _check_signer(signer, heading)
    if not any(clean_text(sentence.text) for section in draft.sections for sentence in section.sentences):
        raise SignatureBlocked("The note is empty: write or draft it before signing.")
    text = render_text(draft, heading)
    digest = hash_text(text)
    if shown_sha256.strip().lower() != digest:
        raise SignatureBlocked("The note changed since this page was loaded: reload and read it again.")
    return SignedNote(
        note_id=heading.note_id,
        version=heading.version,
        revision=draft.revision,
        note_type=draft.note_type,
        title=draft.title,
        sections=tuple(map(_as_shown, draft.sections)),
        text=text,
        sha256=digest,
        signer=reference,
        signer_name=signer.name,
        attestation=ATTESTATION.text,
        signed_at=now,
        stamp=Stamp(maker=f"review/attestation@{ATTESTATION.version}", at=now, who=reference, model=draft.stamp.model),
    )


def _as_shown(section: NoteSection) -> NoteSection:
    """The section in the very words of the rendition: what a reader cannot see is not signed either."""
    shown = (replace(sentence, text=clean_text(sentence.text)) for sentence in section.sentences)
    return replace(section, sentences=tuple(sentence for sentence in shown if sentence.text))


def _check_signer(signer: Signer, heading: Heading) -> str:
    if signer.launched_as is None or not signer.launched_as.startswith(_MAY_SIGN):
        raise SignatureBlocked(
            "The EHR did not say which clinician opened the chart. Open the scribe again from the chart, signed in."
        )
    if signer.reference != signer.launched_as:
        raise SignatureBlocked("Only the clinician who opened this chart can sign this note.")
    if not signer.name.strip() or signer.name != heading.author:
        raise SignatureBlocked("The note names another author than the signer. Reload the page and read it again.")
    return signer.launched_as

"""The signature: only what was shown, only by the clinician of the launch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.errors import SignatureBlocked
from connector.records import DraftNote, Sentence
from connector.review.rendition import Heading, hash_text, render_text, render_xhtml
from connector.review.signature import ATTESTATION, Signer, sign_note

KAI = Signer("Practitioner/9", "Practitioner/9", "Dr. Kai Mann")


def test_a_signed_note_is_what_was_shown(draft: DraftNote, heading: Heading, now: datetime) -> None:
    shown = render_text(draft, heading)
    signed = sign_note(draft, heading, shown_sha256=hash_text(shown), signer=KAI, now=now)
    assert (signed.text, signed.sha256) == (shown, hash_text(shown))
    assert (signed.note_id, signed.version, signed.revision) == ("note-1", 1, 3)
    assert (signed.signer, signed.signer_name, signed.signed_at) == ("Practitioner/9", "Dr. Kai Mann", now)
    assert (signed.attestation, signed.sections) == (ATTESTATION.text, draft.sections)
    assert signed.stamp.maker == f"review/attestation@{ATTESTATION.version}"


def test_the_xhtml_of_a_signed_note_says_the_signed_words(draft: DraftNote, heading: Heading, now: datetime) -> None:
    signed = sign_note(draft, heading, shown_sha256=hash_text(render_text(draft, heading)), signer=KAI, now=now)
    later = replace(heading, patient_name="Somebody Else", consent="Withdrawn.")
    assert render_xhtml(signed, later) == render_xhtml(draft, heading)


def test_a_note_that_changed_since_it_was_shown(draft: DraftNote, heading: Heading, now: datetime) -> None:
    shown = hash_text(render_text(draft, heading))
    *others, plan = draft.sections
    changed = replace(draft, sections=(*others, replace(plan, sentences=(Sentence("p1", "Stop losartan."),))))
    for note, head in ((changed, heading), (draft, replace(heading, signed_on=heading.signed_on + timedelta(days=1)))):
        with pytest.raises(SignatureBlocked, match="changed since this page was loaded: reload and read it again"):
            sign_note(note, head, shown_sha256=shown, signer=KAI, now=now)


@pytest.mark.parametrize(
    ("signer", "said"),
    [
        (Signer("Practitioner/9", None, "Dr. Kai Mann"), "did not say which clinician"),
        (Signer("Patient/9", "Patient/9", "Dr. Kai Mann"), "did not say which clinician"),
        (Signer(None, "Practitioner/9", "Dr. Kai Mann"), "Only the clinician who opened"),
        (Signer("Practitioner/8", "Practitioner/9", "Dr. Kai Mann"), "Only the clinician who opened"),
        (Signer("Practitioner/9", "Practitioner/9", "Dr. Other"), "another author"),
        (Signer("Practitioner/9", "Practitioner/9", " "), "another author"),
    ],
)
def test_nobody_else_signs(draft: DraftNote, heading: Heading, now: datetime, signer: Signer, said: str) -> None:
    shown = hash_text(render_text(draft, heading))
    with pytest.raises(SignatureBlocked) as blocked:
        sign_note(draft, heading, shown_sha256=shown, signer=signer, now=now)
    assert said in blocked.value.detail


def test_an_empty_note_is_not_signed(draft: DraftNote, heading: Heading, now: datetime) -> None:
    empty = replace(draft, sections=tuple(replace(section, sentences=()) for section in draft.sections))
    with pytest.raises(SignatureBlocked, match="empty"):
        sign_note(empty, heading, shown_sha256=hash_text(render_text(empty, heading)), signer=KAI, now=now)


def test_what_cannot_be_seen_is_not_signed(draft: DraftNote, heading: Heading, now: datetime) -> None:
    *others, plan = draft.sections
    unseen = (Sentence("p1", "Stop\u202e losartan.\x08"), Sentence("p2", "\u200b"))
    crafted = replace(draft, sections=(*others, replace(plan, sentences=unseen)))
    signed = sign_note(crafted, heading, shown_sha256=hash_text(render_text(crafted, heading)), signer=KAI, now=now)
    assert signed.sections[-1].sentences == (Sentence("p1", "Stop losartan."),)

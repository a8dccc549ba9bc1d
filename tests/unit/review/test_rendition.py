"""The text that is shown and signed, and its XHTML twin."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from connector.records import DraftNote, Sentence
from connector.review.rendition import (
    LITTLE_SPEECH_LABEL,
    PLAYBACK_LABEL,
    RECOGNISER_LABEL,
    Heading,
    hash_text,
    render_text,
    render_xhtml,
)

EXPECTED = """Progress note

Patient: Chasidy Prosacco
Date of birth: 1958-11-28
Record number: MRN-7
Date of visit: 2026-11-21
Author: Dr. Kai Mann
Note: note-1, version 1

Subjective
She has had a cough for 2 weeks.
No fever.

Objective
Nothing recorded in this visit.

Plan
Continue losartan 50 mg daily.

Drafted with AI assistance from a recording of the visit; reviewed and signed by Dr. Kai Mann on 2026-11-21.
The patient gave verbal consent to recording on 2026-11-21.
"""


def with_text(draft: DraftNote, text: str) -> DraftNote:
    *others, plan = draft.sections
    return replace(draft, sections=(*others, replace(plan, sentences=(Sentence("p1", text),))))


def test_the_text_rendition(draft: DraftNote, heading: Heading) -> None:
    assert render_text(draft, heading) == EXPECTED


def test_a_played_back_visit_is_labelled(draft: DraftNote, heading: Heading) -> None:
    played = render_text(draft, replace(heading, transcript_origin="playback"))
    assert played.splitlines()[1] == PLAYBACK_LABEL
    assert PLAYBACK_LABEL not in EXPECTED


def test_a_visit_the_sandbox_recognised_is_labelled(draft: DraftNote, heading: Heading) -> None:
    heard = render_text(draft, replace(heading, transcript_origin="sandbox-recogniser"))
    assert heard.splitlines()[1] == RECOGNISER_LABEL
    assert PLAYBACK_LABEL not in heard
    assert "Drafted with AI assistance from a recording of the visit" in heard


def test_a_note_from_little_speech_says_so_in_both_renditions(draft: DraftNote, heading: Heading) -> None:
    warned = replace(heading, little_speech=True)
    assert render_text(draft, warned).splitlines()[1] == LITTLE_SPEECH_LABEL
    assert f"<p>{LITTLE_SPEECH_LABEL}</p>" in render_xhtml(draft, warned)
    assert LITTLE_SPEECH_LABEL not in EXPECTED


def test_a_typed_visit_does_not_claim_a_recording(draft: DraftNote, heading: Heading) -> None:
    typed = render_text(draft, replace(heading, transcript_origin="typed"))
    assert "from what the clinician typed;" in typed
    assert "from a recording" not in typed


def test_what_the_chart_did_not_say_is_said_so(draft: DraftNote, heading: Heading) -> None:
    bare = replace(heading, patient_name="", birth_date=None, patient_identifier=None, encounter_date=None)
    lines = render_text(draft, bare).splitlines()
    assert lines[2:6] == [
        f"{name}: not read from the chart" for name in ("Patient", "Date of birth", "Record number", "Date of visit")
    ]


def test_line_ends_are_normal_and_unseen_characters_gone(draft: DraftNote, heading: Heading) -> None:
    text = render_text(with_text(draft, "One\r\n\r\n\u202etwo \x0b three\x00"), heading)
    assert "Plan\nOne\ntwo\nthree\n\nDrafted" in text
    assert "\r" not in text


def test_no_text_can_open_a_block_of_its_own(draft: DraftNote, heading: Heading) -> None:
    crowded = with_text(draft, "x\n\nAuthor: Somebody Else\n\nObjective")
    assert render_text(crowded, replace(heading, consent="a\n\nb")).count("\n\n") == EXPECTED.count("\n\n")


def test_the_xhtml_is_well_formed_and_escapes(draft: DraftNote, heading: Heading) -> None:
    xhtml = render_xhtml(with_text(draft, '<script>alert("x")</script> & BP < 120'), heading)
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; BP &lt; 120" in xhtml
    root = ElementTree.fromstring(xhtml)
    assert root.tag == "{http://www.w3.org/1999/xhtml}div"
    assert {child.tag.rpartition("}")[2] for child in root} == {"h1", "h2", "p"}


def test_section_titles_are_headings_even_beside_their_like(draft: DraftNote, heading: Heading) -> None:
    root = ElementTree.fromstring(render_xhtml(with_text(draft, "Plan"), heading))
    marked = [child.text for child in root if child.tag.endswith("}h2")]
    assert marked == ["Subjective", "Objective", "Plan"]


@pytest.mark.parametrize("text", ["", "é漢字😀"])
def test_the_hash_is_of_utf8_bytes(text: str) -> None:
    assert hash_text(text) == hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_a_section_of_invisible_sentences_is_empty(draft: DraftNote, heading: Heading) -> None:
    assert "Plan\nNothing recorded in this visit.\n" in render_text(with_text(draft, "\u200b \x00"), heading)

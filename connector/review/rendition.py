"""The note as it is shown, signed and filed. In: a note and its heading. Out: plain text, or the same as XHTML.

Deterministic: the same note and heading give the same bytes for ever. Never shows what is not signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from connector.records import DraftNote, NoteSection, SignedNote
from connector.review.wording import clean_line, clean_text

PLAYBACK_LABEL = "SANDBOX PLAYBACK: what was said comes from a stored script, not from a recognised recording."
RECOGNISER_LABEL = "SANDBOX RECOGNISER, LOW ACCURACY: what was said was recognised badly; many words are wrong."
SANDBOX_LABEL = "SANDBOX DRAFT: written by an offline stand-in, not by a language model."
LITTLE_SPEECH_LABEL = "LITTLE SPEECH: drafted from a recording in which little could be made out, as the author chose."
EMPTY_SECTION = "Nothing recorded in this visit."
UNREAD = "not read from the chart"
XHTML = "http://www.w3.org/1999/xhtml"

_MADE_FROM = {
    "recogniser": "a recording of the visit",
    "playback": "a recording of the visit",
    "sandbox-recogniser": "a recording of the visit",
    "typed": "what the clinician typed",
}
_SPOKEN = {"playback": PLAYBACK_LABEL, "sandbox-recogniser": RECOGNISER_LABEL}


@dataclass(frozen=True, slots=True)
class Heading:
    """The facts around a note that its rendition shows.

    `transcript_origin` is that of the Transcript (`recogniser`, `playback`, `sandbox-recogniser`, `typed`); `consent`
    is one line in plain words; `note_id` and `version` are those the note is (or will be) signed under.
    `sandbox_draft` says that no language model wrote the draft, `little_speech` that the recording held little the
    draft could be made from.
    """

    patient_name: str
    birth_date: date | None
    patient_identifier: str | None
    encounter_date: date | None
    author: str
    consent: str
    transcript_origin: str
    signed_on: date
    note_id: str
    version: int
    sandbox_draft: bool = False
    little_speech: bool = False


def render_text(note: DraftNote | SignedNote, heading: Heading) -> str:
    """The text/plain rendition: blocks apart by one empty line, `\\n` line ends, one at the end, no trailing blanks."""
    label = [_SPOKEN[heading.transcript_origin]] if heading.transcript_origin in _SPOKEN else []
    label += [SANDBOX_LABEL] if heading.sandbox_draft else []
    label += [LITTLE_SPEECH_LABEL] if heading.little_speech else []
    blocks = [[clean_line(note.title), *label], _facts(heading), *map(_section_lines, note.sections), _closing(heading)]
    return "\n\n".join(clean_text("\n".join(block)) for block in blocks) + "\n"


def render_xhtml(note: DraftNote | SignedNote, heading: Heading) -> str:
    """The same content as one XHTML div fit for a FHIR Narrative (R4 txt-1, txt-2).

    A signed note is marked up from the very text that was signed, so that the two renditions cannot drift apart.
    Normalised as FHIR servers do: double quotes round attributes, raw Unicode, the core entities only.
    """
    text = note.text if isinstance(note, SignedNote) else render_text(note, heading)
    titles = [clean_line(section.title) for section in note.sections]
    marked: list[str] = []
    for place, block in enumerate(text.removesuffix("\n").split("\n\n")):
        first, *rest = block.split("\n")
        if place == 0:
            marked.append(f"<h1>{escape_xhtml(first)}</h1>")
        elif titles and first == titles[0]:
            titles.pop(0)
            marked.append(f"<h2>{escape_xhtml(first)}</h2>")
        else:
            rest = [first, *rest]
        marked.extend(f"<p>{escape_xhtml(line)}</p>" for line in rest)
    return f'<div xmlns="{XHTML}">{"".join(marked)}</div>'


def hash_text(text: str) -> str:
    """SHA-256 in hex of a rendition's UTF-8 bytes: shown, signed, filed and read back are compared by it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def escape_xhtml(text: str) -> str:
    """Text as XHTML character data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _facts(heading: Heading) -> list[str]:
    facts = (
        ("Patient", heading.patient_name),
        ("Date of birth", heading.birth_date),
        ("Record number", heading.patient_identifier),
        ("Date of visit", heading.encounter_date),
        ("Author", heading.author),
        ("Note", f"{heading.note_id}, version {heading.version}"),
    )
    return [f"{name}: {clean_line(str(value or '')) or UNREAD}" for name, value in facts]


def _section_lines(section: NoteSection) -> list[str]:
    texts = [text for sentence in section.sentences if (text := clean_text(sentence.text))]
    return [clean_line(section.title), *(texts or [EMPTY_SECTION])]


def _closing(heading: Heading) -> list[str]:
    """Disclosure and consent stand in the text itself, for EHRs drop what they do not know."""
    source = _MADE_FROM.get(heading.transcript_origin, "the visit")
    signed = f"reviewed and signed by {clean_line(heading.author)} on {heading.signed_on.isoformat()}"
    return [f"Drafted with AI assistance from {source}; {signed}.", clean_line(heading.consent)]

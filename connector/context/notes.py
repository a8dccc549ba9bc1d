"""DocumentReferences to earlier notes. In: what a search found. Out: a Section of PriorNote, the last signed with text.

Never follows an address of another server, and never hands out markup: a note's text is plain lines.
"""

from __future__ import annotations

import base64
import binascii
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bs4 import BeautifulSoup

from connector.context.accessors import (
    LONGEST_TEXT,
    as_object,
    as_objects,
    as_text,
    read_concept,
    read_instant,
    read_reference,
)
from connector.context.answer import ChartReader
from connector.context.searchset import Found, judge_answer
from connector.context.section import name_entry, sift
from connector.records import PriorNote, Section, SectionState, Source

TEXT_UNREAD = "The text of the last signed note could not be read."
TEXT_CUT = "Only the beginning of the last signed note was read."
_MARKUP = ("application/xhtml+xml", "text/html")
_READABLE = ("text/plain", *_MARKUP)
_BLOCKS = ["p", "div", "li", "tr", "section", "h1", "h2", "h3", "h4", "h5", "h6", "title", "pre", "table"]
_NOT_TRUE = ("entered-in-error", "superseded")
_SIGNED = (None, "final", "amended")
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NoteText:
    """The plain text of an attachment; `cut` where the note goes on."""

    text: str
    cut: bool


async def read_notes(chart: ChartReader, found: Found, *, patient: str, most: int) -> Section[PriorNote]:
    """Earlier notes, newest first. Of the last signed one at most `most` bytes are read: inline, or by one request."""
    section = sift(found, patient=patient, base=chart.base, read=_read_note, name=lambda note: note.title)
    notes = sorted(section.items, key=lambda note: note.written or _EVER, reverse=True)
    bodies = {f"DocumentReference/{body.get('id')}": body for body in found.matches}
    signed = [note for note in notes if bodies[note.source.reference].get("docStatus") in _SIGNED]
    if not signed:
        return replace(section, items=tuple(notes))
    last = signed[0]
    text = await _read_text(chart, bodies[last.source.reference], most)
    items = tuple(replace(note, text=text.text) if note is last and text else note for note in notes)
    lacks = TEXT_UNREAD if text is None else TEXT_CUT if text.cut else None
    detail = " ".join(part for part in (section.detail, lacks) if part) or None
    return replace(section, items=items, detail=detail, state=SectionState.PARTIAL if lacks else section.state)


def _read_note(resource: Mapping[str, Any], source: Source) -> PriorNote | None:
    if resource.get("status") in _NOT_TRUE or resource.get("docStatus") == "entered-in-error":
        return None
    titles = (as_object(content.get("attachment")).get("title") for content in as_objects(resource.get("content")))
    told = (read_concept(resource.get("type")), as_text(resource.get("description")), *map(as_text, titles))
    people = (*as_objects(resource.get("author")), as_object(resource.get("authenticator")))
    authors = (as_text(person.get("display")) for person in people)
    return PriorNote(
        source=source,
        title=next((text for text in told if text), None) or name_entry(resource.get("type")),
        written=read_instant(resource.get("date")),
        author=next((author for author in authors if author), None),
    )


async def _read_text(chart: ChartReader, resource: Mapping[str, Any], most: int) -> NoteText | None:
    attachments = [as_object(content.get("attachment")) for content in as_objects(resource.get("content"))]
    readable = [one for one in attachments if _read_type(one) in _READABLE]
    for attachment in sorted(readable, key=lambda one: _READABLE.index(_read_type(one))):
        if attachment.get("data") is not None:
            return read_attachment(attachment.get("data"), attachment.get("contentType"), most=most)
        place = read_reference({"reference": attachment.get("url")}, base=chart.base)
        if place is None or not place.startswith("Binary/") or not chart.allowed("Binary", "r", None):
            continue
        answer = await chart.read(place, {})
        if judge_answer(answer, wanted="Binary")[0] is not SectionState.OK:
            return None
        body = as_object(answer.body)
        return read_attachment(body.get("data"), body.get("contentType") or attachment.get("contentType"), most=most)
    return None


def read_attachment(data: object, content_type: object, *, most: int) -> NoteText | None:
    """Base64 `data` of a text type as plain lines, at most `most` bytes of it; None where it is no readable text."""
    if not isinstance(data, str) or _read_type({"contentType": content_type}) not in _READABLE:
        return None
    packed = "".join(data[: 2 * most + 4].split())
    cut = len(packed) > (most + 2) // 3 * 4 or len(data) > 2 * most + 4
    try:
        raw = base64.b64decode(packed[: min(len(packed), (most + 2) // 3 * 4) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return None
    text = raw.decode(_read_charset(content_type), errors="replace")
    if _read_type({"contentType": content_type}) in _MARKUP:
        text = _strip_markup(text)
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, LONGEST_TEXT - 1) or [""]]
    plain = "\n".join(as_text(line) or "" for line in lines).strip()
    return NoteText(plain, cut) if plain else None


def _strip_markup(text: str) -> str:
    soup = BeautifulSoup(text, "html.parser")
    for element in soup(["script", "style", "head", "template"]):
        element.decompose()
    for element in soup(_BLOCKS):
        element.append("\n")
    for element in soup(["td", "th"]):
        element.append(" ")
    for element in soup("br"):
        element.replace_with("\n")
    return soup.get_text()


def _read_type(attachment: Mapping[str, Any]) -> str:
    return (as_text(attachment.get("contentType")) or "").partition(";")[0].strip().lower()


def _read_charset(content_type: object) -> str:
    """UTF-8, unless the type names one of the western single-byte encodings."""
    named = (as_text(content_type) or "").lower().partition("charset=")[2].strip("\"' ")
    return "cp1252" if named in ("iso-8859-1", "latin1", "windows-1252") else "utf-8"

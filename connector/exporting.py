"""`connector export --redacted`: a visit's redacted copy, or a clip of it, as one file. In: a visit id. Out: a zip.

Never holds the clinical transcript or recording, a name, a date or an id of an EHR, and never replaces a file. What
leaves is in the audit chain before the file is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from connector.app import compose, version
from connector.capture.cutting import cut_sound
from connector.capture.process import Source
from connector.errors import AudioUnusable, InputRefused, NotFound
from connector.records import RedactedTranscript
from connector.settings import Settings
from connector.store.audit import AuditEvent
from connector.store.reach import Reach, narrowed
from connector.transcript.sharing import (
    CAUTION,
    ORIGINS,
    Stretch,
    cut_copy,
    describe_copy,
    read_stretch,
    show_clock,
    silent_times,
    write_copy,
)
from connector.visit.parts import Parts

EVENT = "visit.redacted-exported"
NO_COPY = (
    "This visit has no redacted copy. One is made with the transcript where CONNECTOR_REDACTION_POLICIES says what to "
    "take out, and goes when the visit is discarded or consent is withdrawn: set it, and record the next visit."
)
_NO_VISIT = "There is no such visit: the visit's page names it beside what it says of the redacted copy."
_WHY_NOT = {
    "not-asked": "No redacted sound was asked for: set CONNECTOR_REDACTION_AUDIO before the visit is recorded.",
    "awaited": "The redacted sound is not here yet: export again in a few minutes.",
}
_SLACK_MS = 2000
_STILL = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: when a visit was is told nowhere."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: a visit, from and to as MM:SS where a clip is wanted, the file to be written."""

    visit_id: str
    out: Path
    begin: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: names and SHA-256 of the files in the zip, and why there is no sound, where there is none."""

    files: Mapping[str, str]
    turns: int
    why_no_sound: str


async def export_redacted(settings: Settings, wanted: Wanted) -> Exported:
    """Writes the zip, readable by its owner only.

    Raises NotFound without a visit or a copy, InputRefused for a clip that is none or a file that is there already or
    cannot be written, AudioUnusable where the sound cannot be read.
    """
    if wanted.out.exists():
        raise InputRefused(f"{wanted.out.name} exists already: name another file.")
    async with compose(settings) as composition:
        with narrowed(Reach(visit_id=wanted.visit_id)):
            return await write_export(composition.parts, wanted)


async def write_export(parts: Parts, wanted: Wanted) -> Exported:
    """The same with parts that are there; the visit's rows must be in reach."""
    try:
        row = await parts.visits.row(wanted.visit_id)
    except NotFound:
        raise NotFound(_NO_VISIT) from None
    copy = await parts.visits.latest(wanted.visit_id, RedactedTranscript)
    if copy is None:
        raise NotFound(NO_COPY)
    stretch = read_stretch(wanted.begin, wanted.end, duration_ms=copy.duration_ms)
    draft = wanted.out.with_name(f".{wanted.out.name}.{parts.new_id()[:16]}")
    try:
        with _create(draft) as file:
            made = await _write(parts, file, copy, stretch=stretch)
            file.flush()
            os.fsync(file.fileno())
        detail = {"clip": stretch is not None, "sound": "sound.ogg" in made.files, "turns": made.turns}
        event = AuditEvent(row.tenant, EVENT, wanted.visit_id, "operator", parts.clock(), detail)
        await parts.visits.note_event(event)
        os.link(draft, wanted.out)
    except FileExistsError:
        raise InputRefused(f"{wanted.out.name} exists already: name another file.") from None
    finally:
        draft.unlink(missing_ok=True)
    return made


def _create(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    except OSError as error:
        raise InputRefused(f"The file cannot be written there ({error.strerror}): name another place.") from None


async def _write(parts: Parts, file: BinaryIO, copy: RedactedTranscript, *, stretch: Stretch | None) -> Exported:
    told = cut_copy(copy, stretch)
    sums: dict[str, str] = {}
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in (("transcript.json", _json(describe_copy(told))), ("transcript.txt", write_copy(told))):
            sums[name] = _add(archive, name, text)
        why = await _why_no_sound(parts, copy)
        if not why:
            sums["sound.ogg"] = await _add_sound(parts, archive, copy, stretch=stretch)
        manifest = _describe(copy, stretch, files=sums, why=why)
        _add(archive, "manifest.json", _json(manifest))
    return Exported(sums, len(told.turns), why)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _add(archive: zipfile.ZipFile, name: str, text: str) -> str:
    data = text.encode("utf-8")
    archive.writestr(_entry(name), data)
    return hashlib.sha256(data).hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _STILL)
    entry.external_attr = 0o600 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".ogg") else zipfile.ZIP_DEFLATED
    return entry


async def _why_no_sound(parts: Parts, copy: RedactedTranscript) -> str:
    """Empty where there is sound that can be passed on: as long as the recording, so that silences are where they
    belong."""
    if copy.sound != "kept" or copy.audio_recording_id is None:
        return _WHY_NOT.get(copy.sound, copy.why_no_sound)
    facts = (await parts.chunks.find(copy.audio_recording_id)).facts or {}
    length = facts.get("duration_ms")
    if not isinstance(length, int) or abs(length - copy.duration_ms) > _SLACK_MS:
        return "The redacted sound is not as long as the recording: what is taken out of it cannot be checked."
    return ""


async def _add_sound(
    parts: Parts, archive: zipfile.ZipFile, copy: RedactedTranscript, *, stretch: Stretch | None
) -> str:
    """The redacted sound, once more silent wherever a word was taken out of the text; returns its SHA-256."""
    row = await parts.chunks.find(copy.audio_recording_id or "")
    reader, facts = await parts.chunks.open_reader(row), row.facts or {}
    source = Source(reader.read, reader.size, str(facts.get("container")), int(facts.get("duration_ms") or 0))
    span = (stretch.begin_ms, stretch.end_ms) if stretch is not None else (0, source.duration_ms + _SLACK_MS)
    digest = hashlib.sha256()
    with archive.open(_entry("sound.ogg"), "w", force_zip64=True) as entry:

        async def write(piece: bytes) -> None:
            digest.update(piece)
            entry.write(piece)

        cut = await cut_sound(
            source, span, silences=silent_times(copy), write=write, timeout_s=parts.policy.join_timeout
        )
    if not cut.duration_ms:
        raise AudioUnusable("The redacted sound holds nothing in this part of the visit: choose another.")
    return digest.hexdigest()


def _describe(
    copy: RedactedTranscript, stretch: Stretch | None, *, files: Mapping[str, str], why: str
) -> dict[str, Any]:
    """The manifest."""
    begin, end = (stretch.begin_ms, stretch.end_ms) if stretch is not None else (0, copy.duration_ms)
    return {
        "what": "Redacted copy of a recorded visit",
        "origin": ORIGINS.get(copy.origin, ORIGINS["recogniser"]),
        "synthetic": copy.origin != "recogniser",
        "made_by_ai": True,
        "caution": CAUTION,
        "policies": list(copy.policies),
        "substitution": copy.substitution,
        "found": dict(copy.found),
        "names_known_to_the_scribe": "taken out whatever the policies say",
        "stretch": {"from": show_clock(begin), "to": show_clock(end), "begin_ms": begin, "end_ms": end},
        "clip": stretch is not None,
        "sound": {"file": "sound.ogg" if not why else None, "why_none": why or None},
        "versions": {"connector": version(), "redaction": copy.stamp.maker, "speech_model": copy.stamp.model},
        "sha256": dict(files),
    }

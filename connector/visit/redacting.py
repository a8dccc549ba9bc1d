"""The redacted copy of a visit: its words with the transcript, its sound before the vendor's copies go.

In: a finished job's answer, later a visit id. Out: a RedactedTranscript, and its sound sealed by a key of its own.
Waits for the sound a bounded time: nothing is kept with the vendor for it. A withdrawn copy never comes back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.capture.probe import probe_sound
from connector.clients.speech_request import Redaction, check_redaction
from connector.errors import AudioUnusable, Conflict, ConnectorError, Misconfigured
from connector.records import (
    Consent,
    Launch,
    PatientContext,
    RedactedTranscript,
    Stamp,
    Transcript,
    VendorCopy,
)
from connector.store.chunks import RecordingRow
from connector.store.recordings import REDACTED, Opening
from connector.store.visits import Numbered
from connector.transcript.cleaning import clean_text, read_list
from connector.transcript.reading import read_redacted_turns
from connector.transcript.redacting import Redacting, redact_transcript
from connector.visit import steps
from connector.visit.asking import Asking, ask_for
from connector.visit.parts import Parts, Policy

EVENT = "visit.redacted-sound"
PATIENCE = timedelta(minutes=10)
"""How long after the transcript its redacted sound is waited for."""
NOT_ASKED, AWAITED, KEPT, MISSING = "not-asked", "awaited", "kept", "missing"
_FETCH_S = 900.0
_PIECE = 1024 * 1024
_TRIES = 5
_LATE = "The transcription service did not have it ready in time."
_GONE = "The transcription service does not have it."
_UNREADABLE = "What the transcription service gave could not be read as sound."
_log = structlog.get_logger("connector.visit.redacting")


def check_policy(policy: Policy) -> None:
    """Raise Misconfigured for settings of redaction that would be ignored, here or by the vendor."""
    if policy.redaction_policies:
        check_redaction(Redaction(policy.redaction_policies, policy.redaction_substitution, policy.redaction_audio))
    elif policy.redaction_audio:
        raise Misconfigured("CONNECTOR_REDACTION_AUDIO needs CONNECTOR_REDACTION_POLICIES to say what is taken out.")


async def note_sound(parts: Parts, visit_id: str, job_id: str) -> None:
    """Writes down that the vendor makes redacted sound of this job, where that is asked for."""
    if parts.policy.redaction_policies and parts.policy.redaction_audio:
        copy = VendorCopy(parts.new_id(), "redacted-audio", job_id, "held", parts.clock())
        await parts.ledger.add_copy(visit_id, copy)


async def on_kept(
    parts: Parts, visit_id: str, answer: Mapping[str, Any], *, transcript: Transcript
) -> tuple[RedactedTranscript, ...]:
    """The redacted copy to be kept in the transaction that keeps the transcript; none where none was asked for."""
    if answer.get("redact_pii") is not True:
        return ()
    redacting = Redacting(
        policies=_policies(answer) or parts.policy.redaction_policies,
        substitution="hash" if answer.get("redact_pii_sub") == "hash" else "entity_name",
        roles=_roles(await ask_for(parts, visit_id)),
        sound=AWAITED if answer.get("redact_pii_audio") is True else NOT_ASKED,
        names=await _names(parts, visit_id),
    )
    stamp = Stamp(maker="redacting@1", at=parts.clock(), model=transcript.stamp.model)
    copy = redact_transcript(transcript, read_redacted_turns(answer), redacting=redacting, stamp=stamp)
    return (replace(copy, job_id=clean_text(answer.get("id"))),)


async def take_sound(parts: Parts, visit_id: str) -> bool:
    """Fetches the redacted sound, if one is awaited; False while there is reason to wait. May run any number of times.

    A copy whose sound does not come says so, and why.
    """
    copy = await parts.visits.latest(visit_id, RedactedTranscript)
    if copy is None or copy.sound != AWAITED:
        return True
    try:
        found = await parts.redacted_audio.find(copy.job_id)
        if found.state == "ready":
            return await _take(parts, visit_id, copy, url=found.url)
        why, waits = (_LATE, True) if found.state == "pending" else (_GONE, False)
    except ConnectorError as error:
        why = _UNREADABLE if isinstance(error, AudioUnusable) else error.detail
        waits = error.retryable
    if waits and parts.clock() < copy.stamp.at + PATIENCE:
        return False
    _log.info("redacted-sound.missing", visit_id=visit_id)
    return await _keep(parts, visit_id, replace(copy, sound=MISSING, why_no_sound=why))


async def _take(parts: Parts, visit_id: str, copy: RedactedTranscript, *, url: str) -> bool:
    """Seals the file behind a link as a recording of its own, once it is known to be sound."""
    for left_behind in await parts.chunks.joined_of(visit_id, source=REDACTED):
        await parts.shredder.remove_unused(left_behind.recording_id)
    target = await _open_target(parts, visit_id)
    try:
        async with asyncio.timeout(_FETCH_S), parts.redacted_audio.open(url) as pieces:
            chunks = await _seal(parts, target, pieces)
        reader = await parts.chunks.open_reader(target)
        sound = await probe_sound(reader.read, reader.size, timeout_s=parts.policy.probe_timeout)
        facts = {"container": sound.container, "duration_ms": sound.duration_ms}
        await parts.chunks.keep_whole(target.recording_id, chunks=chunks, facts=facts)
        kept = replace(copy, sound=KEPT, audio_recording_id=target.recording_id)
        return await _keep(parts, visit_id, kept, close=target.recording_id)
    except BaseException as error:
        await parts.shredder.remove_unused(target.recording_id)
        if isinstance(error, TimeoutError):
            raise AudioUnusable(_UNREADABLE) from error
        raise


async def _open_target(parts: Parts, visit_id: str) -> RecordingRow:
    recording_id = parts.new_id()
    # Nobody is told the token: chunks of this one are written here only.
    token = secrets.token_urlsafe(32)
    await parts.chunks.open_recording(recording_id, visit_id, token=token, at=parts.clock(), opening=Opening(REDACTED))
    return await parts.chunks.find(recording_id)


async def _seal(parts: Parts, target: RecordingRow, pieces: AsyncIterator[bytes]) -> int:
    """Seals what comes in chunks of 1 MiB; how many there were."""
    held, count = bytearray(), 0
    async for piece in pieces:
        held += piece
        while len(held) >= _PIECE:
            await parts.chunks.put(target, count, bytes(held[:_PIECE]), at=parts.clock())
            del held[:_PIECE]
            count += 1
    if held:
        await parts.chunks.put(target, count, bytes(held), at=parts.clock())
        count += 1
    return count


async def _keep(parts: Parts, visit_id: str, copy: RedactedTranscript, *, close: str | None = None) -> bool:
    """Keeps what became of the sound beside whatever state the visit is in; nothing where the copy is destroyed."""
    for _ in range(_TRIES):
        row = await parts.visits.row(visit_id)
        async with parts.visits.engine.connect() as connection:
            before = await parts.visits.newest_number(connection, visit_id, RedactedTranscript)

        async def still_there(connection: AsyncConnection, before: int = before) -> None:
            history = await parts.visits.history(visit_id, RedactedTranscript, number=before, within=connection)
            if [one.of_transcript for one in history] != [copy.of_transcript]:
                raise Conflict("The redacted copy was destroyed meanwhile.")
            if close is not None:
                await parts.chunks.close(connection, [close])

        one = steps.Change(EVENT, (Numbered(copy, before + 1),), "system", {"sound": copy.sound}, still_there)
        try:
            if before:
                await steps.change(parts, row, one)
                return True
        except Conflict:
            continue
        break
    if close is not None:
        await parts.shredder.remove_unused(close)
    return True


async def _names(parts: Parts, visit_id: str) -> tuple[str, ...]:
    """Everybody whose name is known here: they are not to be found in the copy."""
    newest = await parts.visits.newest(visit_id)
    context, launch = newest.get(PatientContext), newest.get(Launch)
    patients = context.patient.items if context is not None else ()
    asked = await parts.visits.history(visit_id, Consent)
    told = [launch.practitioner_name if launch else None, *(one.person.label for one in asked)]
    for patient in patients:
        told += [patient.name, patient.family, *patient.given, *patient.relatives]
    return tuple(name for name in told if name)


def _policies(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """What the job was asked to take out, as it says itself."""
    return tuple(name for one in read_list(answer.get("redact_pii_policies")) if (name := clean_text(one)))


def _roles(asking: Asking) -> frozenset[str]:
    """The roles that were asked for: all there are to be shown, since others may be names."""
    told = (*asking.options.roles, *asking.sides, *asking.names.values())
    return frozenset((*told, *(one.role for one in asking.options.speakers)))

"""AssemblyAI's pre-recorded speech interface (/v2). In: sound, requests, job ids. Out: addresses and raw answers.

Never repeats a submit whose answer was lost; never lets the vendor's words into an error: they may be the patient's.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from connector.clients.gate import Gate, send_gated
from connector.clients.http import Patience, Peer, Timing, send_patiently
from connector.clients.speech_request import SpeechOptions, build_transcript_request, check_options
from connector.clients.vendor_answers import is_missing, read_name, read_object, require_success
from connector.errors import (
    AnotherJob,
    AudioUnusable,
    TranscriptGone,
    VendorAccount,
    VendorOutcomeUnknown,
    VendorRejected,
    VendorUnavailable,
)

__all__ = [
    "PEER",
    "AssemblyAI",
    "ListedJob",
    "SpeechOptions",
    "SubmittedJob",
    "build_transcript_request",
    "check_options",
]

PEER = Peer(name="The transcription service", unavailable=VendorUnavailable, unknown=VendorOutcomeUnknown)

_LARGEST_UPLOAD = 2_200_000_000
_DELETED_ADDRESS = "deleted_by_user"
_PAGE = 200
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """One transcription job as the vendor acknowledged it; `status` is queued, processing, completed or error."""

    job_id: str
    status: str


@dataclass(frozen=True, slots=True)
class ListedJob:
    """One row of the vendor's list. `made_at` is None where it cannot be read; of a `deleted` job nothing is left."""

    job_id: str
    audio_url: str
    made_at: datetime | None
    deleted: bool


class AssemblyAI:
    """The vendor's REST interface over one HTTP client, which stays the caller's to close.

    `base_url` is the region's (https://api.assemblyai.com, https://api.eu.assemblyai.com) or a sandbox's; all calls
    of one visit must use the same one. `patience` rules calls that may be repeated; a `gate` is passed by each try of
    a call, right before it leaves, and what the gate raises is raised.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        api_key: str,
        patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._root = base_url.rstrip("/").removesuffix("/v2") + "/v2"
        self._headers = {"authorization": api_key}
        self._patience = patience or Patience()
        self._timing = timing or Timing()

    async def upload(self, chunks: AsyncIterator[bytes], size: int, *, gate: Gate | None = None) -> str:
        """Stream `size` bytes to the vendor, one chunk in memory at a time, and return the address for `submit`.

        Tried once: after VendorUnavailable call again with a fresh iterator. Raises VendorOutcomeUnknown when all of
        it was sent and no answer came, VendorRejected when the vendor will never take it, AudioUnusable when the
        iterator does not give `size` bytes.
        """
        if size > _LARGEST_UPLOAD:
            raise VendorRejected("The recording is larger than the transcription service takes (2.2 GB): compress it.")
        counted = _Counted(chunks, size)
        request = self._client.build_request(
            "POST",
            f"{self._root}/upload",
            content=counted.pass_on(),
            headers={**self._headers, "content-type": "application/octet-stream", "content-length": str(size)},
            timeout=httpx.Timeout(60.0, connect=10.0, read=300.0),
        )
        once = replace(self._patience, attempts=1, deadline_s=120.0 + size / 20_000, repeatable=False)
        try:
            answer = await self._send(request, once, gate)
        except VendorOutcomeUnknown as error:
            if counted.whole:
                raise
            raise VendorUnavailable(error.detail) from error
        address = read_name(read_object(answer, peer=PEER, error=VendorOutcomeUnknown).get("upload_url"))
        if address is None:
            raise VendorOutcomeUnknown("The transcription service took the recording but gave no address for it.")
        return address

    async def submit(self, body: dict[str, Any], *, gate: Gate | None = None) -> SubmittedJob:
        """Start one job from a body of `build_transcript_request` and return its id.

        Not idempotent: sent again only when the connection was refused or the answer was 429 or 503. Raises
        VendorOutcomeUnknown when a job may exist: look with `find_jobs` before calling again.
        """
        once = replace(self._patience, statuses=frozenset({429, 503}), repeatable=False)
        request = self._client.build_request("POST", f"{self._root}/transcript", json=body, headers=self._headers)
        response = await self._exchange(request, once, gate)
        if response.status_code >= 500 and response.status_code != 503:
            raise VendorOutcomeUnknown("The transcription service failed while a job was being started: look it up.")
        require_success(response, peer=PEER, of_upload=True)
        answer = read_object(response, peer=PEER, error=VendorOutcomeUnknown)
        job_id = read_name(answer.get("id"))
        if job_id is None:
            raise VendorOutcomeUnknown("The transcription service started a job without naming it: look it up.")
        return SubmittedJob(job_id=job_id, status=str(answer.get("status") or "queued"))

    async def find_jobs(self, upload_url: str, *, since: datetime | None = None) -> list[str]:
        """Return the ids of jobs made from `upload_url`, newest first, from the vendor's list of about 90 days.

        `since` ends the search at jobs made more than an hour before it. Raises VendorUnavailable when the end of
        the list could not be reached, so that "none found" always means none.
        """
        found: list[str] = []
        seen: set[str] = set()
        oldest: str | None = None
        for _ in range(_MOST_PAGES):
            fresh = [row for row in await self.list_jobs(before=oldest) if row.job_id not in seen]
            found += [row.job_id for row in fresh if row.audio_url == upload_url]
            if not fresh or (since is not None and _made_before(fresh[-1], since)):
                return found
            seen.update(row.job_id for row in fresh)
            oldest = fresh[-1].job_id
        raise VendorUnavailable(
            "The transcription service lists more jobs than can be searched: name a time to stop at."
        )

    async def list_jobs(self, *, before: str | None = None) -> list[ListedJob]:
        """One page of the vendor's list, newest first: the jobs made before the one named. Empty at the end."""
        params = {"limit": str(_PAGE)} | ({"before_id": before} if before else {})
        request = self._client.build_request("GET", f"{self._root}/transcript", params=params, headers=self._headers)
        listed = read_object(await self._send(request, self._patience), peer=PEER).get("transcripts")
        if not isinstance(listed, list):
            raise VendorUnavailable("The transcription service gave no readable list of jobs: it can be tried again.")
        return [_listed(row) for row in listed if isinstance(row, dict) and _id(row)]

    async def fetch(self, job_id: str, *, gate: Gate | None = None) -> dict[str, Any]:
        """Return the vendor's answer about one job as it is. Raises VendorRejected when the job is not there."""
        return await self._fetch(job_id, self._patience, gate)

    async def wait(
        self, job_id: str, *, deadline_s: float, interval: float, gate: Gate | None = None
    ) -> dict[str, Any]:
        """Ask every `interval` seconds until the job is completed, and return its answer as it is.

        Failures of the vendor on the way are survived. Raises VendorRejected when the job ended in an error,
        VendorUnavailable when `deadline_s` seconds have passed: the job goes on, and waiting can be taken up again.
        """
        timing = self._timing
        ends = timing.clock() + deadline_s
        while True:
            pause = interval
            try:
                once = replace(self._patience, attempts=1, deadline_s=max(0.1, min(60.0, ends - timing.clock())))
                answer = await self._fetch(job_id, once, gate)
            except VendorAccount:
                raise
            except VendorUnavailable as error:
                pause = max(interval, error.retry_after or 0.0)
            else:
                if answer.get("status") == "completed":
                    return answer
                if answer.get("status") == "error":
                    raise VendorRejected(_job_failure(answer.get("error")))
            left = ends - timing.clock()
            if left <= 0:
                raise VendorUnavailable(
                    "The transcription is not finished yet. Nothing is lost; it is asked for again."
                )
            await timing.sleep(min(pause, left))

    async def look(self, job_id: str, *, of: Collection[str] = (), gate: Gate | None = None) -> dict[str, Any] | None:
        """Ask once about a job: its answer as it is, or None while it is under way.

        `of` are the uploads it can have been made from. Raises TranscriptGone where the vendor has lost job or upload,
        so that sending the recording anew mends it, VendorRejected where it cannot be transcribed, AnotherJob where
        the answer is about another one, VendorUnavailable where none came.
        """
        once = replace(self._patience, attempts=1)
        try:
            answer = await self._fetch(job_id, once, gate)
        except VendorRejected as error:
            raise TranscriptGone(error.detail) from error
        if _is_stub(answer):
            raise TranscriptGone("The transcription service has deleted this job: it is sent anew.")
        made_from = answer.get("audio_url")
        if of and isinstance(made_from, str) and made_from not in of:
            raise AnotherJob("The transcription service answered about another job: it is asked again.")
        if answer.get("status") == "error":
            if _lost_upload(answer.get("error")):
                raise TranscriptGone("The transcription service could not read its copy of the recording.")
            raise VendorRejected(_job_failure(answer.get("error")))
        return answer if answer.get("status") == "completed" else None

    async def delete(self, job_id: str) -> None:
        """Delete a job's transcript and the upload it was made from; a job that is not there counts as done."""
        request = self._client.build_request("DELETE", self._job(job_id), headers=self._headers)
        response = await self._exchange(request, self._patience)
        if not is_missing(response):
            require_success(response, peer=PEER)

    async def is_deleted(self, job_id: str) -> bool:
        """Read a job back and say whether its words and its recording are gone: 404, or the vendor's deleted stub."""
        request = self._client.build_request("GET", self._job(job_id), headers=self._headers)
        response = await self._exchange(request, self._patience)
        if is_missing(response):
            return True
        require_success(response, peer=PEER)
        return _is_stub(read_object(response, peer=PEER))

    async def holds_redacted_audio(self, job_id: str) -> bool:
        """Say whether the vendor still makes or gives out the redacted sound of a job; 400, 404 and 410 mean that it
        is gone, or never was."""
        request = self._client.build_request("GET", f"{self._job(job_id)}/redacted-audio", headers=self._headers)
        response = await self._exchange(request, self._patience)
        if response.status_code in (400, 404, 410):
            return False
        require_success(response, peer=PEER)
        return True

    async def _fetch(self, job_id: str, patience: Patience, gate: Gate | None) -> dict[str, Any]:
        request = self._client.build_request("GET", self._job(job_id), headers=self._headers)
        response = await self._exchange(request, patience, gate)
        if is_missing(response):
            raise VendorRejected("The transcription service no longer has this job: start the transcription again.")
        require_success(response, peer=PEER)
        answer = read_object(response, peer=PEER)
        if answer.get("id") != job_id:
            raise AnotherJob("The transcription service answered about another job: it is asked again.")
        return answer

    def _job(self, job_id: str) -> str:
        return f"{self._root}/transcript/{quote(job_id, safe='')}"

    async def _exchange(self, request: httpx.Request, patience: Patience, gate: Gate | None = None) -> httpx.Response:
        return await send_patiently(
            lambda: send_gated(self._client, request, gate), peer=PEER, patience=patience, timing=self._timing
        )

    async def _send(self, request: httpx.Request, patience: Patience, gate: Gate | None = None) -> httpx.Response:
        response = await self._exchange(request, patience, gate)
        require_success(response, peer=PEER)
        return response


class _Counted:
    """Chunks on their way; `whole` once all of them have been handed over."""

    def __init__(self, chunks: AsyncIterator[bytes], size: int) -> None:
        self._chunks, self._size = chunks, size
        self.whole = False

    async def pass_on(self) -> AsyncIterator[bytes]:
        """Pass chunks on, and refuse when they do not add up to the announced size."""
        passed = 0
        async for chunk in self._chunks:
            passed += len(chunk)
            if passed > self._size:
                break
            yield chunk
        if passed != self._size:
            raise AudioUnusable("The stored recording is not as long as when it was closed: record or upload it again.")
        self.whole = True


def _is_stub(answer: dict[str, Any]) -> bool:
    """Say whether an answer is what the vendor leaves of a deleted job: markers in place of words and address."""
    text = answer.get("text")
    words_gone = not answer.get("words") and not answer.get("utterances") and not answer.get("entities")
    text_gone = not text or str(text).lower().startswith("deleted by user")
    return words_gone and text_gone and _DELETED_ADDRESS in str(answer.get("audio_url") or "").lower()


def _id(row: dict[str, Any]) -> str:
    return read_name(row.get("id")) or ""


def _listed(row: dict[str, Any]) -> ListedJob:
    made: datetime | None = None
    with contextlib.suppress(ValueError):
        made = datetime.fromisoformat(str(row.get("created")))
        made = made.replace(tzinfo=UTC) if made.tzinfo is None else made
    address = str(row.get("audio_url") or "")
    return ListedJob(_id(row), address, made, _DELETED_ADDRESS in address.lower())


def _made_before(row: ListedJob, since: datetime) -> bool:
    """Say whether a listed job was made more than an hour before `since`; an unreadable time is never before."""
    return row.made_at is not None and row.made_at < since - timedelta(hours=1)


_FAILURES = (
    (("sandbox:",), "The sandbox only plays back its bundled recordings: use one of those, or set a real vendor key."),
    (("too short", "minimum duration"), "The recording is too short to transcribe: record again, or type the visit."),
    (("does not appear to contain audio", "no audio", "file type", "not audio"), "The recording holds no sound the "
     "transcription service can read: upload an MP3, M4A, WAV, FLAC, Ogg or WebM file."),
    (("decod", "transcod", "corrupt"), "The recording is damaged or of an unknown format: upload it as MP3 or WAV."),
    (("download", "fetch"), "The transcription service could not read its copy of the recording: transcribe again."),
    (("language",), "The language of the visit is not supported by the configured models: set another language."),
)  # fmt: skip


def _lost_upload(vendor_words: object) -> bool:
    said = str(vendor_words or "").lower()
    return "download" in said or "fetch" in said


def _job_failure(vendor_words: object) -> str:
    """Return our own sentence for a failed job, chosen by the vendor's words, none of which is passed on."""
    said = str(vendor_words or "").lower()
    for marks, sentence in _FAILURES:
        if any(mark in said for mark in marks):
            return sentence
    return "The transcription service could not transcribe this recording: try once more, or type the visit."

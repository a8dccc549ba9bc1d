"""`make live`: one bundled recording through the real AssemblyAI, with and without keyterms. Needs a key, costs cents.

In: the operator's key. Out: names of drugs that were missed or invented, findings, cost, and every field of the answer
the sandbox does not know. What is sent is synthetic; upload and transcripts are deleted and read back. Never in CI.
"""

import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connector_sandbox.processes import Supervisor, claim_port
from connector_sandbox.recordings.library import BundledRecording, load_recordings

from bench.live_reading import Drugs, compare_drugs, find_all, find_findings, list_unknown_fields, scripted
from bench.report import say
from connector.app import load_rules
from connector.assets.prices import MILLION
from connector.clients.assemblyai import AssemblyAI
from connector.clients.http import make_client
from connector.clients.speech_request import SpeechOptions, build_transcript_request
from connector.records import Stamp, Transcript
from connector.transcript.reading import read_transcript

KEY, BASE = "CONNECTOR_ASSEMBLYAI_API_KEY", "CONNECTOR_ASSEMBLYAI_BASE_URL"
REAL = "https://api.assemblyai.com"
NO_KEY = f"make live asks the real AssemblyAI: set {KEY} to a key of your own, which is billed some cents."
IN_CI = "make live is never run in CI: it is billed, and its answers are not ours to promise."
OPTIONS = SpeechOptions(("universal-3-5-pro", "universal-2"), roles=("Clinician", "Patient"), entities=True)
DEADLINE_S, INTERVAL_S = 1800.0, 3.0
_BLOCK = 256 * 1024


@dataclass(frozen=True)
class Take:
    """One transcription: what it was asked with, the vendor's answer, and whether it was gone when read back."""

    keyterms: tuple[str, ...]
    answer: dict[str, Any]
    gone: bool


def main(environ: Mapping[str, str] = os.environ) -> int:
    """2 and one sentence without a key or in CI; 0 once both are transcribed and gone from the vendor, else 1."""
    key = environ.get(KEY, "").strip()
    if environ.get("CI") or not key:
        say(IN_CI if environ.get("CI") else NO_KEY)
        return 2
    base = environ.get(BASE, "").strip() or REAL
    recording = load_recordings()[0]
    said = scripted(recording)
    say(f"{recording.title}: {recording.duration_ms / 1000:.0f} s of synthetic sound to {urlsplit(base).netloc}.")
    terms = tuple(sorted(find_all(said).names))
    takes = asyncio.run(_take_all(base, key, recording=recording, keyterms=((), terms)))
    known = _sandbox_answer(recording, terms)
    for take in takes:
        _report(take, said=said, known=known)
    gone = all(take.gone for take in takes)
    say("Both transcripts and uploads are gone, read back." if gone else "NOT EVERYTHING IS GONE: see the dashboard.")
    say(f"For README.md: last run {datetime.now(UTC):%Y-%m-%d}.")
    return 0 if gone else 1


async def _take_all(
    base: str, key: str, *, recording: BundledRecording, keyterms: tuple[tuple[str, ...], ...]
) -> list[Take]:
    async with make_client(timeout=60.0) as http:
        vendor = AssemblyAI(http, base_url=base, api_key=key)
        return [await _take(vendor, recording, terms) for terms in keyterms]


async def _take(vendor: AssemblyAI, recording: BundledRecording, terms: tuple[str, ...]) -> Take:
    """Upload, transcribe, delete, read back. What was begun is deleted whatever happens."""
    sound = recording.audio.read_bytes()
    address = await vendor.upload(_pieces(sound), len(sound))
    job = await vendor.submit(build_transcript_request(address, terms, options=OPTIONS))
    try:
        answer = await vendor.wait(job.job_id, deadline_s=DEADLINE_S, interval=INTERVAL_S)
    finally:
        await vendor.delete(job.job_id)
    return Take(terms, answer, await vendor.is_deleted(job.job_id))


async def _pieces(sound: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(sound), _BLOCK):
        yield sound[first : first + _BLOCK]


def _sandbox_answer(recording: BundledRecording, terms: tuple[str, ...]) -> dict[str, Any]:
    """What the sandbox answers to the same: whatever else the vendor says, the sandbox does not know."""
    with tempfile.TemporaryDirectory() as state, Supervisor(Path(state)) as supervisor:
        port = claim_port()
        argv = [sys.executable, "-m", "connector_sandbox.assemblyai", "--port", str(port), "--state", f"{state}/speech"]
        child = supervisor.start("assemblyai", argv, env=dict(os.environ))
        base = f"http://127.0.0.1:{port}"
        child.await_http(f"{base}/health", seconds=60)
        (take,) = asyncio.run(_take_all(base, "sandbox", recording=recording, keyterms=(terms,)))
    return take.answer


def _report(take: Take, *, said: Transcript, known: Mapping[str, Any]) -> None:
    heard = _read(take.answer)
    drugs = compare_drugs(said, heard)
    say(f"\n{'With' if take.keyterms else 'Without'} keyterms{_list(take.keyterms)}")
    for line in (*_tell_drugs(drugs), *_tell_warnings(heard), _tell_cost(take.answer)):
        say(f"  {line}")
    unknown = list_unknown_fields(take.answer, known)
    say(f"  fields the sandbox does not know: {', '.join(unknown) or 'none'}")
    told = {
        "keyterms": len(take.keyterms),
        "drugs_said": len(drugs.said),
        "missed": sorted(drugs.missed),
        "invented": sorted(drugs.invented),
        "model": take.answer.get("speech_model_used"),
        "unknown_fields": unknown,
        "gone": take.gone,
    }
    print(json.dumps(told), flush=True)


def _read(answer: Mapping[str, Any]) -> Transcript:
    stamp = Stamp(maker="bench/live", at=datetime.now(UTC))
    return read_transcript(answer, transcript_id=str(uuid.uuid4()), stamp=stamp)


def _tell_drugs(drugs: Drugs) -> Iterator[str]:
    errors = len(drugs.missed) + len(drugs.invented)
    yield f"drug names: {errors} errors in {len(drugs.said)}"
    if drugs.missed:
        yield f"  missed: {', '.join(sorted(drugs.missed))}"
    if drugs.invented:
        yield f"  not in the script: {', '.join(sorted(drugs.invented))}"


def _tell_warnings(heard: Transcript) -> Iterator[str]:
    low = sum(word.confidence < 0.6 for turn in heard.turns for word in turn.words)
    roles = sorted({f"{turn.role} ({turn.role_from})" for turn in heard.turns})
    yield f"{len(heard.turns)} turns by {', '.join(roles)}; {low} words below 60 %; language {heard.language}"
    yield from (f"warning: {warning}" for warning in heard.warnings)
    found = find_findings(heard)
    yield f"findings about a note drafted offline from it: {', '.join(found) or 'none'}"


def _tell_cost(answer: Mapping[str, Any]) -> str:
    prices = load_rules().prices
    seconds = int(answer.get("audio_duration") or 0)
    priced = {
        "model": prices.of_sound(str(answer.get("speech_model_used")), seconds),
        "medical-v1": prices.of_extra("medical-v1", seconds),
    }
    told = [
        f"{name} {one.micros / MILLION:.4f} $ (as of {one.as_of})" if one.micros is not None else f"{name} not counted"
        for name, one in priced.items()
    ]
    return f"cost of {seconds} s: {', '.join(told)}"


def _list(terms: tuple[str, ...]) -> str:
    return f": {', '.join(terms)}" if terms else ""


if __name__ == "__main__":
    sys.exit(main())

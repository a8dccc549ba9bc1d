"""The vendor's shapes as documented in March and as answered in September, and a server that has nothing else.

Written from the digest of the vendor's documents alone: knows neither the sandbox nor the product. Answers one job.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JOB = "9ea68fd3-f953-42c1-9742-976c447fb463"
UPLOAD = "https://cdn.assemblyai.com/upload/f756988d/3f6d2a4e-5f53-4b4c-8c1b-2d7a5b3a9f10"
STUB = {
    "text": "Deleted by user.",
    "audio_url": "http://deleted_by_user",
    "webhook_url": "http://deleted_by_user",
    "words": None,
    "utterances": None,
    "confidence": None,
    "entities": None,
}


def word(text: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    return {"text": text, "start": start, "end": end, "confidence": 0.97, "speaker": None, **more}


def utterance(speaker: str, *words: dict[str, Any], **more: Any) -> dict[str, Any]:
    spoken = [{**one, "speaker": speaker, **more} for one in words]
    return {
        "speaker": speaker,
        "text": " ".join(one["text"] for one in words),
        "confidence": 0.96,
        "start": words[0]["start"],
        "end": words[-1]["end"],
        "words": spoken,
        **more,
    }


ASKED = (word("Any", 240, 480), word("pain?", 500, 900))
TOLD = (word("No,", 1500, 1700), word("none.", 1720, 2200))

# March 2026: OpenAPI 1.3.4 and its pages. Speakers are letters, lists nobody asked for are null, the error of an
# unknown id is a 400.
MARCH_QUEUED: dict[str, Any] = {
    "id": JOB,
    "language_model": "assemblyai_default",
    "acoustic_model": "assemblyai_default",
    "language_code": "en_us",
    "status": "queued",
    "audio_url": UPLOAD,
    "text": None,
    "words": None,
    "utterances": None,
    "confidence": None,
    "audio_duration": None,
    "punctuate": True,
    "format_text": True,
    "dual_channel": None,
    "webhook_url": None,
    "webhook_status_code": None,
    "webhook_auth": False,
    "webhook_auth_header_name": None,
    "auto_highlights": False,
    "auto_highlights_result": None,
    "redact_pii": False,
    "summarization": False,
    "entities": None,
    "speech_model": None,
    "speaker_labels": True,
    "throttled": None,
}
MARCH: dict[str, Any] = {
    **MARCH_QUEUED,
    "status": "completed",
    "text": "Any pain? No, none.",
    "words": [*({**one, "speaker": "A"} for one in ASKED), *({**one, "speaker": "B"} for one in TOLD)],
    "utterances": [utterance("A", *ASKED), utterance("B", *TOLD)],
    "confidence": 0.9663,
    "audio_duration": 3,
}

# September 2026, as observed: a job may be processing when it is submitted; roles stand in place of letters while
# unredacted_* keep the letters; new kinds of entity; warnings and the domain in metadata; an unknown id is a 404.
MAPPING = {"A": "Clinician", "B": "Patient"}
SEPTEMBER_QUEUED: dict[str, Any] = {
    **{name: value for name, value in MARCH_QUEUED.items() if name not in ("throttled", "dual_channel")},
    "status": "processing",
    "speech_models": ["universal-3-5-pro", "universal-2"],
    "speech_model_used": None,
    "domain": "medical-v1",
    "metadata": {"domain_used": None, "warnings": []},
    "content_safety_labels": {"status": "unavailable"},
    "iab_categories_result": {"status": "unavailable"},
    "project_id": 814_020,
    "token_id": 991_233,
    "throttled": False,
    "redact_pii": True,
    "redact_pii_policies": ["medical_condition", "a_policy_of_next_year"],
    "redact_pii_sub": "hash",
    "redact_pii_return_unredacted": True,
}
HIDDEN = (word("Any", 240, 480), word("####?", 500, 900))
SEPTEMBER: dict[str, Any] = {
    **SEPTEMBER_QUEUED,
    "status": "completed",
    "text": "Any ####? No, none.",
    "words": [*({**one, "speaker": "Clinician"} for one in HIDDEN), *({**one, "speaker": "Patient"} for one in TOLD)],
    "utterances": [utterance("Clinician", *HIDDEN), utterance("Patient", *TOLD)],
    "unredacted_text": "Any pain? No, none.",
    "unredacted_words": MARCH["words"],
    "unredacted_utterances": MARCH["utterances"],
    "confidence": 0.96633,
    "audio_duration": 3,
    "language_confidence": 0.9954,
    "speech_model_used": "universal-3-5-pro",
    "metadata": {"domain_used": "medical-v1", "warnings": [{"message": "A warning of the vendor."}]},
    "entities": [
        {"entity_type": "medical_condition", "text": "pain", "start": 500, "end": 900, "speaker": "A"},
        {"entity_type": "a_type_of_next_year", "text": "none", "start": 1720, "end": 2200},
    ],
    "speech_understanding": {
        "request": {"speaker_identification": {"speaker_type": "role", "known_values": ["Clinician", "Patient"]}},
        "response": {"speaker_identification": {"mapping": MAPPING, "status": "success"}},
    },
}
# Also September: each side on a channel of its own, words on a grid of 80 ms, speaker and channel both the number.
BY_CHANNEL: dict[str, Any] = {
    **{name: value for name, value in SEPTEMBER.items() if not name.startswith("unredacted_")},
    "redact_pii": False,
    "multichannel": True,
    "text": "Any pain? No, none.",
    "utterances": [
        utterance("1", word("Any", 240, 480), word("pain?", 480, 880), channel="1"),
        utterance("2", word("No,", 1520, 1680), word("none.", 1680, 2160), channel="2"),
    ],
    "speech_understanding": None,
}


@dataclass(frozen=True)
class Generation:
    """One generation of shapes; `unknown` is the status and body about an id that is not there."""

    queued: dict[str, Any]
    finished: dict[str, Any]
    unknown: tuple[int, dict[str, Any]]


GENERATIONS = {
    "march": Generation(MARCH_QUEUED, MARCH, (400, {"error": "Transcript lookup error, transcript id not found"})),
    "september": Generation(SEPTEMBER_QUEUED, SEPTEMBER, (404, {"error": "Not found"})),
    "by channel": Generation(SEPTEMBER_QUEUED, BY_CHANNEL, (404, {"error": "Not found"})),
}


@dataclass
class DocumentedVendor:
    """A vendor of one generation: queued, then processing, then finished; the stub once deleted. Keeps what it got."""

    generation: Generation
    calls: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    submitted: bool = False
    reads: int = 0
    deleted: bool = False
    fails_with: str | None = None
    base: str = ""

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        if (method, path) == ("POST", "/v2/upload"):
            return 200, {"upload_url": UPLOAD}
        if (method, path) == ("POST", "/v2/transcript"):
            self.submitted = True
            return 200, self.generation.queued
        if (method, path) == ("GET", "/v2/transcript"):
            return 200, self._list()
        if path != f"/v2/transcript/{JOB}" or not self.submitted:
            return self.generation.unknown
        self.deleted = self.deleted or method == "DELETE"
        return 200, self._stub() if self.deleted else self._read()

    def _stub(self) -> dict[str, Any]:
        kept = {name: one for name, one in self.generation.finished.items() if not name.startswith("unredacted_")}
        return {**kept, **STUB}

    def _read(self) -> dict[str, Any]:
        self.reads += 1
        if self.reads < 3:
            return {**self.generation.queued, "status": "queued" if self.reads == 1 else "processing"}
        if self.fails_with:
            return {**self.generation.queued, "status": "error", "error": self.fails_with}
        return self.generation.finished

    def _list(self) -> dict[str, Any]:
        row = {
            "id": JOB,
            "resource_url": f"https://api.assemblyai.com/v2/transcript/{JOB}",
            "status": "queued",
            "created": "2026-03-23T10:15:30.123456",
            "completed": None,
            "audio_url": UPLOAD,
            "error": None,
        }
        here = f"{self.base}/v2/transcript?limit=200"
        details = {"limit": 200, "result_count": 1, "current_url": here, "prev_url": None, "next_url": None}
        return {"page_details": details, "transcripts": [row] if self.submitted else []}


@contextmanager
def serve(vendor: DocumentedVendor) -> Iterator[str]:
    """Serve the vendor on loopback with the standard library's server, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.partition("?")[0]
            headers = {name.lower(): value for name, value in self.headers.items()}
            vendor.calls.append((self.command, self.path, headers, body))
            status, printed = vendor.answer(self.command, path)
            told = json.dumps(printed).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def do_GET(self) -> None:
            self._take()

        def do_POST(self) -> None:
            self._take()

        def do_DELETE(self) -> None:
            self._take()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    vendor.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield vendor.base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

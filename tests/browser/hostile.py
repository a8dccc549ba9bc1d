"""A patient whose chart holds programs, and a relay that says them. In: texts. Out: a Bundle for HAPI; vendor answers.

The relay stands between the connector and the sandbox AssemblyAI and adds the texts to what was heard and drafted.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

import httpx

from tests.builders import copy_patient

_ACTIVE = '<div xmlns="http://www.w3.org/1999/xhtml"><script>pwn(90)</script><img src="x" onerror="pwn(91)"/></div>'
_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "host", "date", "server"}


@dataclass(frozen=True)
class Charted:
    """Ids of a patient, an encounter of theirs, and their practitioner."""

    patient: str
    encounter: str
    practitioner: str
    bundle: dict[str, Any]


def make_chart(texts: Sequence[str]) -> Charted:
    """A bundled patient with these texts wherever a chart holds words: every text is an allergy, drug and problem."""
    patient, bundle = copy_patient("billie")
    kinds = ("Patient", "Encounter", "Practitioner")
    kept = [one for one in bundle["entry"] if one["resource"]["resourceType"] in kinds]
    found = {entry["resource"]["resourceType"]: entry["resource"] for entry in kept}
    kept = [entry for entry in kept if any(entry["resource"] is one for one in found.values())]
    copied = _entry("Practitioner", f"pwn-{patient}", name=[{"family": texts[0], "given": [texts[1]]}])
    words = cycle(texts)
    found["Patient"]["name"] = [{"use": "official", "family": next(words), "given": [next(words)]}]
    for one in found["Patient"]["identifier"]:
        one["value"] = (
            next(words) if any(part["code"] == "MR" for part in one.get("type", {}).get("coding", ())) else "1"
        )
    visit = found["Encounter"]
    for name in ("location", "serviceProvider"):
        visit.pop(name, None)
    visit["type"] = [{"text": next(words)}]
    visit["reasonCode"] = [{"text": text} for text in texts]
    visit["participant"] = [{"individual": {"display": next(words)}}]
    subject = {"reference": f"Patient/{patient}"}
    system = "http://terminology.hl7.org/CodeSystem"
    rows = [copied]
    for number, text in enumerate(texts):
        rows += [
            _entry(
                "AllergyIntolerance",
                f"pwn-{number}-{patient}",
                patient=subject,
                code={"text": text},
                reaction=[{"manifestation": [{"text": next(words)}]}],
                clinicalStatus={"coding": [{"system": f"{system}/allergyintolerance-clinical", "code": "active"}]},
            ),
            _entry(
                "MedicationRequest",
                f"pwn-{number}-{patient}",
                subject=subject,
                status="active",
                intent="order",
                medicationCodeableConcept={"text": text},
                dosageInstruction=[{"text": next(words)}],
            ),
            _entry(
                "Condition",
                f"pwn-{number}-{patient}",
                subject=subject,
                code={"text": text},
                clinicalStatus={"coding": [{"system": f"{system}/condition-clinical", "code": "active"}]},
                category=[{"coding": [{"system": f"{system}/condition-category", "code": "problem-list-item"}]}],
            ),
        ]
    bundle["entry"] = [*kept, *rows]
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] != "Practitioner":
            entry["resource"]["text"] = {"status": "additional", "div": _ACTIVE}
    return Charted(patient, visit["id"], f"Practitioner/{copied['resource']['id']}", bundle)


def _entry(kind: str, identity: str, **body: Any) -> dict[str, Any]:
    resource = {"resourceType": kind, "id": identity, **body}
    return {
        "fullUrl": f"http://sandbox.invalid/{kind}/{identity}",
        "resource": resource,
        "request": {"method": "PUT", "url": f"{kind}/{identity}"},
    }


class Relay(ThreadingHTTPServer):
    """Passes requests on to `target`; `texts` are added to words heard and sentences drafted.

    `heard` holds what came, with its body. A POST whose path ends as one of `echoes` says is refused, once, in an
    answer that repeats all of it.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = ""
        self.texts: tuple[str, ...] = ()
        self.added = 0
        self.heard: list[tuple[str, bytes]] = []
        self.echoes: list[str] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def refuse(self, line: str, content: bytes) -> bytes | None:
        """Notes a request; the body of a refusal where there has to be one."""
        self.heard.append((line, content))
        ends = [end for end in self.echoes if line.startswith("POST") and line.endswith(end)]
        if not ends:
            return None
        self.echoes.remove(ends[0])
        text = f"cannot take {content.decode(errors='replace')}"
        return json.dumps({"error": text, "message": text, "detail": {"given": text}}).encode()

    def change(self, path: str, body: bytes) -> bytes:
        """The answer with the texts in it, where it is one of those."""
        if not self.texts or not body.startswith(b"{"):
            return body
        answer = json.loads(body)
        if answer.get("utterances"):
            self._change_transcript(answer)
        elif path.endswith("/chat/completions"):
            self._change_draft(answer)
        return json.dumps(answer).encode()

    def _change_transcript(self, answer: dict[str, Any]) -> None:
        for said, text in zip(answer["utterances"], cycle(self.texts), strict=False):
            said["text"] += f" {text}"
            said["words"].append({**said["words"][-1], "text": text, "confidence": 0.1})
            self.added += 1

    def _change_draft(self, answer: dict[str, Any]) -> None:
        message = answer["choices"][0]["message"]
        note, words = json.loads(message["content"]), cycle(self.texts)
        for statements in note.values():
            for one in statements:
                one["text"] += f" {next(words)}"
                self.added += 1
        message["content"] = json.dumps(note)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Relay

    def _pass_on(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        content = self._read_chunks() if self.headers.get("transfer-encoding") else self.rfile.read(size)
        refusal = self.server.refuse(f"{self.command} {self.path}", content)
        if refusal is not None:
            self._answer(400, {"content-type": "application/json"}, refusal)
            return
        with httpx.Client(trust_env=False, timeout=60) as client:
            answer = client.request(self.command, self.server.target + self.path, headers=headers, content=content)
        self._answer(answer.status_code, answer.headers, self.server.change(self.path, answer.content))

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815

    def _read_chunks(self) -> bytes:
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def relay() -> Iterator[Relay]:
    """A relay at work."""
    server = Relay()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

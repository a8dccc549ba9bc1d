"""A clinician at work, over HTTP only: launches, records, edits, signs. In: addresses. Out: what the pages answered.

Used by the demo, the benchmark and the journeys; it knows no more of the connector than a browser does.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

CHUNK = 256 * 1024
_CSRF = re.compile(r'name="csrf"[^>]*?(?:value|content)="([^"]+)"')


class VisitStuck(Exception):
    """The visit did not come as far as expected; says where it stands, in the connector's own words."""


@dataclass
class OpenVisit:
    """A visit in a browser of its own; `base` is its address, `patient` a relative reference."""

    client: httpx.Client
    base: str
    patient: str
    csrf: str

    def status(self) -> dict[str, Any]:
        """What the page polls."""
        return _json(self.client.get(f"{self.base}/status", headers=_JSON))

    def await_state(self, *states: str, seconds: float = 90.0, on_step: Callable[[str], None] | None = None) -> str:
        """Polls until the visit is in one of `states`. Raises VisitStuck on a person's turn or after `seconds`."""
        until = time.monotonic() + seconds
        shown = ""
        while time.monotonic() < until:
            status = self.status()
            if status["state"] in states:
                return str(status["state"])
            attention = status.get("attention")
            if attention and attention["action"] != "wait":
                break
            step = status.get("step") or ""
            if on_step and step and step != shown:
                shown = step
                on_step(step)
            time.sleep(0.1)
        raise VisitStuck(f"the visit is {status['state']}, not {' or '.join(states)}: {status.get('attention')}")

    def post(self, path: str, **body: Any) -> httpx.Response:
        """A JSON or form post with the page's CSRF token; `form` sends a form, `json` JSON."""
        headers = {**_JSON, "X-CSRF-Token": self.csrf}
        data, content = body.get("form"), body.get("json")
        return self.client.post(f"{self.base}{path}", headers=headers, data=data, json=content)

    def consent(self, answer: str = "given") -> None:
        """Records the patient's answer."""
        _json(self.post("/consent", form={"answer": answer, "method": "verbal"}))

    def upload(self, sound: bytes, *, chunk: int = CHUNK) -> int:
        """Sends a recording by the chunk protocol and finishes it; returns the number of chunks."""
        opened = _json(self.post("/recordings"))
        root = self.base.split("/v/")[0]
        pieces = [sound[start : start + chunk] for start in range(0, len(sound), chunk)] or [b""]
        for seq, piece in enumerate(pieces):
            answer = self.client.put(
                f"{root}/recordings/{opened['recording_id']}/chunks/{seq}",
                content=piece,
                headers={
                    **_JSON,
                    "Authorization": f"Upload {opened['upload_token']}",
                    "Content-Digest": digest_header(piece),
                },
            )
            _check(answer)
        whole = {"chunks": len(pieces), "sha256": hashlib.sha256(sound).hexdigest()}
        _json(self.post(f"/recordings/{opened['recording_id']}/close", json=whole))
        return len(pieces)

    def context(self) -> dict[str, Any]:
        """What was read from the chart, and the keyterms made of it."""
        return _json(self.client.get(f"{self.base}/context", headers=_JSON))

    def note(self) -> dict[str, Any]:
        """The newest draft as the page shows it."""
        return _json(self.client.get(f"{self.base}/note", headers=_JSON))

    def add_sentence(self, section: str, text: str) -> dict[str, Any]:
        """Adds one sentence of the clinician's own to a section."""
        note = self.note()
        sections = {
            part["key"]: [{"id": one["id"], "text": one["text"]} for one in part["sentences"]]
            for part in note["sections"]
        }
        sections[section].append({"id": None, "text": text})
        return _json(self.post("/note", json={"revision": note["revision"], "sections": sections}))

    def sign(self) -> dict[str, Any]:
        """Signs what the page shows; returns the note as shown."""
        note = self.note()
        body = {"revision": note["revision"], "shown_sha256": note["sha256"], "attest": "yes"}
        _json(self.post("/sign", json=body))
        return note

    def filing(self) -> dict[str, Any]:
        """Where the signed note stands."""
        return _json(self.client.get(f"{self.base}/filing", headers=_JSON))

    def await_deletion(self, *, seconds: float = 60.0) -> dict[str, Any]:
        """Polls until nothing is left to ask of a vendor; what nobody can ask for may be waiting for its own end."""
        until = time.monotonic() + seconds
        while _is_owed(filing := self.filing()):
            if time.monotonic() > until:
                raise VisitStuck(f"vendor copies are left: {filing['vendor_copies']}")
            time.sleep(0.1)
        return filing


def _is_owed(filing: dict[str, Any]) -> bool:
    return any(copy["next"] in ("ask", "verify") for copy in filing["vendor_copies"])


_JSON = {"Accept": "application/json"}


def digest_header(data: bytes) -> str:
    """A Content-Digest header (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def open_browser(**options: Any) -> httpx.Client:
    """A client with a cookie jar of its own. Like a browser it returns Secure cookies to loopback over http."""
    # httpx copies a jar without its policy for every request, so the jar is kept here and used by hooks.
    jar = httpx.Cookies(CookieJar(policy=DefaultCookiePolicy(secure_protocols=("https", "http"))))
    hooks = {"request": [jar.set_cookie_header], "response": [jar.extract_cookies]}
    return httpx.Client(event_hooks=hooks, trust_env=False, follow_redirects=True, timeout=60.0, **options)


def launch_visit(ehr: str, patient: str, *, client: httpx.Client | None = None, **choices: Any) -> OpenVisit:
    """Opens a patient's chart in the sandbox EHR and launches the scribe from it; `patient` is an id."""
    client = client or open_browser()
    practitioner = choices.pop("practitioner", None) or first_clinician(ehr)
    launch = _json(client.post(f"{ehr}/launches", json={"patient": patient, "practitioner": practitioner, **choices}))
    page = client.get(launch["launch_url"])
    _check(page)
    found = _CSRF.search(page.text)
    if found is None:
        raise VisitStuck("the visit's page holds no CSRF token")
    return OpenVisit(client, str(page.url).split("?")[0], f"Patient/{patient}", found.group(1))


def first_clinician(ehr: str) -> str:
    """A clinician of the sandbox's own."""
    with httpx.Client(trust_env=False) as client:
        page = client.get(f"{ehr}/")
    found = re.search(r'value="(Practitioner/[^"]+)"', page.text)
    if found is None:
        raise VisitStuck("the sandbox EHR names no clinician")
    return found.group(1)


def _check(answer: httpx.Response) -> None:
    if answer.status_code >= 400:
        detail = answer.json().get("detail", "") if "json" in answer.headers.get("content-type", "") else ""
        raise VisitStuck(f"{answer.request.method} answered {answer.status_code}: {detail}")


def _json(answer: httpx.Response) -> dict[str, Any]:
    _check(answer)
    body: dict[str, Any] = answer.json()
    return body

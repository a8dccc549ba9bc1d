"""An app as seen by the sandbox EHR: it is launched, asks for codes and tokens, calls the gateway."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

CONFIDENTIAL, PUBLIC, SECRET = "scribe", "scribe-public", "a secret: with/odd%characters"
POSTING, ASYMMETRIC, URL_KEYED = "scribe-post", "scribe-keys", "scribe-jwks-url"
REDIRECT = "http://127.0.0.1:9/callback"
SCOPES = (
    "launch openid fhirUser online_access patient/Patient.rs patient/Encounter.rs patient/Condition.rs "
    "patient/Observation.rs patient/AllergyIntolerance.r patient/DocumentReference.cruds patient/Composition.cruds "
    "patient/Provenance.cruds user/Organization.rs"
)
REGISTERED = f"{SCOPES} launch/patient launch/encounter"


class Turnable:
    """A clock that runs and can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def forward(self, seconds: float) -> None:
        """Put the clock forward."""
        self.ahead += seconds


@dataclass
class Ehr:
    """The sandbox EHR under test and a client to talk to it."""

    base: str
    clock: Turnable
    http: httpx.Client

    @property
    def fhir_base(self) -> str:
        """What launches carry as iss."""
        return f"{self.base}/fhir"

    def launch(self, patient: str, **fields: Any) -> dict[str, Any]:
        """POST /launches as JSON."""
        answer = self.http.post(f"{self.base}/launches", json={"patient": patient, **fields})
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    def requests(self, path: str = "", *, after: int = 0) -> list[dict[str, Any]]:
        """The journal's entries with their evidence, of one path when it is given."""
        answer = self.http.get(f"{self.base}/sandbox/requests", params={"after": after, "detail": 1})
        return [entry for entry in answer.json()["requests"] if path in ("", entry["path"])]

    def make_mischief(self, raw: Any) -> httpx.Response:
        """POST /sandbox/mischief."""
        return self.http.post(f"{self.base}/sandbox/mischief", json=raw)

    def change_settings(self, **settings: Any) -> None:
        """PATCH /sandbox/settings."""
        answer = self.http.patch(f"{self.base}/sandbox/settings", json=settings)
        assert answer.status_code == 200, answer.text

    def post_token(self, form: dict[str, str], *, client_id: str | None = None, path: str = "token") -> httpx.Response:
        """POST a form below /auth, with HTTP Basic when an app is named."""
        auth = None if client_id is None else (client_id, SECRET.replace("%", "%25"))
        return self.http.post(f"{self.base}/auth/{path}", data=form, auth=auth)


@dataclass
class Request:
    """An authorization request that is right unless a test changes it."""

    ehr: Ehr
    params: dict[str, str]
    verifier: str

    def send(self, **changes: str | None) -> httpx.Response:
        """GET /auth/authorize; a change of None leaves the parameter out."""
        params = {name: value for name, value in {**self.params, **changes}.items() if value is not None}
        return self.ehr.http.get(f"{self.ehr.base}/auth/authorize", params=params)

    def decide(self, **answers: str) -> httpx.Response:
        """POST what the picker's form posts."""
        return self.ehr.http.post(f"{self.ehr.base}/auth/authorize", data={**self.params, **answers})

    def exchange(self, code: str, /, *, secret: str | None = SECRET, **changes: str | None) -> httpx.Response:
        """POST /auth/token with HTTP Basic, or as a public client when `secret` is None."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
        }
        auth = None
        if secret is None:
            form["client_id"] = self.params["client_id"]
        else:
            auth = (self.params["client_id"], secret.replace("%", "%25"))
        form = {name: value for name, value in {**form, **changes}.items() if value is not None}
        return self.ehr.http.post(f"{self.ehr.base}/auth/token", data=form, auth=auth)


def make_request(ehr: Ehr, launch: str, *, client_id: str = CONFIDENTIAL, scope: str = SCOPES) -> Request:
    """A correct authorization request for a launch id; for a standalone launch when it is empty."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    params = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT,
        "scope": scope,
        "state": secrets.token_urlsafe(24),
        "aud": ehr.fhir_base,
        "launch": launch,
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return Request(ehr, {name: value for name, value in params.items() if value}, verifier)


def callback(answer: httpx.Response) -> dict[str, str]:
    """The parameters of a redirect to the app."""
    assert answer.status_code in (302, 303), answer.text
    location = answer.headers["location"]
    assert location.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


CLINICIAN = "Practitioner/sandbox-ehr-okafor"


@dataclass
class Visit:
    """A launched app with its tokens."""

    ehr: Ehr
    patient: str
    encounter: str
    token: dict[str, Any]

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One call to the gateway; `path` may be an absolute link."""
        url = path if path.startswith("http") else f"{self.ehr.fhir_base}/{path}".rstrip("/")
        headers = {"Authorization": f"Bearer {self.token['access_token']}", **options.pop("headers", {})}
        return self.ehr.http.request(method, url, headers=headers, **options)


def visit(ehr: Ehr, patient: str, *, scope: str = SCOPES, practitioner: str = CLINICIAN) -> Visit:
    """Launch, authorize and exchange."""
    opened = ehr.launch(patient, practitioner=practitioner)
    request = make_request(ehr, opened["launch"], scope=scope)
    answer = request.exchange(callback(request.send())["code"])
    assert answer.status_code == 200, answer.text
    return Visit(ehr, patient, opened["encounter"], answer.json())

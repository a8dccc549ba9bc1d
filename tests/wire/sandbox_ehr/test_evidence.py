"""The request journal's evidence: enough to judge an app by, and no secret in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.wire.sandbox_ehr.app_keys import assertion_form, make_assertion
from tests.wire.sandbox_ehr.app_under_launch import (
    ASYMMETRIC,
    CLINICIAN,
    CONFIDENTIAL,
    POSTING,
    PUBLIC,
    REDIRECT,
    SECRET,
    Ehr,
    Request,
    callback,
    make_request,
)
from tests.wire.sandbox_ehr.conformance import find_flaws
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

METHODS = {
    PUBLIC: "none",
    CONFIDENTIAL: "client_secret_basic",
    POSTING: "client_secret_post",
    ASYMMETRIC: "private_key_jwt",
}
Form = dict[str, str]


class App:
    """An app that goes through a launch; `bend` may spoil what it sends."""

    def __init__(self, ehr: Ehr, fhir: TinyFhir, client_id: str) -> None:
        self.ehr, self.client_id, self.patient = ehr, client_id, fhir.add_patient()
        self.after = max((entry["seq"] for entry in ehr.requests()), default=0)
        self.opened = ehr.launch(self.patient, practitioner=CLINICIAN, client_id=client_id)
        self.request: Request = make_request(ehr, self.opened["launch"], client_id=client_id)
        self.token: dict[str, Any] = {}
        self.secrets: list[str] = [SECRET, self.request.verifier]

    def prove(self, form: Form, **claims: Any) -> Any:
        """Post a form with the app's own proof."""
        if self.client_id == ASYMMETRIC:
            assertion = make_assertion(self.ehr, claims=claims)
            self.secrets.append(assertion)
            return self.ehr.post_token({**form, **assertion_form(assertion)})
        if self.client_id == CONFIDENTIAL:
            return self.ehr.post_token(form, client_id=CONFIDENTIAL)
        own = {"client_id": self.client_id} | ({"client_secret": SECRET} if self.client_id == POSTING else {})
        return self.ehr.post_token({**form, **own})

    def authorize(self, **changes: str | None) -> str:
        """The code."""
        code = callback(self.request.send(**changes)).get("code", "")
        self.secrets.append(code)
        return code

    def exchange(self, code: str, *, claims: dict[str, Any] | None = None, **changes: str) -> None:
        """The tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        answer = self.prove({**form, "code_verifier": self.request.verifier, **changes}, **(claims or {}))
        self._keep(answer.json())

    def refresh(self, value: str | None = None) -> None:
        """New tokens."""
        form = {"grant_type": "refresh_token", "refresh_token": value or self.token["refresh_token"]}
        self._keep(self.prove(form).json())

    def read(self, token: str | None = None) -> None:
        """One FHIR call."""
        headers = {"Authorization": f"Bearer {token or self.token.get('access_token')}"}
        self.ehr.http.get(f"{self.ehr.fhir_base}/Patient/{self.patient}", headers=headers)

    def entries(self) -> list[dict[str, Any]]:
        """What the journal has of it."""
        return self.ehr.requests(after=self.after)

    def flaws(self) -> list[str]:
        """What a conformance suite would say."""
        own = {"client_id": self.client_id, "method": METHODS[self.client_id]}
        urls = {"fhir_base": self.ehr.fhir_base, "token_url": f"{self.ehr.base}/auth/token"}
        return find_flaws(self.entries(), **own, **urls)

    def _keep(self, body: dict[str, Any]) -> None:
        self.token = body
        self.secrets += [str(body[name]) for name in ("access_token", "refresh_token", "id_token") if name in body]


def run(app: App) -> None:
    """The whole way, with a refresh."""
    app.exchange(app.authorize())
    app.read()
    app.refresh()
    app.read()


@pytest.mark.parametrize("client_id", METHODS)
def test_a_right_app_passes_every_check(ehr: Ehr, fhir: TinyFhir, client_id: str) -> None:
    app = App(ehr, fhir, client_id)
    run(app)
    kinds = [entry["evidence"]["kind"] for entry in app.entries() if entry["evidence"]]
    assert kinds == ["authorization", "token", "fhir", "token", "fhir"]
    assert app.flaws() == []


@pytest.mark.parametrize("client_id", METHODS)
def test_no_secret_code_or_token_is_kept(ehr: Ehr, fhir: TinyFhir, client_id: str) -> None:
    app = App(ehr, fhir, client_id)
    run(app)
    text = json.dumps(app.entries())
    assert len(app.secrets) >= 7
    assert not [secret for secret in app.secrets if secret and secret in text]
    assert hashlib.sha256(app.token["access_token"].encode()).hexdigest() in text


UNUSED = "no issued token was used on the FHIR server"
SPOILT: dict[str, tuple[str, Callable[[App], object], str]] = {
    "no state": (PUBLIC, lambda app: app.authorize(state=None), "authorization: state"),
    "other aud": (PUBLIC, lambda app: app.authorize(aud="http://x/fhir"), "authorization: aud"),
    "no challenge": (PUBLIC, lambda app: app.authorize(code_challenge=None), "authorization: code_challenge"),
    "no scope": (PUBLIC, lambda app: app.authorize(scope=None), "authorization: scope"),
    "other launch": (PUBLIC, lambda app: app.authorize(launch="made-up"), "authorization: launch"),
    "implicit": (PUBLIC, lambda app: app.authorize(response_type="token"), "authorization: response_type"),
    "plain PKCE": (
        PUBLIC,
        lambda app: app.authorize(code_challenge_method="plain"),
        "authorization: code_challenge_method",
    ),
    "made-up code": (PUBLIC, lambda app: app.exchange("made-up"), "token: code"),
    "other verifier": (
        PUBLIC,
        lambda app: app.exchange(app.authorize(), code_verifier="y" * 50),
        "token: code_verifier",
    ),
    "other redirect": (PUBLIC, lambda app: app.exchange(app.authorize(), redirect_uri="x"), "token: redirect_uri"),
    "made-up refresh": (CONFIDENTIAL, lambda app: app.refresh("made-up"), "token: refresh_token"),
    "other audience": (ASYMMETRIC, lambda app: app.exchange("x", claims={"aud": "http://x"}), "assertion: aud"),
    "repeated jti": (
        ASYMMETRIC,
        lambda app: [app.exchange("x", claims={"jti": "one"}) for _ in range(2)],
        "assertion: jti",
    ),
    "unused token": (PUBLIC, lambda app: app.exchange(app.authorize()), UNUSED),
    "foreign token": (PUBLIC, lambda app: app.read("made-up"), UNUSED),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_wrong_app_is_found_out(ehr: Ehr, fhir: TinyFhir, name: str) -> None:
    client_id, act, flaw = SPOILT[name]
    app = App(ehr, fhir, client_id)
    act(app)
    assert flaw in app.flaws()


def test_evidence_is_shown_only_when_asked_for(ehr: Ehr, fhir: TinyFhir) -> None:
    run(App(ehr, fhir, PUBLIC))
    plain = ehr.http.get(f"{ehr.base}/sandbox/requests").json()["requests"]
    assert all("evidence" not in entry for entry in plain)
    assert all("evidence" in entry for entry in ehr.requests())


def test_the_links_from_launch_to_use_can_be_followed(ehr: Ehr, fhir: TinyFhir) -> None:
    app = App(ehr, fhir, CONFIDENTIAL)
    run(app)
    authorization, exchanged, first, refreshed, second = (entry["evidence"] for entry in app.entries()[1:])
    launch = app.opened["launch"]
    assert authorization["answer"] == {"kind": "code", "launch": launch, "code_sha256": exchanged["code"]["sha256"]}
    assert authorization["launch_issued"] is True
    assert exchanged["code"] == {**exchanged["code"], "known": True, "unspent": True, "launch": launch}
    assert exchanged["answer"]["access_token_sha256"] == first["token_sha256"]
    assert exchanged["answer"]["refresh_token_sha256"] == refreshed["refresh_token"]["sha256"]
    assert refreshed["answer"]["access_token_sha256"] == second["token_sha256"]
    assert {one["launch"] for one in (first, second)} == {launch}
    assert first["approval"] == second["approval"]
    assert exchanged["answer"]["patient"] == app.patient
    assert exchanged["answer"]["id_token"] is True


def test_pages_and_their_answers_are_told_apart(ehr: Ehr, fhir: TinyFhir) -> None:
    after = max((entry["seq"] for entry in ehr.requests()), default=0)
    request = make_request(ehr, ehr.launch(fhir.add_patient())["launch"])
    request.send()
    request.send(redirect_uri="http://evil.example/")
    request.decide(practitioner=CLINICIAN, decision="approve")
    seen = [entry["evidence"] for entry in ehr.requests("/auth/authorize", after=after)]
    assert [one["answer"]["kind"] for one in seen] == ["page", "refusal", "code"]
    assert [one["redirect_uri_registered"] for one in seen] == [True, False, True]
    assert seen[2]["from_the_page"] == ["decision", "practitioner"]
    assert "practitioner" not in dict(seen[2]["parameters"])


def test_a_token_is_known_when_it_is_dead(ehr: Ehr, fhir: TinyFhir) -> None:
    app = App(ehr, fhir, CONFIDENTIAL)
    app.exchange(app.authorize())
    ehr.clock.forward(301)
    app.read()
    evidence = app.entries()[-1]["evidence"]
    assert (evidence["token_issued"], evidence["token_alive"]) == (True, False)
    app.read("made-up")
    evidence = app.entries()[-1]["evidence"]
    assert (evidence["token_issued"], evidence["launch"]) == (False, None)


def test_introspection_revocation_and_malformed_forms_leave_evidence(ehr: Ehr, fhir: TinyFhir) -> None:
    app = App(ehr, fhir, CONFIDENTIAL)
    app.exchange(app.authorize())
    value = app.token["access_token"]
    for path in ("introspect", "revoke"):
        ehr.post_token({"token": value}, client_id=CONFIDENTIAL, path=path)
    ehr.post_token({"grant_type": "refresh_token", "client_id": CONFIDENTIAL}, client_id=CONFIDENTIAL)
    asked, revoked, malformed = (entry["evidence"] for entry in app.entries()[-3:])
    assert (asked["kind"], revoked["kind"], malformed["kind"]) == ("introspection", "revocation", "malformed")
    assert asked["token_sha256"] == revoked["token_sha256"] == hashlib.sha256(value.encode()).hexdigest()
    assert asked["answer"]["active"] is True
    assert asked["authentication"] == {"method": "client_secret_basic", "proven": True}
    assert malformed["answer"] == {"status": 400}
    assert value not in json.dumps(app.entries())

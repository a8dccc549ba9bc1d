"""The authorization request: every parameter SMART App Launch asks for, and what is kept until the callback."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from connector.launch.authorization import LaunchSecrets, begin, new_secrets
from connector.launch.discovery import Endpoints
from connector.launch.ehr import RegisteredEhr
from connector.launch.pending import hash_browser


def test_the_request_holds_every_parameter_once(
    ehr: RegisteredEhr, endpoints: Endpoints, drawn: LaunchSecrets, now: datetime
) -> None:
    _, request = begin(ehr, endpoints, launch_token="opaque &=/+ handle", drawn=drawn, now=now)
    parts = urlsplit(request.url())
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == endpoints.authorization_endpoint
    assert parse_qsl(parts.query, strict_parsing=True) == [
        ("response_type", "code"),
        ("client_id", "scribe"),
        ("redirect_uri", "https://scribe.example.org/launch/callback"),
        ("scope", "launch openid fhirUser patient/Observation.rs?category=vital-signs"),
        ("state", drawn.state),
        ("aud", "https://ehr.example.org/fhir/r4"),
        ("launch", "opaque &=/+ handle"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("nonce", "nonce-1"),
    ]


def test_the_verifier_stays_here(ehr: RegisteredEhr, endpoints: Endpoints, drawn: LaunchSecrets, now: datetime) -> None:
    pending, request = begin(ehr, endpoints, launch_token="x", drawn=drawn, now=now)
    assert drawn.code_verifier not in request.url()
    assert drawn.browser not in request.url()
    assert pending.code_verifier == drawn.code_verifier


def test_a_query_the_endpoint_already_has_is_kept(
    ehr: RegisteredEhr, endpoints: Endpoints, drawn: LaunchSecrets, now: datetime
) -> None:
    tenanted = replace(endpoints, authorization_endpoint="https://login.example.org/authorize?tenant=1")
    _, request = begin(ehr, tenanted, launch_token="x", drawn=drawn, now=now)
    assert request.url().startswith("https://login.example.org/authorize?tenant=1&response_type=code&")


def test_the_pending_launch_pins_what_the_callback_will_use(
    ehr: RegisteredEhr, endpoints: Endpoints, drawn: LaunchSecrets, now: datetime
) -> None:
    pending, _ = begin(ehr, endpoints, launch_token="x", drawn=drawn, now=now)
    assert pending.endpoints is endpoints
    assert (pending.tenant, pending.fhir_base, pending.client_id) == ("general", ehr.fhir_base, "scribe")
    assert pending.redirect_uri == ehr.redirect_uri
    assert pending.created_at == now
    assert pending.browser_hash == hash_browser("cookie-value")
    assert pending.browser_hash != "cookie-value"


def test_secrets_are_long_fresh_and_not_printed() -> None:
    one, other = new_secrets(), new_secrets()
    values = [one.state, one.nonce, one.code_verifier, one.browser, other.state, other.code_verifier]
    assert len(set(values)) == len(values)
    assert all(len(base64.urlsafe_b64decode(value + "=")) == 32 for value in values)
    assert 43 <= len(one.code_verifier) <= 128
    assert not any(value in repr(one) for value in values)

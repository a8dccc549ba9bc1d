"""A launch under way: one registered EHR, its endpoints, and the moment it began."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.launch.authorization import LaunchSecrets, begin
from connector.launch.discovery import Endpoints
from connector.launch.ehr import RegisteredEhr
from connector.launch.pending import PendingLaunch


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def ehr() -> RegisteredEhr:
    return RegisteredEhr(
        tenant="general",
        fhir_base="https://ehr.example.org/fhir/r4",
        client_id="scribe",
        redirect_uri="https://scribe.example.org/launch/callback",
        scopes=("launch", "openid", "fhirUser", "patient/Observation.rs?category=vital-signs"),
    )


@pytest.fixture
def endpoints() -> Endpoints:
    return Endpoints(
        issuer="https://login.example.org/oauth2",
        authorization_endpoint="https://login.example.org/oauth2/authorize",
        token_endpoint="https://login.example.org/oauth2/token",
        jwks_uri="https://login.example.org/oauth2/jwks",
        capabilities=("launch-ehr",),
        challenge_methods=("S256",),
    )


@pytest.fixture
def drawn() -> LaunchSecrets:
    return LaunchSecrets(state="state-" + "s" * 38, nonce="nonce-1", code_verifier="v" * 43, browser="cookie-value")


@pytest.fixture
def pending(ehr: RegisteredEhr, endpoints: Endpoints, drawn: LaunchSecrets, now: datetime) -> PendingLaunch:
    return begin(ehr, endpoints, launch_token="opaque", drawn=drawn, now=now)[0]

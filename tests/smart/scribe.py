"""The connector as a browser and an EHR meet it: the real application and database, with EHRs of the test's own."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import yaml

from connector.app import Composition, read_client_keys
from connector.assets.registrations import load_registrations
from connector.clients.key_sets import KeySets
from connector.clients.smart import SmartServer
from connector.visit.directory import EhrDirectory
from connector.visit.parts import Parts
from connector.web.application import make_application
from tests.smart.clock import Clock
from tests.smart.strict_ehr import StrictEhr

PUBLIC = "https://scribe.example.org"
SCOPES = [
    "launch",
    "openid",
    "fhirUser",
    "online_access",
    "patient/Patient.r",
    "patient/Observation.rs?category=vital-signs",
    "patient/DocumentReference.crs",
    "user/Practitioner.r",
]


def register(folder: Path, ehr: StrictEhr, **changes: Any) -> None:
    """Write the registration of one EHR; its tenant is the EHR's name."""
    body = {
        "name": "General Hospital",
        "fhir_base": ehr.fhir_base,
        "client_id": ehr.client.client_id,
        "auth_method": ehr.client.auth_method,
        "scopes": SCOPES,
    }
    if ehr.client.secret is not None:
        body["client_secret_env"] = "EHR_SECRET"
    merged = {name: value for name, value in {**body, **changes}.items() if value is not None}
    (folder / f"{ehr.name}.yaml").write_text(yaml.safe_dump(merged), encoding="utf-8")


def make_parts(composition: Composition, folder: Path, clock: Clock, secret: str | None = None) -> Parts:
    """The parts of the composition with the registrations of `folder` and a clock the test turns."""
    registrations = load_registrations(folder)
    smart = SmartServer(composition.parts.ehr, timing=clock.timing())
    return replace(
        composition.parts,
        registrations=registrations,
        smart=smart,
        directory=EhrDirectory(smart, registrations, PUBLIC, timing=clock.timing()),
        key_sets=KeySets(smart, timing=clock.timing()),
        client_secret=lambda one: secret if one.client_secret_env else None,
        client_keys=lambda one: read_client_keys(composition.settings, one),
        policy=replace(composition.parts.policy, public_base_url=PUBLIC),
        clock=clock.now,
    )


@dataclass
class Scribe:
    """The application, and as many browsers as a test wants."""

    parts: Parts

    def __post_init__(self) -> None:
        self.app = make_application(self.parts, version="test")

    def browser(self, *, base: str = PUBLIC) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=base, headers={"Accept": "text/html"})

    async def key_set(self, tenant: str) -> dict[str, Any]:
        async with self.browser() as browser:
            answer = await browser.get(f"/ehr/{tenant}/jwks.json")
        found: dict[str, Any] = answer.json()
        return found


async def depart(browser: httpx.AsyncClient, ehr: StrictEhr) -> dict[str, str]:
    """Launch in this browser; returns what the authorization endpoint is asked."""
    answer = await browser.get("/launch", params=ehr.open_launch())
    return asked_of(answer, ehr)


def asked_of(answer: httpx.Response, ehr: StrictEhr) -> dict[str, str]:
    """The authorization request an answer sends the browser to, by redirect or by form."""
    endpoint = f"{ehr.issuer}/authorize"
    if answer.status_code == 303:
        location = answer.headers["location"]
        assert location.startswith(f"{endpoint}?"), location
        pairs = parse_qsl(urlsplit(location).query, strict_parsing=True)
    else:
        assert answer.status_code == 200, answer.text
        assert f'action="{endpoint}"' in answer.text
        found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
        pairs = [(html.unescape(name), html.unescape(value)) for name, value in found]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


async def come_back(browser: httpx.AsyncClient, ehr: StrictEhr, query: dict[str, str]) -> httpx.Response:
    """Follow the EHR's redirect to the callback."""
    return await browser.get(urlsplit(ehr.client.redirect_uri).path, params=query)


async def launch(browser: httpx.AsyncClient, ehr: StrictEhr) -> httpx.Response:
    """A whole launch; returns the answer to the callback."""
    return await come_back(browser, ehr, ehr.approve(await depart(browser, ehr)))


MakeEhr = Callable[..., StrictEhr]
OpenScribe = Callable[..., Scribe]

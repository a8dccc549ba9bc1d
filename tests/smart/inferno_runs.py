"""Our application on its way through a sandbox EHR, for its journal. In: how the app is registered. Out: a Log.

A run is an EHR launch, FHIR calls, a refresh, FHIR calls with the new token, and a standalone launch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import uvicorn
import yaml
from connector_sandbox.ehr.app import create_app
from connector_sandbox.ehr.configuration import parse_config

from connector.app import Composition
from connector.registering import addresses_of
from connector.store.client_keys import make_key
from connector.visit.access import open_ehr
from connector.web.reading import settle
from tests.smart.clock import Clock
from tests.smart.inferno import ASSERTION, BASIC, Log
from tests.smart.scribe import PUBLIC, Scribe, make_parts
from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN
from tests.wire.sandbox_ehr.conftest import listen, serve
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

SCOPES = ["launch", "launch/patient", "openid", "fhirUser", "online_access", "user/Practitioner.r",
          "patient/Patient.r", "patient/Encounter.r", "patient/DocumentReference.crs"]  # fmt: skip
SECRET = "a secret: with/odd%characters"
KINDS: dict[str, dict[str, str]] = {
    "public": {"auth_method": "public"},
    "basic": {"auth_method": BASIC},
    "RS384": {"auth_method": ASSERTION, "assertion_algorithm": "RS384"},
    "ES384": {"auth_method": ASSERTION, "assertion_algorithm": "ES384"},
}


@dataclass
class Run:
    """A sandbox EHR at `base` in front of `fhir`, and the connector registered with it."""

    scribe: Scribe
    base: str
    tenant: str
    fhir: TinyFhir

    async def walk(self) -> None:
        """The whole way."""
        patient = self.fhir.add_patient()
        made = self._ask("POST", "/launches", json={"patient": patient, "practitioner": CLINICIAN}).json()
        query = {"iss": made["iss"], "launch": made["launch"]}
        await self._use(await self._launch("/launch", query, {}), patient, refresh=True)
        picked = {"practitioner": CLINICIAN, "patient": patient, "encounter": "none", "decision": "approve"}
        await self._use(await self._launch(f"/launch/standalone/{self.tenant}", {}, picked), patient)

    async def _launch(self, path: str, query: dict[str, str], picked: dict[str, str]) -> str:
        async with self.scribe.browser() as browser:
            away = await browser.get(path, params=query)
            assert away.status_code == 303, away.text
            address = away.headers["location"].removeprefix(self.base)
            back = self._ask("GET", address)
            if picked:
                assert back.status_code == 200, back.text
                back = self._ask("POST", urlsplit(address).path, data=dict(parse_qsl(urlsplit(address).query)) | picked)
            assert back.status_code in (302, 303), back.text
            target = urlsplit(back.headers["location"])
            opened = await browser.get(target.path, params=parse_qsl(target.query))
            assert opened.status_code == 303, opened.text
            return str(opened.headers["location"]).removeprefix("/v/")

    async def _use(self, launch_id: str, patient: str, *, refresh: bool = False) -> None:
        row = await self.scribe.parts.sessions.find_launch(launch_id)
        assert row is not None
        ehr = open_ehr(self.scribe.parts, row)
        assert (await ehr.chart().read(f"Patient/{patient}", {})).status == 200
        if refresh:
            await ehr.renew()
            assert (await ehr.chart().read(f"Patient/{patient}", {})).status == 200

    def journal(self) -> list[dict[str, Any]]:
        """What the EHR wrote down."""
        found: list[dict[str, Any]] = self._ask("GET", "/sandbox/requests", params={"detail": 1}).json()["requests"]
        return found

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=20) as client:
            return client.request(method, f"{self.base}{path}", **given)


async def record(composition: Composition, folder: Path, fhir: TinyFhir, *, kind: str) -> Log:
    """One run of a client of that kind, and what the EHR's journal says of it."""
    async with AsyncExitStack() as stack:
        ours, our_port = listen()
        theirs, port = listen()
        clock, base, tenant = Clock(), f"http://localhost:{port}", f"inferno{port}"
        registration = {"name": "Sandbox EHR", "fhir_base": f"{base}/fhir", "client_id": "scribe", "standalone": True}
        app: dict[str, Any] = {"client_id": "scribe", "name": "Scribe", "launch_url": f"{PUBLIC}/launch"}
        app |= {"auth_method": KINDS[kind]["auth_method"], "scopes": SCOPES}
        app |= {"redirect_uris": [f"{PUBLIC}/launch/callback/{tenant}"]}
        if kind == "basic":
            app["client_secret"], registration["client_secret_env"] = SECRET, "EHR_SECRET"
        if "assertion_algorithm" in KINDS[kind]:
            make_key(
                composition.settings.client_keys / tenant, algorithm=KINDS[kind]["assertion_algorithm"], now=clock.now()
            )
            app["jwks_url"] = f"http://127.0.0.1:{our_port}/ehr/{tenant}/jwks.json"
        text = yaml.safe_dump({**registration, **KINDS[kind], "scopes": SCOPES})
        (folder / f"{tenant}.yaml").write_text(text, encoding="utf-8")
        state = {"port": port, "base_url": base, "fhir_upstream": fhir.base, "state_dir": str(folder / tenant)}
        ehr = create_app(parse_config({**state, "clients": [app]}), clock=lambda: clock.now().timestamp())
        stack.enter_context(serve(ehr, theirs))
        scribe = Scribe(make_parts(composition, folder, clock, SECRET))
        await stack.enter_async_context(_serving(scribe, ours))
        run = Run(scribe, base, tenant, fhir)
        await run.walk()
        known = scribe.parts.registrations.by_tenant(tenant)
        assert known is not None
        told = addresses_of(composition.settings, known)
        return Log(
            entries=run.journal(),
            method={"public": "none"}.get(kind, KINDS[kind]["auth_method"]),
            client_id="scribe",
            fhir_base=f"{base}/fhir",
            token_url=f"{base}/auth/token",
            launch_url=told.launch,
            redirect_uris=[told.redirect],
            key_set_url=told.key_set or "",
            key_set=await scribe.key_set(tenant) if "jwks_url" in app else None,
        )


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(scribe: Scribe, sock: Any) -> AsyncIterator[None]:
    """The connector on a socket too, where the EHR reads its key set."""
    server = _Quiet(uvicorn.Config(scribe.app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        sock.close()
        await settle(scribe.app)
        await scribe.parts.directory.aclose()
        await scribe.parts.key_sets.aclose()

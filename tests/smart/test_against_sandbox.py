"""The connector and the sandbox EHR, two implementations of one standard: every way to prove a client, every mischief.

Cases A3, A6 to A13, A24 and A28 by the sandbox's own table; client requirements 4, 22, 34, 45, 60, 63 to 72, 201, 320.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import yaml
from connector_sandbox.ehr.app import create_app
from connector_sandbox.ehr.configuration import parse_config
from connector_sandbox.ehr.mischief_table import TABLE

from connector.app import Composition
from connector.records import Launch
from connector.store.client_keys import make_key
from connector.visit.access import open_ehr
from tests.smart.clock import Clock
from tests.smart.scribe import PUBLIC, Scribe, make_parts
from tests.smart.watch import connections
from tests.wire.sandbox_ehr.conftest import listen, serve
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

SCOPES = ["launch", "openid", "fhirUser", "online_access", "user/Practitioner.r", "patient/Patient.r",
          "patient/Encounter.r", "patient/Observation.rs", "patient/DocumentReference.crs"]  # fmt: skip
SECRET = "a secret: with/odd%characters"
PINS = {
    "expected_issuer": "",
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "jwks_uri": "/jwks",
}
Open = Callable[..., tuple[Scribe, str]]


@pytest.fixture(scope="module")
def fhir() -> Iterator[TinyFhir]:
    sock, port = listen()
    tiny = TinyFhir(base=f"http://127.0.0.1:{port}/fhir")
    with serve(tiny.app(), sock):
        yield tiny


@pytest.fixture
def opened(composition: Composition, clock: Clock, fhir: TinyFhir, tmp_path: Path) -> Iterator[Open]:
    """Starts a sandbox EHR for one way of proving the client, and a connector registered with it."""
    with ExitStack() as stack:

        def open_(method: str = "public", *, pinned: bool = False, **registration: Any) -> tuple[Scribe, str]:
            sock, port = listen()
            base = f"http://localhost:{port}"
            tenant = f"sandbox{port}"
            app: dict[str, Any] = {"client_id": "scribe", "name": "Scribe", "auth_method": method, "scopes": SCOPES}
            app |= {"redirect_uris": [f"{PUBLIC}/launch/callback/{tenant}"], "launch_url": f"{PUBLIC}/launch"}
            if method.startswith("client_secret"):
                app["client_secret"] = SECRET
                registration["client_secret_env"] = "EHR_SECRET"
            if method == "private_key_jwt":
                algorithm = registration.get("assertion_algorithm", "RS384")
                key = make_key(composition.settings.client_keys / tenant, algorithm=algorithm, now=clock.now())
                app["jwks"] = {"keys": [key.publish()]}
            if pinned:
                registration |= {name: f"{base}/auth{end}" for name, end in PINS.items()}
            state = {"port": port, "base_url": base, "fhir_upstream": fhir.base, "state_dir": str(tmp_path / tenant)}
            ehr = create_app(parse_config({**state, "clients": [app]}), clock=lambda: clock.now().timestamp())
            stack.enter_context(serve(ehr, sock))
            body = {"name": "Sandbox EHR", "fhir_base": f"{base}/fhir", "client_id": "scribe", "auth_method": method}
            text = yaml.safe_dump({**body, "scopes": SCOPES, **registration})
            (tmp_path / f"{tenant}.yaml").write_text(text, encoding="utf-8")
            return Scribe(make_parts(composition, tmp_path, clock, SECRET)), base

        yield open_


def ask(base: str, method: str, path: str, **given: Any) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=20) as client:
        return client.request(method, f"{base}{path}", **given)


async def launch(scribe: Scribe, base: str, fhir: TinyFhir, *mischief: str) -> httpx.Response:
    """A whole launch; the answer of whichever step ended it."""
    body = {
        "patient": fhir.add_patient(),
        "practitioner": "Practitioner/sandbox-ehr-okafor",
        "mischief": list(mischief),
    }
    made = ask(base, "POST", "/launches", json=body).json()
    async with scribe.browser() as browser:
        away = await browser.get("/launch", params={"iss": made["iss"], "launch": made["launch"]})
        if away.status_code != 303:
            return away
        assert away.headers["location"].startswith(f"{base}/auth/authorize?")
        back = ask(base, "GET", away.headers["location"].removeprefix(base))
        assert back.status_code in (302, 303), back.text
        target = urlsplit(back.headers["location"])
        assert f"{target.scheme}://{target.netloc}" == PUBLIC
        return await browser.get(target.path, params=parse_qsl(target.query, keep_blank_values=True))


async def signer_of(scribe: Scribe, answer: httpx.Response) -> str | None:
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    return (await scribe.parts.visits.need(row.visit_id, Launch)).practitioner


PROOFS: dict[str, dict[str, Any]] = {
    "public": {"method": "public"},
    "basic": {"method": "client_secret_basic"},
    "post": {"method": "client_secret_post"},
    "RS384": {"method": "private_key_jwt", "assertion_algorithm": "RS384"},
    "ES384": {"method": "private_key_jwt", "assertion_algorithm": "ES384"},
}


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
async def test_a10_every_way_to_prove_the_client_is_taken_at_launch_and_refresh(
    opened: Open, fhir: TinyFhir, proof: dict[str, Any]
) -> None:
    """Client requirements 63 to 72, 105, 106, 320, 345."""
    scribe, base = opened(**proof)
    answer = await launch(scribe, base, fhir)
    assert answer.status_code == 303, answer.text
    assert await signer_of(scribe, answer) == "Practitioner/sandbox-ehr-okafor"
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    await open_ehr(scribe.parts, row).renew()
    requests = ask(base, "GET", "/sandbox/requests").json()["requests"]
    assert [one["status"] for one in requests if one["path"] == "/auth/token"] == [200, 200]


# What may go on although the EHR breaks a rule, and why.
TOLERATED = {"discovery_pkce_both": "S256 is offered, and used"}
BAD = [
    row.name
    for row in TABLE.values()
    if row.where in ("id_token", "callback", "discovery", "jwks") and not row.lawful and row.name not in TOLERATED
]
LAWFUL = [
    *TOLERATED,
    *(row.name for row in TABLE.values() if row.where in ("id_token", "jwks", "discovery") and row.lawful),
]
REFUSALS = [row.name for row in TABLE.values() if row.where == "callback" and row.lawful]


@pytest.mark.parametrize("name", BAD)
async def test_a11_mischief_opens_no_launch_and_makes_nobody_a_signer(opened: Open, fhir: TinyFhir, name: str) -> None:
    """Cases A3, A6 to A9, A11 to A13, A24, A28: refused with a page, or opened without anybody who could sign."""
    scribe, base = opened(pinned=True)
    with connections() as seen:
        answer = await launch(scribe, base, fhir, name)
    assert {address[0] for address in seen} <= {"127.0.0.1", "::1"}  # type: ignore[index]
    if answer.status_code == 303:
        assert TABLE[name].cases in ("A13", "A28"), "this had to be refused"
        assert await signer_of(scribe, answer) is None
    else:
        assert answer.status_code in (400, 502, 503), answer.text
        assert "Support code" in answer.text


@pytest.mark.parametrize("name", LAWFUL)
async def test_a12_what_a_standard_allows_is_coped_with(opened: Open, fhir: TinyFhir, name: str) -> None:
    """Cases A12, A13, A24: rotated keys, relative endpoints, large key sets, clocks a little off."""
    scribe, base = opened(pinned=name != "discovery_relative")
    answer = await launch(scribe, base, fhir, name)
    assert answer.status_code == 303, answer.text
    assert await signer_of(scribe, answer) == "Practitioner/sandbox-ehr-okafor"


@pytest.mark.parametrize("name", REFUSALS)
async def test_a19_every_error_code_of_the_standards_becomes_a_page(opened: Open, fhir: TinyFhir, name: str) -> None:
    """Case A19: RFC 6749 and OpenID Connect Core error codes."""
    scribe, base = opened()
    answer = await launch(scribe, base, fhir, name)
    assert answer.status_code == 400
    assert "Support code" in answer.text
    assert name.removeprefix("callback_") not in answer.text

"""Two sandbox EHRs side by side, in one process and in one command: nothing of one is good at the other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.wire.sandbox_ehr.app_keys import assertion_form, make_assertion
from tests.wire.sandbox_ehr.app_under_launch import (
    ASYMMETRIC,
    CLINICIAN,
    CONFIDENTIAL,
    Ehr,
    callback,
    make_request,
)
from tests.wire.sandbox_ehr.conftest import listen, run_ehr
from tests.wire.sandbox_ehr.test_command import config
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir
from tests.wire.sandbox_ehr.walk import go

Pair = tuple[Ehr, Ehr]


@pytest.fixture(scope="module")
def pair(fhir: TinyFhir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A north and a south EHR in front of the same FHIR server, with the same apps."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        run_ehr(fhir.base, folder / "north", name="Sandbox EHR North") as north,
        run_ehr(fhir.base, folder / "south", name="Sandbox EHR South", scope_dialect="v2") as south,
    ):
        yield north, south


def test_a_launch_is_known_where_it_was_opened(pair: Pair, fhir: TinyFhir) -> None:
    north, south = pair
    launch = north.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"]
    assert "not known here" in callback(make_request(south, launch).send())["error_description"]
    assert "code" in callback(make_request(north, launch).send())


def test_the_other_ones_audience_is_refused(pair: Pair, fhir: TinyFhir) -> None:
    north, south = pair
    request = make_request(north, north.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    assert callback(request.send(aud=south.fhir_base))["error"] == "invalid_request"


def test_codes_and_tokens_are_good_where_they_were_issued(pair: Pair, fhir: TinyFhir) -> None:
    north, south = pair
    walk = go(north, fhir, [], to="callback")
    there = make_request(south, "x", client_id=CONFIDENTIAL)
    there.verifier = walk.request.verifier
    assert there.exchange(walk.carried["code"]).json()["error"] == "invalid_grant"
    walk = go(north, fhir, [])
    headers = {"Authorization": f"Bearer {walk.body['access_token']}"}
    path = f"Patient/{walk.patient}"
    assert north.http.get(f"{north.fhir_base}/{path}", headers=headers).status_code == 200
    assert south.http.get(f"{south.fhir_base}/{path}", headers=headers).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": walk.body["refresh_token"]}
    assert south.post_token(form, client_id=CONFIDENTIAL).json()["error"] == "invalid_grant"
    assert north.post_token(form, client_id=CONFIDENTIAL).status_code == 200


def test_an_assertion_for_one_is_refused_by_the_other(pair: Pair, fhir: TinyFhir) -> None:
    north, south = pair
    opened = south.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=ASYMMETRIC)
    request = make_request(south, opened["launch"], client_id=ASYMMETRIC)
    code = callback(request.send())["code"]
    for ehr, status in ((north, 400), (south, 200)):
        proof = assertion_form(make_assertion(ehr))
        assert request.exchange(code, secret=None, client_id=None, **proof).status_code == status


def test_keys_settings_and_mischief_are_apart(pair: Pair, fhir: TinyFhir) -> None:
    north, south = pair
    kids = [ehr.http.get(f"{ehr.base}/auth/jwks").json()["keys"][0]["kid"] for ehr in pair]
    assert kids[0] != kids[1]
    north.make_mischief(["token_type_mac"])
    assert [go(ehr, fhir, [], to="token").body["token_type"] for ehr in pair] == ["mac", "Bearer"]
    settings = [ehr.http.get(f"{ehr.base}/sandbox/settings").json()["scope_dialect"] for ehr in pair]
    assert settings == ["any", "v2"]
    north.http.delete(f"{north.base}/sandbox/mischief")
    assert south.requests()[-1]["path"] != "/sandbox/mischief"


def test_one_browser_may_be_signed_in_at_both(pair: Pair) -> None:
    with httpx.Client(trust_env=False) as browser:
        for ehr, who in zip(pair, (CLINICIAN, "Practitioner/sandbox-ehr-lindqvist"), strict=True):
            browser.post(f"{ehr.base}/clinician", data={"practitioner": who})
        pages = [browser.get(f"{ehr.base}/").text for ehr in pair]
    assert f'value="{CLINICIAN}" selected' in pages[0]
    assert 'value="Practitioner/sandbox-ehr-lindqvist" selected' in pages[1]
    assert "Sandbox EHR North" in pages[0]
    assert "Sandbox EHR South" in pages[1]


def test_one_command_serves_both_and_one_signal_ends_both(fhir: TinyFhir, tmp_path: Path) -> None:
    bases, command = [], [sys.executable, "-m", "connector_sandbox.ehr"]
    for name in ("north", "south"):
        sock, port = listen()
        sock.close()
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**config(port, fhir.base, tmp_path / name), "name": f"Sandbox EHR {name}"}))
        bases.append(f"http://localhost:{port}")
        command += ["--config", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert [await_name(base) for base in bases] == ["Sandbox EHR north", "Sandbox EHR south"]
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert output.splitlines() == [
        f"Sandbox EHR {n} ready on {b}" for n, b in zip(("north", "south"), bases, strict=True)
    ]
    assert errors == ""
    assert process.returncode in (0, -signal.SIGTERM)


def await_name(base: str) -> str:
    """The name in /health, once it answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return str(httpx.get(f"{base}/health", trust_env=False, timeout=10).json()["name"])
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{base} does not answer")

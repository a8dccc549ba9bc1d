"""Every mischief really takes place: an app sees it under the mischief and does not see it without."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from connector_sandbox.ehr.mischief_table import ATTACKER, TABLE

from tests.wire.sandbox_ehr import wire_signs
from tests.wire.sandbox_ehr.app_under_launch import Ehr
from tests.wire.sandbox_ehr.id_token_signs import SIGNS, is_honest
from tests.wire.sandbox_ehr.test_gateway_reads import observation
from tests.wire.sandbox_ehr.test_gateway_writes import note
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir
from tests.wire.sandbox_ehr.walk import Walk, go

BY_SIGN = {**SIGNS, **wire_signs.CALLBACK, **wire_signs.TOKEN, **wire_signs.DISCOVERY, **wire_signs.JWKS}
LAST_STEP = {"id_token": "jwks", "callback": "token", "token": "token", "discovery": "discovery", "jwks": "jwks"}
QUICKER = {"token_slow": {"seconds": 0.6}}


@pytest.fixture(scope="module")
def honest(running_ehr: Ehr, fhir: TinyFhir) -> dict[str, Walk]:
    """Launches without mischief, one for each step they go to."""
    return {step: go(running_ehr, fhir, [], to=step) for step in ("discovery", "token", "jwks")}


def struck(ehr: Ehr, walk: Walk) -> set[str]:
    """What the journal says struck since the walk's launch was opened."""
    entries = ehr.requests()
    start = max(entry["seq"] for entry in entries if entry["path"] == "/launches")
    return {name for entry in entries if entry["seq"] > start for name in entry["mischief"]}


@pytest.mark.parametrize("name", BY_SIGN)
def test_it_is_seen_with_it_and_not_without(ehr: Ehr, fhir: TinyFhir, honest: dict[str, Walk], name: str) -> None:
    step = LAST_STEP[TABLE[name].where]
    walk = go(ehr, fhir, {name: QUICKER.get(name, {})}, to=step)
    assert BY_SIGN[name](walk)
    assert struck(ehr, walk) == {name}
    assert not BY_SIGN[name](honest[step])


def test_nothing_strikes_an_honest_launch(ehr: Ehr, fhir: TinyFhir) -> None:
    walk = go(ehr, fhir, [])
    assert walk.refresh().status_code == 200
    assert struck(ehr, walk) == set()


def test_an_honest_id_token_is_honest(ehr: Ehr, fhir: TinyFhir) -> None:
    assert is_honest(go(ehr, fhir, []))
    assert not is_honest(go(ehr, fhir, ["id_token_nonce_wrong"]))


def refresh_reuse_revokes(walk: Walk) -> None:
    first = walk.refresh().json()
    assert walk.refresh().json()["error"] == "invalid_grant"
    assert walk.call(f"Patient/{walk.patient}", first["access_token"]).status_code == 401
    assert walk.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"


def refresh_rotating(walk: Walk) -> None:
    first = walk.refresh().json()
    assert first["refresh_token"] != walk.body["refresh_token"]
    assert walk.refresh().json()["error"] == "invalid_grant"
    assert walk.call(f"Patient/{walk.patient}", first["access_token"]).status_code == 200
    assert walk.refresh(first["refresh_token"]).status_code == 200


def refresh_kept(walk: Walk) -> None:
    for _ in range(3):
        answer = walk.refresh()
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()


def refresh_never(walk: Walk) -> None:
    assert "refresh_token" not in walk.body
    assert walk.call(f"Patient/{walk.patient}").status_code == 200


def refresh_lost(walk: Walk) -> None:
    with pytest.raises(httpx.NetworkError):
        walk.refresh()
    assert walk.ehr.requests("/auth/token")[-1]["status"] is None
    assert walk.refresh().json()["error"] == "invalid_grant"


def refresh_patient_missing(walk: Walk) -> None:
    assert walk.body["patient"] == walk.patient
    assert "patient" not in walk.refresh().json()


def refresh_patient_swapped(walk: Walk) -> None:
    assert walk.body["patient"] == walk.patient
    swapped = walk.refresh().json()
    assert swapped["patient"] != walk.patient
    assert "encounter" not in swapped
    token = swapped["access_token"]
    assert walk.call(f"Patient/{swapped['patient']}", token).status_code == 200
    assert walk.call(f"Patient/{walk.patient}", token).status_code == 403


def refresh_scope_narrower(walk: Walk) -> None:
    assert "DocumentReference" in walk.body["scope"]
    narrow = walk.refresh().json()
    assert "DocumentReference" not in narrow["scope"]
    assert walk.call("DocumentReference", narrow["access_token"]).status_code == 403


def refresh_user_disabled(walk: Walk) -> None:
    for _ in range(2):
        answer = walk.refresh()
        assert (answer.status_code, answer.json().get("error")) == (400, "invalid_grant")


def jwks_rotated(walk: Walk) -> None:
    honest = {key["kid"] for key in walk.ehr.http.get(f"{walk.ehr.base}/auth/jwks").json()["keys"]}
    assert {walk.header["kid"]} == honest
    assert walk.is_signed_by(walk.keys[0])
    walk.ehr.http.delete(f"{walk.ehr.base}/sandbox/mischief")
    old = walk.ehr.http.get(f"{walk.ehr.base}/auth/jwks").json()["keys"]
    assert walk.header["kid"] not in {key["kid"] for key in old}


def fhir_401_once(walk: Walk) -> None:
    path = f"Patient/{walk.patient}"
    assert [walk.call(path).status_code for _ in range(3)] == [401, 200, 200]


def fhir_401_always(walk: Walk) -> None:
    assert {walk.call(f"Patient/{walk.patient}").status_code for _ in range(3)} == {401}
    fresh = walk.refresh().json()["access_token"]
    assert walk.call(f"Patient/{walk.patient}", fresh).status_code == 401


def fhir_next_foreign(walk: Walk) -> None:
    links = walk.call("Observation").json()["link"]
    assert [link["url"] for link in links if link["relation"] == "next"] == [f"{ATTACKER}/fhir?_page=2"]


def fhir_references_foreign(walk: Walk) -> None:
    (entry, *_) = walk.call("Observation").json()["entry"]
    assert entry["resource"]["subject"]["reference"] == f"{ATTACKER}/fhir/Patient/{walk.patient}"
    (document, *_) = walk.call("DocumentReference").json()["entry"]
    assert document["resource"]["content"][0]["attachment"]["url"].startswith(ATTACKER)
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Observation"}}]}
    headers = {"Authorization": f"Bearer {walk.body['access_token']}"}
    assert f"{ATTACKER}/fhir/Patient" in walk.ehr.http.post(walk.ehr.fhir_base, json=batch, headers=headers).text


def fhir_redirect(walk: Walk) -> None:
    answer = walk.call(f"Patient/{walk.patient}")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{ATTACKER}/fhir/Patient/{walk.patient}"


BY_STORY: dict[str, Callable[[Walk], None]] = {
    story.__name__: story
    for story in (
        refresh_reuse_revokes,
        refresh_rotating,
        refresh_kept,
        refresh_never,
        refresh_lost,
        refresh_patient_missing,
        refresh_patient_swapped,
        refresh_scope_narrower,
        refresh_user_disabled,
        jwks_rotated,
        fhir_401_once,
        fhir_401_always,
        fhir_next_foreign,
        fhir_references_foreign,
        fhir_redirect,
    )
}
USUAL = {"refresh_reuse_revokes"}


def prepare(fhir: TinyFhir, walk: Walk) -> None:
    """Something to find in the chart."""
    fhir.add(observation(walk.patient))
    attachment = {"contentType": "text/plain", "url": "Binary/7"}
    fhir.add(note(walk.patient, content=[{"attachment": attachment}]))


@pytest.mark.parametrize("name", BY_STORY)
def test_its_story_is_told_with_it_and_not_without(ehr: Ehr, fhir: TinyFhir, name: str) -> None:
    walk = go(ehr, fhir, [name])
    prepare(fhir, walk)
    BY_STORY[name](walk)
    if name not in USUAL:
        honest = go(ehr, fhir, [])
        prepare(fhir, honest)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            BY_STORY[name](honest)


def test_every_mischief_is_tried_here() -> None:
    assert set(BY_SIGN) | set(BY_STORY) == set(TABLE)
    assert not set(BY_SIGN) & set(BY_STORY)


def test_a_slow_token_endpoint_is_as_slow_as_asked(ehr: Ehr, fhir: TinyFhir) -> None:
    started = time.monotonic()
    assert go(ehr, fhir, {"token_slow": {"seconds": 1}}, to="token").answer.status_code == 200
    assert time.monotonic() - started >= 1

"""How the connector proves itself to an EHR, at the code exchange and at every refresh, and how its keys are published.

Case A10; client requirements 22, 23, 63 to 66, 71, 72, 105, 106, 117, 290, 291, 293 to 295, 298, 299, 301 to 303,
307 to 309, 312 to 315, 317, 319 to 325, 327 to 334, 343, 345.
"""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from connector.app import Composition, client_key_folder
from connector.clients.assertion import AssertionPlan, write_assertion
from connector.errors import Misconfigured
from connector.store.client_keys import (
    BEFORE_USE,
    PUBLISHED_FOR_S,
    choose_key,
    make_key,
    read_key_file,
    read_keys,
    retire_keys,
)
from connector.visit.access import open_ehr
from connector.web.reading import settle
from tests.smart.clock import Clock
from tests.smart.scribe import PUBLIC, MakeEhr, OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr, readable

TOKEN_CALL = "POST /auth/token"
SECRET = "s3cret +%&:ü"


def open_with_keys(
    ehr: StrictEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock, **changes: Any
) -> Scribe:
    """A connector with a key pair for this EHR, and an EHR that reads its key set."""
    scribe = open_scribe(ehr, **changes)
    registration = scribe.parts.registrations.by_tenant(ehr.name)
    assert registration is not None
    folder = client_key_folder(composition.settings, registration)
    make_key(folder, algorithm=registration.assertion.algorithm, now=clock.now())
    ehr.client.key_set = lambda: scribe.key_set(ehr.name)
    ehr.client.key_set_address = f"{PUBLIC}/ehr/{ehr.name}/jwks.json"
    return scribe


async def refresh(scribe: Scribe, ehr: StrictEhr, location: str) -> None:
    """Makes a launch's access token run out and be renewed."""
    row = await scribe.parts.sessions.find_launch(location.removeprefix("/v/"))
    assert row is not None
    await open_ehr(scribe.parts, row).renew()


@pytest.mark.parametrize(
    "client",
    [
        {"auth_method": "public"},
        {"auth_method": "client_secret_basic", "secret": SECRET},
        {"auth_method": "client_secret_post", "secret": SECRET},
    ],
    ids=lambda client: client["auth_method"],
)
async def test_a10_each_method_is_used_alone_and_on_refresh_as_well(
    make_ehr: MakeEhr, open_scribe: OpenScribe, client: dict[str, str]
) -> None:
    """Client requirements 63, 64, 66, 71, 72, 105, 106, 343, 345: the EHR takes no proof too few and none too many."""
    ehr = make_ehr(**client)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 303
    await settle(scribe.app)
    await refresh(scribe, ehr, answer.headers["location"])
    assert ehr.paths().count(TOKEN_CALL) == 2
    assert ehr.flaws == []
    assert ehr.heard[-1].form["grant_type"] == "refresh_token"


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a10_a_key_pair_proves_the_client_with_a_fresh_assertion_each_time(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock, algorithm: str
) -> None:
    """Client requirements 22, 65, 290 to 294, 307 to 309, 317, 319 to 323, 327 to 334: on refresh as well."""
    ehr = make_ehr(auth_method="private_key_jwt")
    scribe = open_with_keys(ehr, open_scribe, composition, clock, assertion_algorithm=algorithm)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
        assert answer.status_code == 303, answer.text
        clock.forward(seconds=10)
        await refresh(scribe, ehr, answer.headers["location"])
        await launch(browser, ehr)
    assert ehr.flaws == []
    assertions = [one.form["client_assertion"] for one in ehr.heard if one.path == "/auth/token"]
    assert len(assertions) == 3
    assert len({readable(one)["jti"] for one in assertions}) == 3
    for one in assertions:
        header, claims = jws.extract_compact(one.encode()).headers(), readable(one)
        assert header["alg"] == algorithm
        assert set(header) == {"alg", "kid", "typ"}
        assert claims["exp"] - claims["iat"] == 240
        assert len(claims["jti"]) >= 22
    assert readable(assertions[1])["exp"] == readable(assertions[0])["exp"] + 10


async def test_a10_an_assertion_for_one_ehr_is_worth_nothing_at_another(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock
) -> None:
    """Case A10: keys of its own for each EHR, and the token endpoint as the only audience."""
    honest, evil = make_ehr(auth_method="private_key_jwt"), make_ehr(auth_method="private_key_jwt")
    scribe = open_with_keys(honest, open_scribe, composition, clock)
    other = open_with_keys(evil, open_scribe, composition, clock)
    async with other.browser() as browser:
        await launch(browser, evil)
    stolen = next(one.form for one in evil.heard if one.path == "/auth/token")
    claims = readable(stolen["client_assertion"])
    assert claims["aud"] == f"{evil.issuer}/token"
    assert not await honest._is_asserted(stolen)
    ours, theirs = await scribe.key_set(honest.name), await other.key_set(evil.name)
    assert not {key["kid"] for key in ours["keys"]} & {key["kid"] for key in theirs["keys"]}


async def test_a10_quirks_of_a_server_are_settings_and_the_standard_is_the_default(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock
) -> None:
    """Client requirements 324, 325, 329: some servers want the issuer as audience and another typ; jku is optional."""
    ehr = make_ehr(auth_method="private_key_jwt", assertion_type="client-authentication+jwt")
    ehr.client.audience = ehr.issuer
    scribe = open_with_keys(
        ehr,
        open_scribe,
        composition,
        clock,
        assertion_audience="issuer",
        assertion_type="client-authentication+jwt",
        assertion_seconds=300,
        assertion_jku=True,
        expected_issuer=ehr.issuer,
    )
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 303
    await refresh(scribe, ehr, answer.headers["location"])
    assert ehr.flaws == []
    sent = [one.form["client_assertion"] for one in ehr.heard if one.path == "/auth/token"]
    for one in sent:
        assert jws.extract_compact(one.encode()).headers()["jku"] == f"{PUBLIC}/ehr/{ehr.name}/jwks.json"
        assert readable(one)["exp"] - readable(one)["iat"] == 300


async def test_a10_without_a_key_pair_nothing_is_sent(make_ehr: MakeEhr, open_scribe: OpenScribe) -> None:
    """Client requirement 290: a sentence for the operator, and no half-proven request."""
    ehr = make_ehr(auth_method="private_key_jwt")
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 500
    assert f"connector ehr rotate-key {ehr.name}" in answer.text
    assert TOKEN_CALL not in ehr.paths()


def test_a10_no_assertion_lives_for_more_than_five_minutes(tmp_path: Path, clock: Clock) -> None:
    """Client requirements 330 and 331."""
    key = make_key(tmp_path, algorithm="ES384", now=clock.now())
    plan = AssertionPlan(key=key.key, kid=key.kid, algorithm="ES384", seconds=301)
    with pytest.raises(ValueError, match="300"):
        write_assertion(plan, client_id="c", token_endpoint="https://x/token", now=clock.now(), jti="j")
    assert "'d'" not in repr(plan) + repr(key)


async def test_a10_the_key_set_is_public_cacheable_and_bare(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock
) -> None:
    """Client requirements 294, 298, 299, 301 to 303, 313 to 315: no session, Cache-Control, no private part."""
    ehr = make_ehr(auth_method="private_key_jwt")
    scribe = open_with_keys(ehr, open_scribe, composition, clock)
    make_key(composition.settings.client_keys / ehr.name, algorithm="ES384", now=clock.now())
    async with scribe.browser() as browser:
        answer = await browser.get(f"/ehr/{ehr.name}/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == f"public, max-age={PUBLISHED_FOR_S}"
    assert answer.headers["content-type"].startswith("application/json")
    assert "set-cookie" not in answer.headers
    keys = {key["kty"]: key for key in answer.json()["keys"]}
    assert set(keys["RSA"]) == {"kty", "n", "e", "kid", "use", "alg", "key_ops"}
    assert set(keys["EC"]) == {"kty", "crv", "x", "y", "kid", "use", "alg", "key_ops"}
    assert (keys["RSA"]["alg"], keys["EC"]["alg"], keys["EC"]["crv"]) == ("RS384", "ES384", "P-384")


@pytest.mark.parametrize("tenant", ["nobody", "..%2f..%2fetc", "%00", "a" * 500])
async def test_a10_there_is_no_key_set_for_anybody_else(ehr: StrictEhr, open_scribe: OpenScribe, tenant: str) -> None:
    """Only EHRs that know us by a key pair; the name is never a path."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        for name in (tenant, ehr.name):
            assert (await browser.get(f"/ehr/{name}/jwks.json")).status_code == 404


async def test_a10_a_registration_that_waits_for_its_client_id_shows_its_keys_already(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock
) -> None:
    """Client requirement 291: the key set is registered before a client id is given."""
    ehr = make_ehr(auth_method="private_key_jwt")
    scribe = open_scribe(ehr, client_id="")
    make_key(composition.settings.client_keys / ehr.name, algorithm="RS384", now=clock.now())
    assert len((await scribe.key_set(ehr.name))["keys"]) == 1
    async with scribe.browser() as browser:
        assert (await browser.get("/launch", params=ehr.open_launch())).status_code == 400


async def test_a10_in_a_rotation_both_keys_are_shown_and_launches_go_on(
    make_ehr: MakeEhr, open_scribe: OpenScribe, composition: Composition, clock: Clock
) -> None:
    """Client requirements 303 and 322: the new key signs once every cached set has run out."""
    ehr = make_ehr(auth_method="private_key_jwt")
    scribe = open_with_keys(ehr, open_scribe, composition, clock)
    folder = composition.settings.client_keys / ehr.name
    (old,) = read_keys(folder)
    clock.forward(days=30)
    new = make_key(folder, algorithm="RS384", now=clock.now())

    async def kid_used() -> str:
        async with scribe.browser() as browser:
            assert (await launch(browser, ehr)).status_code == 303
        assertion = [one.form["client_assertion"] for one in ehr.heard if one.path == "/auth/token"][-1]
        return str(jws.extract_compact(assertion.encode()).headers()["kid"])

    published = await scribe.key_set(ehr.name)
    assert {key["kid"] for key in published["keys"]} == {old.kid, new.kid}
    assert await kid_used() == old.kid
    assert retire_keys(folder, algorithm="RS384", now=clock.now()) == ()
    clock.forward(seconds=BEFORE_USE.total_seconds())
    assert await kid_used() == new.kid
    assert retire_keys(folder, algorithm="RS384", now=clock.now()) == (old.kid,)
    assert [key["kid"] for key in (await scribe.key_set(ehr.name))["keys"]] == [new.kid]
    assert await kid_used() == new.kid
    assert ehr.flaws == []
    assert timedelta(seconds=2 * PUBLISHED_FOR_S) <= BEFORE_USE


def test_a10_a_key_that_leaked_is_replaced_at_once(tmp_path: Path, clock: Clock) -> None:
    """Client requirement 295."""
    old = make_key(tmp_path, algorithm="RS384", now=clock.now())
    clock.forward(hours=1)
    new = make_key(tmp_path, algorithm="RS384", now=clock.now(), at_once=True)
    assert choose_key(read_keys(tmp_path), algorithm="RS384", now=clock.now()) == new
    assert retire_keys(tmp_path, algorithm="RS384", now=clock.now()) == (old.kid,)


def test_a10_a_change_of_algorithm_is_a_rotation_too(tmp_path: Path, clock: Clock) -> None:
    """Client requirements 308 and 309: the first key of an algorithm signs at once, the others are retired by name."""
    old = make_key(tmp_path, algorithm="RS384", now=clock.now())
    new = make_key(tmp_path, algorithm="ES384", now=clock.now())
    assert choose_key(read_keys(tmp_path), algorithm="RS384", now=clock.now()) == old
    assert choose_key(read_keys(tmp_path), algorithm="ES384", now=clock.now()) == new
    assert retire_keys(tmp_path, algorithm="ES384", now=clock.now()) == (old.kid,)
    with pytest.raises(Misconfigured):
        retire_keys(tmp_path / "empty", algorithm="ES384", now=clock.now())


def test_a10_private_keys_are_their_owners_alone(tmp_path: Path, clock: Clock) -> None:
    """Client requirement 295; case D12: mode 0600 in a folder of mode 0700, and refused where that was changed."""
    folder = tmp_path / "keys" / "general"
    key = make_key(folder, algorithm="ES384", now=clock.now())
    path = folder / f"{key.kid}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert read_keys(folder) == (key,)
    path.chmod(0o640)
    with pytest.raises(Misconfigured, match="0600"):
        read_keys(folder)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"algorithm": "RS384"}', "-----BEGIN PRIVATE KEY-----", "{" * 9000]
)
def test_a10_a_file_that_is_no_key_pair_is_named(tmp_path: Path, content: str) -> None:
    """A damaged key folder is a sentence for the operator."""
    path = tmp_path / "x.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured, match=r"x\.json"):
        read_keys(tmp_path)
    with pytest.raises(Misconfigured, match=r"x\.json"):
        read_key_file(path, algorithm="RS384")


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
@pytest.mark.parametrize("form", ["PEM", "JWK"])
def test_a10_a_key_file_somebody_else_looks_after_is_read(
    tmp_path: Path, clock: Clock, algorithm: str, form: str
) -> None:
    """A mounted secret, as PEM or JWK; a key for the other algorithm or a public one is refused."""
    made = make_key(tmp_path / "made", algorithm=algorithm, now=clock.now())
    path = tmp_path / "key"
    content = made.key.as_pem(private=True) if form == "PEM" else _as_jwk(made.key.as_dict(private=True))
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(Misconfigured, match="mode"):
        read_key_file(path, algorithm=algorithm)
    path.chmod(0o640)
    (read,) = read_key_file(path, algorithm=algorithm)
    assert read.kid == made.kid
    assert choose_key((read,), algorithm=algorithm, now=clock.now()) == read
    other = "ES384" if algorithm == "RS384" else "RS384"
    with pytest.raises(Misconfigured):
        read_key_file(path, algorithm=other)
    path.write_bytes(made.key.as_pem(private=False))
    with pytest.raises(Misconfigured):
        read_key_file(path, algorithm=algorithm)


def _as_jwk(key: Any) -> bytes:
    return json.dumps(key).encode()

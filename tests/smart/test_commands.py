"""`connector ehr add|check|list|rotate-key` and `connector mappings check`, as an operator runs them.

Client requirements 20 to 23, 65, 147, 291, 298, 299, 303.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.__main__ import cli
from connector.errors import Misconfigured
from connector.launch.suitability import Plans, Weight, judge_server
from connector.registering import add_ehr, check_ehr, rotate_key
from connector.settings import Settings
from tests.smart.scribe import PUBLIC, MakeEhr, register
from tests.smart.strict_ehr import StrictEhr

Command = Callable[..., Any]
BASE = "https://ehr.example.org/fhir"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "registrations").mkdir()
    return Settings(
        state_folder=tmp_path / "state", registrations_folder=tmp_path / "registrations", public_base_url=PUBLIC
    )


def environment_of(settings: Settings) -> dict[str, str]:
    return {
        "CONNECTOR_STATE_FOLDER": str(settings.state_folder),
        "CONNECTOR_REGISTRATIONS_FOLDER": str(settings.registrations_folder),
        "CONNECTOR_PUBLIC_BASE_URL": PUBLIC,
    }


@pytest.fixture
def connector(settings: Settings) -> Command:
    """Runs the command in this process; nobody is there to answer a question."""
    return lambda *arguments: CliRunner().invoke(cli, list(arguments), env=environment_of(settings))


def test_an_ehr_is_added_listed_and_given_keys(connector: Command, settings: Settings) -> None:
    """Client requirements 20 to 22, 291, 299: what is told to the EHR comes out of the command."""
    added = connector(
        "ehr", "add", "general", "--fhir-base", f"{BASE}/", "--client-id", "42", "--auth-method", "private_key_jwt",
        "--name", "General: Hospital #1", "--assertion-algorithm", "ES384", "--frame-ancestor", "https://ehr.example.org",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    for told in ("/launch\n", "/launch/callback/general\n", "/ehr/general/jwks.json\n"):
        assert f"{PUBLIC}{told}" in added.stdout
    listed = connector("ehr", "list")
    assert re.search(r"^general +private_key_jwt +https://ehr\.example\.org/fhir$", listed.stdout, re.MULTILINE)
    (key,) = (settings.client_keys / "general").iterdir()
    rotated = connector("ehr", "rotate-key", "general")
    assert "ES384" in rotated.stdout
    assert len(list((settings.client_keys / "general").iterdir())) == 2
    retired = connector("ehr", "rotate-key", "general", "--retire")
    assert "Nothing to retire" in retired.stdout
    at_once = connector("ehr", "rotate-key", "general", "--at-once")
    assert at_once.exit_code == 0
    retired = connector("ehr", "rotate-key", "general", "--retire")
    assert f"Retired {key.stem}." in retired.stdout
    checked = connector("mappings", "check")
    assert (checked.exit_code, checked.stdout) == (
        0,
        "No mistakes: mappings, prompts and registrations can be read.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ehr", "add", "x"), "--name is needed"),
        (("ehr", "rotate-key", "nobody"), "no registration nobody.yaml"),
        (("ehr", "check", "nobody"), "no registration nobody.yaml"),
        (("ehr", "rotate-key", "../../etc"), "no registration"),
        (("ehr", "add", "../evil", "--fhir-base", BASE, "--auth-method", "public", "--name", "x"), "tenant's"),
        (
            ("ehr", "add", "a", "--fhir-base", "ftp://x", "--auth-method", "public", "--name", "x"),
            "a.yaml:3: fhir_base",
        ),
        (
            ("ehr", "add", "a", "--fhir-base", BASE, "--auth-method", "client_secret_basic", "--name", "x"),
            "client_secret_env or client_secret_file",
        ),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_nothing_is_written(
    connector: Command, settings: Settings, arguments: tuple[str, ...], told: str
) -> None:
    done = connector(*arguments)
    assert done.exit_code != 0
    assert told in (done.exception.detail if isinstance(done.exception, Misconfigured) else done.stderr)
    assert list(settings.registrations_folder.iterdir()) == []
    assert not (settings.registrations_folder.parent / "evil.yaml").exists()


def test_a_mistake_ends_in_exit_code_2_without_a_traceback(settings: Settings) -> None:
    """The whole command, as a shell runs it."""
    command = [sys.executable, "-m", "connector", "ehr", "rotate-key", "nobody"]
    env = {**os.environ, **environment_of(settings)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 2
    assert "no registration nobody.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("written", ["person_name", "['person_name']"])
def test_a_list_that_is_no_json_is_named_by_its_variable(settings: Settings, written: str) -> None:
    command = [sys.executable, "-m", "connector", "doctor"]
    env = {**os.environ, **environment_of(settings), "CONNECTOR_REDACTION_POLICIES": written}
    done = subprocess.run(command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 2
    assert 'mend CONNECTOR_REDACTION_POLICIES (lists are JSON, such as ["one","two"]).' in done.stderr


def test_no_file_is_overwritten_and_no_address_registered_twice(settings: Settings) -> None:
    answers: dict[str, object] = {"name": "G", "fhir_base": BASE, "client_id": "c", "auth_method": "public"}
    path, _ = add_ehr(settings, "general", answers)
    before = path.read_bytes()
    with pytest.raises(Misconfigured, match="exists already"):
        add_ehr(settings, "general", {**answers, "fhir_base": "https://other.example.org"})
    with pytest.raises(Misconfigured, match="already registers"):
        add_ehr(settings, "second", answers)
    assert path.read_bytes() == before
    assert [one.name for one in settings.registrations_folder.iterdir()] == ["general.yaml"]


def test_a_jurisdiction_nobody_wrote_down_is_not_registered(settings: Settings) -> None:
    answers: dict[str, object] = {"name": "G", "fhir_base": BASE, "client_id": "c", "auth_method": "public"}
    with pytest.raises(Misconfigured, match="no jurisdiction atlantis"):
        add_ehr(settings, "general", {**answers, "jurisdiction": "atlantis"})
    assert list(settings.registrations_folder.iterdir()) == []
    _, made = add_ehr(settings, "general", {**answers, "jurisdiction": "us-ca"})
    assert made.jurisdiction == "us-ca"


def test_no_secret_is_written(settings: Settings) -> None:
    """Client requirement 23: where it lies, never what it is."""
    answers: dict[str, object] = {"name": "G", "fhir_base": BASE, "auth_method": "client_secret_post"}
    path, one = add_ehr(settings, "general", {**answers, "client_secret_env": "EHR_SECRET"})
    assert 'client_secret_env: "EHR_SECRET"' in path.read_text()
    assert one.client_id == ""
    with pytest.raises(Misconfigured, match="unknown key"):
        add_ehr(settings, "other", {**answers, "client_secret": "s3cret"})
    with pytest.raises(Misconfigured, match="no key pairs"):
        rotate_key(settings, "general")


def test_every_mistake_of_every_file_is_found_before_the_start(connector: Command, settings: Settings) -> None:
    text = "name: x\nfhir_bse: https://x\nclient_id: a\nauth_method: none\nscopes: [launch]\n"
    (settings.registrations_folder / "one.yaml").write_text(text)
    (settings.registrations_folder / "two.yaml").write_text("name: [")
    done = connector("mappings", "check")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "6 mistakes."
    assert re.search(r"registrations/one\.yaml:2: fhir_bse: unknown key; is fhir_base meant\?", done.stdout)
    assert re.search(r"registrations/two\.yaml:\d: ", done.stdout)
    refused = connector("ehr", "list")
    assert isinstance(refused.exception, Misconfigured)
    assert "one.yaml:4: auth_method" in refused.exception.detail


async def findings(ehr: StrictEhr, settings: Settings, **changes: Any) -> dict[str, list[tuple[Weight, str]]]:
    register(settings.registrations_folder, ehr, **changes)
    found: dict[str, list[tuple[Weight, str]]] = {}
    for one in await check_ehr(settings, ehr.name, {}):
        found.setdefault(one.topic, []).append((one.weight, one.text))
    return found


async def test_a_good_ehr_is_called_good(ehr: StrictEhr, settings: Settings) -> None:
    """Everything is looked at, and nothing is sent but three reads of what is public."""
    ehr.behaviour.metadata = {"token_endpoint_auth_methods_supported": ["none", "private_key_jwt"]}
    ehr.access_tokens.add("")
    ehr.records["metadata"] = statement()
    found = await findings(ehr, settings)
    assert {weight for entries in found.values() for weight, _ in entries} <= {Weight.GOOD, Weight.POOR}
    assert found["PKCE"] == [(Weight.GOOD, "The EHR takes PKCE with S256, which every launch uses.")]
    assert "key pairs, which are safer" in found["client authentication"][0][1]
    assert {"sign-in", "answers", "launch", "scopes", "batch", "filing", "repeats", "FHIR version"} <= set(found)
    assert set(ehr.paths()) == {"GET /fhir/.well-known/smart-configuration", "GET /fhir/metadata"}
    assert all("authorization" not in one.headers for one in ehr.heard)


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no PKCE": ({"code_challenge_methods_supported": []}, {}, "configuration"),
    "no token endpoint": ({"token_endpoint": None}, {}, "configuration"),
    "another issuer": ({}, {"expected_issuer": "http://localhost/auth"}, "configuration"),
    "a pin that does not fit": ({}, {"token_endpoint": "http://localhost/token"}, "configuration"),
    "no client id yet": ({}, {"client_id": ""}, "client id"),
    "a method it does not take": (
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"auth_method": "client_secret_basic", "client_secret_env": "PATH"},
        "client authentication",
    ),
    "a secret that is not there": ({}, {"auth_method": "client_secret_post", "client_secret_env": "NONE"}, "secret"),
    "no key pair": ({}, {"auth_method": "private_key_jwt"}, "key pair"),
    "an algorithm it does not take": (
        {
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES384"],
        },
        {"auth_method": "private_key_jwt"},
        "client authentication",
    ),
}


@pytest.mark.parametrize(("metadata", "changes", "topic"), BAD.values(), ids=BAD)
async def test_what_keeps_a_launch_from_working_is_called_bad(
    ehr: StrictEhr, settings: Settings, metadata: dict[str, Any], changes: dict[str, Any], topic: str
) -> None:
    """Exit code 1 follows from it."""
    ehr.behaviour.metadata = metadata
    register(settings.registrations_folder, ehr, **changes)
    found = await check_ehr(settings, ehr.name, {"PATH": "a-secret"})
    assert any(one.weight is Weight.BAD and one.topic == topic for one in found), found


POOR: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "no identity": ({"jwks_uri": None, "capabilities": []}, {}, "sign-in", "nobody can be identified"),
    "v1 only": ({"capabilities": ["launch-ehr", "permission-v1"]}, {}, "scopes", "set scope_dialect to v1"),
    "v2 only": ({"capabilities": ["permission-v2"]}, {"scope_dialect": "v1"}, "scopes", "set scope_dialect to v2"),
    "wildcards asked for": ({}, {"scopes": ["launch", "openid", "fhirUser", "patient/*.rs"]}, "scopes", "(*)"),
    "a scope not listed": ({"scopes_supported": ["patient/Patient.r"]}, {}, "scopes", "patient/DocumentReference.crs"),
    "nothing to file asked for": (
        {}, {"scopes": ["launch", "openid", "fhirUser", "patient/Patient.r"]}, "scopes", "notes can be copied",
    ),
    "no refresh": ({"grant_types_supported": ["authorization_code"]}, {}, "renewal", "open the scribe again"),
    "no EHR launch named": ({"capabilities": []}, {}, "launch", "does not say that it launches"),
    "no standalone launch named": ({}, {"standalone": True}, "standalone", "started outside"),
    "public clients not named": (
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, {}, "client authentication", "be needed",
    ),
    "no frame": ({}, {}, "panel", "window of its own"),
    "no CapabilityStatement": ({}, {}, "CapabilityStatement", "status 401"),
}  # fmt: skip


@pytest.mark.parametrize(("metadata", "changes", "topic", "told"), POOR.values(), ids=POOR)
async def test_what_works_less_well_is_said_in_plain_words(
    ehr: StrictEhr, settings: Settings, metadata: dict[str, Any], changes: dict[str, Any], topic: str, told: str
) -> None:
    """Client requirements 65 and 147."""
    ehr.behaviour.metadata = metadata
    found = await findings(ehr, settings, **changes)
    assert any(weight is Weight.POOR and told in text for weight, text in found[topic]), found
    assert not any(weight is Weight.BAD for entries in found.values() for weight, _ in entries)


async def test_an_ehr_that_is_away_cannot_be_launched(make_ehr: MakeEhr, settings: Settings) -> None:
    ehr = make_ehr()
    ehr.behaviour.away = {"/fhir/.well-known/smart-configuration"}
    found = await findings(ehr, settings)
    assert found["configuration"][0][0] is Weight.BAD


def test_the_exit_code_says_whether_a_launch_can_work(connector: Command, settings: Settings) -> None:
    (settings.registrations_folder / "a.yaml").write_text(
        "name: A\nfhir_base: http://127.0.0.1:9/fhir\nclient_id: a\nauth_method: public\n"
        "scopes: [launch, openid, fhirUser]\n"
    )
    done = connector("ehr", "check")
    assert done.exit_code == 1
    assert "MEND  configuration: " in done.stdout
    assert "NOTE  panel: " in done.stdout


# CapabilityStatements -------------------------------------------------------------------------------------------


def statement(**changes: Any) -> dict[str, Any]:
    """What a server says that takes everything."""
    kinds = ("Patient", "Encounter", "MedicationRequest", "AllergyIntolerance", "Condition", "Observation",
             "DocumentReference", "Composition", "Provenance")  # fmt: skip
    every = [{"code": code} for code in ("read", "search-type", "create", "update")]
    resources = [{"type": kind, "interaction": every, "conditionalCreate": True} for kind in kinds]
    rest = {"mode": "server", "resource": resources, "interaction": [{"code": "transaction"}, {"code": "batch"}]}
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{**rest, **changes}]}


PLANS = Plans("public", "RS384", "v2", standalone=False, composition=True, provenance=True, conditional_create=True)


def only(kinds: dict[str, list[str]], *, conditional: bool = False) -> list[dict[str, Any]]:
    return [
        {"type": kind, "interaction": [{"code": code} for code in codes], "conditionalCreate": conditional}
        for kind, codes in kinds.items()
    ]


def poor(found: tuple[Any, ...]) -> set[str]:
    return {one.topic for one in found if one.weight is Weight.POOR}


def test_a_server_that_takes_everything_has_no_poor_side() -> None:
    assert poor(judge_server(statement(), plans=PLANS)) == set()


def test_an_epic_like_server_is_described_as_it_is() -> None:
    """Reads, creates a DocumentReference, and nothing more: no transaction, Composition or conditional create."""
    reads = {kind: ["read", "search-type"] for kind in ("Patient", "Encounter", "MedicationRequest",
             "AllergyIntolerance", "Condition", "Observation", "Provenance")}  # fmt: skip
    resources = only({**reads, "DocumentReference": ["create", "read", "search-type"]})
    found = judge_server(statement(resource=resources, interaction=[]), plans=PLANS)
    assert poor(found) == {"filing", "sections", "provenance", "repeats"}
    assert "declares no batch" in next(one.text for one in found if one.topic == "batch")


def test_a_server_that_takes_no_notes_says_copy_not_file() -> None:
    found = judge_server(statement(resource=only({"Patient": ["read"]})), plans=PLANS)
    assert "notes can be copied, not filed" in next(one.text for one in found if one.topic == "filing")
    assert "Observation" in next(one.text for one in found if one.topic == "reading")


@pytest.mark.parametrize("version", [None, "3.0.2", "5.0.0", 4, ["4.0.1"]])
def test_another_fhir_version_is_bad(version: object) -> None:
    (only_one,) = judge_server({**statement(), "fhirVersion": version}, plans=PLANS)
    assert only_one.weight is Weight.BAD


@pytest.mark.parametrize(
    "rest", [None, [], [None], [{}], [{"resource": "x"}], [{"resource": [None, {}, {"type": 7, "interaction": [7]}]}]]
)
def test_no_statement_breaks_the_judgement(rest: object) -> None:
    assert poor(judge_server({"fhirVersion": "4.0.1", "rest": rest}, plans=PLANS))

"""Registrations: what a file may say, and that every mistake is named with its file and key before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.assets.registrations import (
    OPTIONAL_KEYS,
    REQUIRED_KEYS,
    Registration,
    load_registrations,
    read_client_secret,
)
from connector.errors import Misconfigured

SHIPPED = Path(__file__).resolve().parents[3] / "smart-launch" / "registrations"
LEAST: dict[str, Any] = {
    "name": "General Hospital",
    "fhir_base": "https://ehr.example.org/fhir/r4",
    "client_id": "scribe",
    "auth_method": "public",
    "scopes": ["launch", "openid", "fhirUser", "patient/Patient.r"],
}


def write(folder: Path, tenant: str = "general", **changes: Any) -> Path:
    body = {key: value for key, value in {**LEAST, **changes}.items() if value is not None}
    path = folder / f"{tenant}.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    return path


def load_one(folder: Path) -> Registration:
    (one,) = load_registrations(folder).entries
    return one


def test_the_least_file_gets_the_defaults(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_one(tmp_path) == Registration(
        tenant="general",
        name="General Hospital",
        fhir_base="https://ehr.example.org/fhir/r4",
        client_id="scribe",
        auth_method="public",
        scopes=("launch", "openid", "fhirUser", "patient/Patient.r"),
        client_secret_env=None,
        client_secret_file=None,
        frame_ancestors=(),
        vendor_profile="generic",
        redirect_path="/launch/callback",
        insecure_hosts=(),
    )


def test_every_key_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        auth_method="client_secret_basic",
        client_secret_file="secrets/one",
        frame_ancestors=["https://ehr.example.org", "https://chart.example.org:8443"],
        vendor_profile="hapi",
        redirect_path="/launch/callback/general",
        insecure_hosts_for_tests=["sandbox"],
        fhir_base="http://sandbox:8080/fhir/",
    )
    one = load_one(tmp_path)
    assert one.fhir_base == "http://sandbox:8080/fhir"
    assert one.client_secret_file == tmp_path / "secrets" / "one"
    assert one.frame_ancestors == ("https://ehr.example.org", "https://chart.example.org:8443")
    assert (one.vendor_profile, one.redirect_path) == ("hapi", "/launch/callback/general")
    assert one.plain_http_hosts == ("localhost", "127.0.0.1", "::1", "sandbox")


def test_only_yaml_files_of_the_folder_itself_are_read(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "other.yaml.txt").write_text("nonsense: [", encoding="utf-8")
    (tmp_path / "README.md").write_text("nonsense: [", encoding="utf-8")
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", "deep", fhir_base="https://deep.example.org")
    assert [one.tenant for one in load_registrations(tmp_path).entries] == ["general"]


def test_no_file_means_no_ehr_and_no_folder_is_a_mistake(tmp_path: Path) -> None:
    assert load_registrations(tmp_path).entries == ()
    with pytest.raises(Misconfigured, match="does not exist"):
        load_registrations(tmp_path / "absent")


def test_an_iss_is_found_with_or_without_its_last_slash(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "second", fhir_base="https://second.example.org/")
    found = load_registrations(tmp_path)
    for iss, tenant in (
        ("https://ehr.example.org/fhir/r4", "general"),
        ("https://ehr.example.org/fhir/r4/", "general"),
        ("https://second.example.org", "second"),
        ("https://second.example.org/", "second"),
    ):
        one = found.by_iss(iss)
        assert one is not None
        assert one.tenant == tenant
        assert found.by_tenant(tenant) is one
    assert found.by_tenant("third") is None


@pytest.mark.parametrize(
    "iss",
    [
        "",
        "/",
        "https://ehr.example.org/fhir/r4//",
        "https://ehr.example.org/fhir",
        "https://ehr.example.org/fhir/r4/x",
        "https://EHR.example.org/fhir/r4",
        "HTTPS://ehr.example.org/fhir/r4",
        "http://ehr.example.org/fhir/r4",
        "https://ehr.example.org:443/fhir/r4",
        "https://ehr.example.org./fhir/r4",
        "https://user@ehr.example.org/fhir/r4",
        "https://ehr.example.org@evil.example/fhir/r4",
        "https://ehr.example.org/fhir/%72%34",
        "https://ehr.example.org/fhir%2Fr4",
        "https://ehr.example.org/x/../fhir/r4",
        "https://ehr.example.org/fhir/r4?",
        "https://ehr.example.org/fhir/r4#",
        "https://ehr.example.org/fhir/r4 ",
        " https://ehr.example.org/fhir/r4",
        "https://ehr.example.org\\fhir\\r4",
        "https://еhr.example.org/fhir/r4",
        "https://xn--hr-nlc.example.org/fhir/r4",
    ],
)
def test_a_look_alike_is_not_registered(tmp_path: Path, iss: str) -> None:
    write(tmp_path)
    assert load_registrations(tmp_path).by_iss(iss) is None


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "name missing": ("name", {"name": None}),
    "name empty": ("name", {"name": " "}),
    "name of two lines": ("name", {"name": "a\nb"}),
    "base missing": ("fhir_base", {"fhir_base": None}),
    "base plain http": ("fhir_base", {"fhir_base": "http://ehr.example.org/fhir"}),
    "base that only begins like loopback": ("fhir_base", {"fhir_base": "http://localhost.evil.example/fhir"}),
    "base without scheme": ("fhir_base", {"fhir_base": "ehr.example.org/fhir"}),
    "base of another scheme": ("fhir_base", {"fhir_base": "ftp://ehr.example.org/fhir"}),
    "base with query": ("fhir_base", {"fhir_base": "https://ehr.example.org/fhir?tenant=1"}),
    "base with empty query": ("fhir_base", {"fhir_base": "https://ehr.example.org/fhir?"}),
    "base with fragment": ("fhir_base", {"fhir_base": "https://ehr.example.org/fhir#x"}),
    "base with user": ("fhir_base", {"fhir_base": "https://a:b@ehr.example.org/fhir"}),
    "base with two slashes": ("fhir_base", {"fhir_base": "https://ehr.example.org/fhir//"}),
    "base with dots": ("fhir_base", {"fhir_base": "https://ehr.example.org/a/../fhir"}),
    "base encoded": ("fhir_base", {"fhir_base": "https://ehr.example.org/%66hir"}),
    "base with a wrong port": ("fhir_base", {"fhir_base": "https://ehr.example.org:x/fhir"}),
    "base without host": ("fhir_base", {"fhir_base": "https:///fhir"}),
    "client id a number": ("client_id", {"client_id": 123}),
    "client id missing": ("client_id", {"client_id": None}),
    "method of a later part": ("auth_method", {"auth_method": "private_key_jwt"}),
    "method unknown": ("auth_method", {"auth_method": "magic"}),
    "secret without method": ("client_secret_env", {"client_secret_env": "SECRET"}),
    "method without secret": ("auth_method", {"auth_method": "client_secret_basic"}),
    "two secrets": (
        "auth_method",
        {"auth_method": "client_secret_basic", "client_secret_env": "S", "client_secret_file": "s"},
    ),
    "a secret itself": ("client_secret", {"auth_method": "client_secret_basic", "client_secret": "s3cret"}),
    "a variable that is none": (
        "client_secret_env",
        {"auth_method": "client_secret_basic", "client_secret_env": "s3cret-value!"},
    ),
    "scopes as text": ("scopes", {"scopes": "launch openid fhirUser"}),
    "scopes joined": ("scopes", {"scopes": ["launch openid fhirUser"]}),
    "scopes without launch": ("scopes", {"scopes": ["openid", "fhirUser"]}),
    "scopes without openid": ("scopes", {"scopes": ["launch", "fhirUser"]}),
    "scopes without fhirUser": ("scopes", {"scopes": ["launch", "openid"]}),
    "a scope twice": ("scopes", {"scopes": ["launch", "openid", "fhirUser", "launch"]}),
    "ancestors as text": ("frame_ancestors", {"frame_ancestors": "https://ehr.example.org"}),
    "ancestor with path": ("frame_ancestors", {"frame_ancestors": ["https://ehr.example.org/chart"]}),
    "ancestor a wildcard": ("frame_ancestors", {"frame_ancestors": ["*"]}),
    "ancestor that breaks the header": ("frame_ancestors", {"frame_ancestors": ["https://a; script-src *"]}),
    "ancestor plain http": ("frame_ancestors", {"frame_ancestors": ["http://ehr.example.org"]}),
    "profile a path": ("vendor_profile", {"vendor_profile": "../secrets"}),
    "redirect path absolute": ("redirect_path", {"redirect_path": "https://evil.example/"}),
    "redirect path to another host": ("redirect_path", {"redirect_path": "//evil.example"}),
    "redirect path with query": ("redirect_path", {"redirect_path": "/callback?x=1"}),
    "insecure host with port": ("insecure_hosts_for_tests", {"insecure_hosts_for_tests": ["sandbox:80"]}),
    "insecure host not listed": ("insecure_hosts_for_tests", {"insecure_hosts_for_tests": "sandbox"}),
    "unknown key": ("fhirbase", {"fhirbase": "x"}),
}


@pytest.mark.parametrize(("key", "changes"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, key: str, changes: dict[str, Any]) -> None:
    write(tmp_path, **changes)
    with pytest.raises(Misconfigured) as refused:
        load_registrations(tmp_path)
    assert refused.value.detail.startswith(f"general.yaml: {key}: ")
    assert "s3cret" not in refused.value.detail


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "just text", "7: x\n", "a: [", "a: !!python/object:os.system {}", "\x00"]
)
def test_a_file_that_holds_no_keys_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "general.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"^general\.yaml: "):
        load_registrations(tmp_path)


def test_a_key_written_twice_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text("client_id: first\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"^general\.yaml: line 3: key 'client_id' stands twice"):
        load_registrations(tmp_path)


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "general.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(Misconfigured, match=r"^general\.yaml: "):
        load_registrations(tmp_path)


@pytest.mark.parametrize("tenant", ["General", "a b", "-a", "a_b", "ä"])
def test_a_file_name_that_is_no_tenant_is_refused(tmp_path: Path, tenant: str) -> None:
    write(tmp_path, tenant)
    with pytest.raises(Misconfigured, match="tenant"):
        load_registrations(tmp_path)


def test_two_files_may_not_share_an_address(tmp_path: Path) -> None:
    write(tmp_path, "first")
    write(tmp_path, "second", fhir_base="https://ehr.example.org/fhir/r4/")
    with pytest.raises(Misconfigured, match=r"^second\.yaml: fhir_base is already registered by first\.yaml"):
        load_registrations(tmp_path)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_may_be_plain_http(tmp_path: Path, host: str) -> None:
    write(tmp_path, fhir_base=f"http://{host}:8081/fhir", frame_ancestors=[f"http://{host}:8081"])
    assert load_one(tmp_path).plain_http_hosts == ("localhost", "127.0.0.1", "::1")


def test_an_https_ehr_may_name_no_plain_http_endpoint_whatever_is_listed(tmp_path: Path) -> None:
    write(tmp_path, insecure_hosts_for_tests=["sandbox"])
    assert load_one(tmp_path).plain_http_hosts == ()


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    write(tmp_path, auth_method="client_secret_basic", client_secret_env="EHR_SECRET")
    one = load_one(tmp_path)
    assert read_client_secret(one, {"EHR_SECRET": "s3cret"}) == "s3cret"
    for environment in ({}, {"EHR_SECRET": ""}):
        with pytest.raises(Misconfigured, match=r"^general\.yaml: client_secret_env names EHR_SECRET"):
            read_client_secret(one, environment)


def test_a_secret_comes_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    write(tmp_path, auth_method="client_secret_basic", client_secret_file="secret")
    one = load_one(tmp_path)
    for content in (None, b"", b"\n", b"\xff"):
        if content is not None:
            (tmp_path / "secret").write_bytes(content)
        with pytest.raises(Misconfigured, match=r"^general\.yaml: client_secret_file"):
            read_client_secret(one, {})
    (tmp_path / "secret").write_bytes(b"s3cret\n")
    assert read_client_secret(one, {}) == "s3cret"


def test_a_public_client_has_no_secret(tmp_path: Path) -> None:
    write(tmp_path)
    assert read_client_secret(load_one(tmp_path), {"EHR_SECRET": "s3cret"}) is None


def test_the_shipped_example_loads_once_it_is_renamed(tmp_path: Path) -> None:
    example = (SHIPPED / "example.yaml.txt").read_text(encoding="utf-8")
    (tmp_path / "example.yaml").write_text(example, encoding="utf-8")
    one = load_one(tmp_path)
    assert one.auth_method == "client_secret_basic"
    assert one.redirect_path == "/launch/callback"
    assert "patient/DocumentReference.crs" in one.scopes


def test_the_readme_explains_every_key() -> None:
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")} == {
        *REQUIRED_KEYS,
        *OPTIONAL_KEYS,
    }


def test_the_folder_as_shipped_registers_nobody() -> None:
    assert load_registrations(SHIPPED).entries == ()

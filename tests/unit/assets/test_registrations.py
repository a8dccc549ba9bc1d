"""Registrations: what a file may say, and that every mistake is named with its file and key before anything starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.assets.catalogue import list_mappings
from connector.assets.registration import AssertionSettings, PinnedEndpoints, Registration
from connector.assets.registration_file import OPTIONAL_KEYS, REQUIRED_KEYS
from connector.assets.registrations import check_registrations, load_registrations, read_client_secret
from connector.errors import Misconfigured
from tests.unit.assets.registration_samples import write

SHIPPED = Path(__file__).resolve().parents[3] / "smart-launch" / "registrations"


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
        redirect_path="/launch/callback/general",
        scope_dialect="granular",
        assertion=AssertionSettings(algorithm="RS384", seconds=240, audience="token_endpoint", type="JWT", jku=False),
        pinned=PinnedEndpoints(None, None, None, None),
        authorize_method="get",
        standalone=False,
        require_fhir_user=False,
        insecure_hosts=(),
    )


def test_every_key_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        auth_method="client_secret_basic",
        client_secret_file="secrets/one",
        frame_ancestors=["https://ehr.example.org", "https://chart.example.org:8443"],
        vendor_profile="hapi",
        redirect_path="/launch/callback",
        scope_dialect="v1",
        expected_issuer="http://sandbox:8080/auth",
        authorization_endpoint="http://sandbox:8080/auth/authorize?tenant=%31",
        token_endpoint="http://sandbox:8080/auth/token",
        jwks_uri="http://sandbox:8080/auth/jwks",
        authorize_method="post",
        standalone=True,
        require_fhir_user=True,
        insecure_hosts_for_tests=["sandbox"],
        fhir_base="http://sandbox:8080/fhir/",
        audio_hosts=["files.example.org", "*.clips.example.net", "0.files.example.org:8443"],
    )
    one = load_one(tmp_path)
    assert one.fhir_base == "http://sandbox:8080/fhir"
    assert one.client_secret_file == tmp_path / "secrets" / "one"
    assert one.frame_ancestors == ("https://ehr.example.org", "https://chart.example.org:8443")
    assert one.audio_hosts == ("files.example.org", "*.clips.example.net", "0.files.example.org:8443")
    assert (one.vendor_profile, one.redirect_path) == ("hapi", "/launch/callback")
    assert (one.scope_dialect, one.authorize_method, one.standalone, one.require_fhir_user) == (
        "v1",
        "post",
        True,
        True,
    )
    assert one.pinned == PinnedEndpoints(
        "http://sandbox:8080/auth",
        "http://sandbox:8080/auth/authorize?tenant=%31",
        "http://sandbox:8080/auth/token",
        "http://sandbox:8080/auth/jwks",
    )
    assert one.plain_http_hosts == ("localhost", "127.0.0.1", "::1", "sandbox")


def test_a_client_with_a_key_pair_says_how_its_assertions_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "registrations"
    folder.mkdir()
    write(
        folder,
        auth_method="private_key_jwt",
        assertion_algorithm="ES384",
        assertion_seconds=300,
        assertion_audience="issuer",
        assertion_type="client-authentication+jwt",
        assertion_jku=True,
        expected_issuer="https://login.example.org/oauth2",
        client_key_folder="../keys/general",
    )
    one = load_one(folder)
    assert one.assertion == AssertionSettings("ES384", 300, "issuer", "client-authentication+jwt", jku=True)
    assert one.client_key_folder == folder / ".." / "keys" / "general"
    assert read_client_secret(one, {}) is None


@pytest.mark.parametrize("client_id", ["", None])
def test_a_file_waits_until_its_client_id_is_filled_in(tmp_path: Path, client_id: str | None) -> None:
    path = write(tmp_path, client_id="later")
    path.write_text(path.read_text().replace("client_id: later", f"client_id: {client_id or ''}"), encoding="utf-8")
    write(tmp_path, "second")
    found = load_registrations(tmp_path)
    assert [one.tenant for one in found.entries] == ["second"]
    assert [one.tenant for one in found.waiting] == ["general"]
    assert found.by_tenant("general") is None
    path.write_text(path.read_text().replace("auth_method: public", "auth_method: magic"), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"^general\.yaml:1: auth_method: "):
        load_registrations(tmp_path)


def test_every_mistake_of_every_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text(
        "nme: General Hospital\nfhir_base: http://ehr.example.org\nclient_id: 7\nauth_method: magic\n"
        "scopes:\n  - launch\n  - openid\n  - patient/Patient.read\n",
        encoding="utf-8",
    )
    (tmp_path / "second.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(Misconfigured) as refused:
        load_registrations(tmp_path)
    told = [line.split(": ")[:2] for line in refused.value.detail.splitlines()]
    assert told == [
        ["first.yaml:1", "nme"],
        ["first.yaml:1", "name"],
        ["first.yaml:2", "fhir_base"],
        ["first.yaml:3", "client_id"],
        ["first.yaml:4", "auth_method"],
        ["first.yaml:5", "scopes"],
        ["first.yaml:8", "scopes"],
        ["second.yaml:1", "expected the node content, but found '<stream end>'."],
    ]
    assert "nme: unknown key; is name meant?" in refused.value.detail


def test_a_vendor_profile_that_does_not_exist_is_named(tmp_path: Path) -> None:
    write(tmp_path, vendor_profile="epik")
    assert load_registrations(tmp_path).entries[0].vendor_profile == "epik"
    with pytest.raises(Misconfigured, match=r"^general\.yaml:\d+: vendor_profile: there is no mappings/ehr/epik"):
        load_registrations(tmp_path, profiles=["generic", "epic"])


def test_a_wrong_profile_and_a_wrong_method_are_told_beside_other_mistakes_and_cause_none(tmp_path: Path) -> None:
    write(tmp_path, vendor_profile="epik", auth_method="client_secret_basik", client_secret_env="SECRET", nme="x")
    with pytest.raises(Misconfigured) as refused:
        load_registrations(tmp_path, profiles=["generic", "epic"])
    told = {line.split(": ")[1] for line in refused.value.detail.splitlines()}
    assert told == {"vendor_profile", "auth_method", "nme"}


def test_two_files_may_not_share_a_redirect_uri(tmp_path: Path) -> None:
    write(tmp_path, "first", redirect_path="/launch/callback")
    write(tmp_path, "second", fhir_base="https://second.example.org", redirect_path="/launch/callback")
    write(tmp_path, "third", fhir_base="https://third.example.org", redirect_path="/launch/callback/first")
    _, problems = check_registrations(tmp_path)
    assert [(one.file, one.key) for one in problems] == [("second.yaml", "redirect_path")]


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


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "just text", "7: x\n", "a: [", "a: !!python/object:os.system {}", "\x00"]
)
def test_a_file_that_holds_no_keys_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "general.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"^general\.yaml:1: "):
        load_registrations(tmp_path)


def test_a_key_written_twice_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text("client_id: first\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"^general\.yaml:3: client_id: stands twice"):
        load_registrations(tmp_path)


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "general.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(Misconfigured, match=r"^general\.yaml:1: "):
        load_registrations(tmp_path)


@pytest.mark.parametrize("tenant", ["General", "a b", "-a", "a_b", "ä"])
def test_a_file_name_that_is_no_tenant_is_refused(tmp_path: Path, tenant: str) -> None:
    write(tmp_path, tenant)
    with pytest.raises(Misconfigured, match="tenant"):
        load_registrations(tmp_path)


def test_two_files_may_not_share_an_address(tmp_path: Path) -> None:
    write(tmp_path, "first")
    write(tmp_path, "second", fhir_base="https://ehr.example.org/fhir/r4/")
    with pytest.raises(Misconfigured, match=r"^second\.yaml:\d+: fhir_base: is already registered by first\.yaml"):
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
            (tmp_path / "secret").touch(mode=0o600)
            (tmp_path / "secret").write_bytes(content)
        with pytest.raises(Misconfigured, match=r"^general\.yaml: client_secret_file"):
            read_client_secret(one, {})
    (tmp_path / "secret").write_bytes(b"s3cret\n")
    assert read_client_secret(one, {}) == "s3cret"


def test_a_public_client_has_no_secret(tmp_path: Path) -> None:
    write(tmp_path)
    assert read_client_secret(load_one(tmp_path), {"EHR_SECRET": "s3cret"}) is None


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_registration_loads_once_its_client_id_is_filled_in(tmp_path: Path, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^client_id:$", text, re.MULTILINE)
    (tmp_path / path.name).write_text(re.sub(r"(?m)^client_id:$", "client_id: scribe", text), encoding="utf-8")
    one = load_one(tmp_path)
    assert one.client_id == "scribe"
    assert one.redirect_path == f"/launch/callback/{one.tenant}"
    assert not any("*" in scope for scope in one.scopes)
    assert any(scope.startswith(("patient/DocumentReference.c", "user/DocumentReference.c")) for scope in one.scopes)


def test_four_registrations_are_shipped_and_wait() -> None:
    found = load_registrations(SHIPPED, profiles=list_mappings("ehr"))
    assert [one.tenant for one in found.waiting] == ["epic-sandbox", "oracle-sandbox", "sandbox", "smart-launcher"]


def test_the_readme_explains_every_key() -> None:
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")} == {
        *REQUIRED_KEYS,
        *OPTIONAL_KEYS,
    }


def test_the_folder_as_shipped_registers_nobody() -> None:
    assert load_registrations(SHIPPED).entries == ()


def test_a_jurisdiction_nobody_wrote_down_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, jurisdiction="us-ca")
    assert load_registrations(tmp_path, jurisdictions=["us-ca"]).entries[0].jurisdiction == "us-ca"
    text = (tmp_path / "general.yaml").read_text(encoding="utf-8")
    line = text[: text.index("jurisdiction:")].count("\n") + 1
    with pytest.raises(Misconfigured, match=rf"general\.yaml:{line}: jurisdiction: there is no jurisdiction us-ca"):
        load_registrations(tmp_path, jurisdictions=["all-party"])


@pytest.mark.parametrize("value", ["", " ~", ' ""', " ' '", " 7", " [us-ca]"])
def test_a_jurisdiction_that_names_nothing_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    path = write(tmp_path)
    path.write_text(f"jurisdiction:{value}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"general\.yaml:1: jurisdiction: ") as refused:
        load_registrations(tmp_path, jurisdictions=["all-party"])
    if value in ("", " ~"):
        assert "write a key of mappings/consent.yaml such as us-ca, or leave the line out" in refused.value.detail


def test_who_says_nothing_of_a_jurisdiction_gets_the_strictest(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_registrations(tmp_path, jurisdictions=["all-party"]).entries[0].jurisdiction == "all-party"

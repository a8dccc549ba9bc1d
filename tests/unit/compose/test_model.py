"""docker-compose.yml is valid, and its parts agree with each other and with the product (no container engine here)."""

from __future__ import annotations

import copy
import ipaddress
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from connector_sandbox.ehr.configuration import EhrConfig, parse_config
from connector_sandbox.stack import SCOPES
from jsonschema import Draft202012Validator, ValidationError

from connector.assets.registrations import Registration, load_registrations
from connector.settings import Settings
from tests.unit.compose.model import (
    COMPOSE_FOLDER,
    ROOT,
    Model,
    NoDefault,
    fill_text,
    mounts_of,
    ours,
    probe_of,
    read_model,
    texts,
    variables,
)

SERVICES = {
    "connector-web",
    "connector-worker",
    "migrate",
    "postgres",
    "prepare",
    "hapi",
    "patients",
    "sandbox-ehr",
    "sandbox-assemblyai",
}
ONE_SHOT = {"migrate", "prepare", "patients"}
NO_PROBE_POSSIBLE = {"hapi"}
VENDOR = Path(__file__).parent / "vendor"


@pytest.fixture(scope="module")
def model() -> Model:
    return read_model()


@pytest.fixture(scope="module")
def registration() -> Registration:
    (only,) = load_registrations(COMPOSE_FOLDER / "registrations").entries
    return only


@pytest.fixture(scope="module")
def ehr() -> EhrConfig:
    return parse_config(json.loads((COMPOSE_FOLDER / "ehr.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((VENDOR / "compose-spec.json").read_text(encoding="utf-8")))


def test_the_file_is_valid_by_the_compose_specification(model: Model, schema: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(schema.schema)
    schema.validate(model)


@pytest.mark.parametrize("wrong", ["depend_on", "health_check", "readonly"])
def test_the_schema_refuses_a_misspelt_key(model: Model, schema: Draft202012Validator, wrong: str) -> None:
    spoilt = copy.deepcopy(model)
    spoilt["services"]["connector-web"][wrong] = {}
    with pytest.raises(ValidationError):
        schema.validate(spoilt)


def test_every_variable_has_a_default_and_stands_in_the_handbook() -> None:
    read_model({})
    handbook = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    assert variables()
    assert {name for name in variables() if f"`{name}`" not in handbook} == set()


def test_a_variable_without_a_default_would_be_noticed() -> None:
    assert fill_text("a ${ONE:-b} $$c ${TWO:-}", {"ONE": ""}) == "a b $c "
    with pytest.raises(NoDefault):
        fill_text("${THREE}", {})


def test_the_services_are_those_the_handbook_names(model: Model) -> None:
    assert set(model["services"]) == SERVICES
    assert set(ours(model)) == SERVICES - {"postgres", "hapi"}


def test_ours_run_one_image_without_rights_and_on_a_root_they_cannot_write(model: Model) -> None:
    assert len({service["image"] for service in ours(model).values()}) == 1
    for service in ours(model).values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "user" not in service, "the image's own user"
        assert not {"privileged", "cap_add", "pid", "ipc"} & set(service)


def test_every_port_is_published_on_loopback_and_the_ehrs_is_the_same_outside(model: Model, ehr: EhrConfig) -> None:
    published = {name: one["ports"] for name, one in model["services"].items() if "ports" in one}
    assert set(published) == {"connector-web", "sandbox-ehr", "hapi"}
    for ports in published.values():
        for port in ports:
            host, outside, inside = port.split(":")
            assert ipaddress.ip_address(host).is_loopback
            assert outside == inside
    assert published["sandbox-ehr"] == [f"127.0.0.1:{ehr.port}:{ehr.port}"]


def test_iss_is_one_text_for_browser_and_containers(model: Model, ehr: EhrConfig, registration: Registration) -> None:
    assert registration.fhir_base == ehr.fhir_base
    address = urlsplit(ehr.fhir_base)
    assert (address.hostname or "").endswith(".localhost"), "browsers find it without a hosts file"
    assert address.port == ehr.port
    assert registration.plain_http_hosts[-1] == address.hostname
    assert registration.frame_ancestors == (ehr.base_url,)
    network = model["services"]["sandbox-ehr"]["networks"]["default"]
    assert address.hostname in network["aliases"]
    for name in ("connector-web", "connector-worker"):
        assert f"{address.hostname}:{network['ipv4_address']}" in model["services"][name]["extra_hosts"]


@pytest.mark.parametrize("environ", [{}, {"SUBNET_PREFIX": "10.99.7"}])
def test_the_ehrs_address_is_in_the_subnet_and_nobody_elses(environ: dict[str, str]) -> None:
    model = read_model(environ)
    (pool,) = model["networks"]["default"]["ipam"]["config"]
    fixed = ipaddress.ip_address(model["services"]["sandbox-ehr"]["networks"]["default"]["ipv4_address"])
    subnet, drawn = ipaddress.ip_network(pool["subnet"]), ipaddress.ip_network(pool["ip_range"])
    assert fixed in subnet
    assert fixed not in drawn
    assert drawn.subnet_of(subnet)
    assert fixed != subnet.network_address + 1, "the gateway's"


def test_the_app_is_registered_with_the_ehr_as_it_is(model: Model, ehr: EhrConfig, registration: Registration) -> None:
    (client,) = ehr.clients
    public = model["services"]["connector-web"]["environment"]["CONNECTOR_PUBLIC_BASE_URL"]
    assert client.client_id == registration.client_id
    assert client.redirect_uris == (f"{public}{registration.redirect_path}",)
    assert client.launch_url == f"{public}/launch"
    assert list(registration.scopes) == list(client.scopes) == SCOPES.split(), "as in the demo"
    assert client.client_secret is None, "drawn at the first start"
    assert registration.auth_method == "client_secret_basic"
    assert urlsplit(public).hostname != urlsplit(ehr.base_url).hostname, "two sites"


def test_what_the_connector_calls_is_there(model: Model, ehr: EhrConfig) -> None:
    environment = model["services"]["connector-web"]["environment"]
    command = model["services"]["sandbox-assemblyai"]["command"]
    port = command[command.index("--port") + 1]
    assert environment["CONNECTOR_ASSEMBLYAI_BASE_URL"] == f"http://sandbox-assemblyai:{port}"
    assert environment["CONNECTOR_GATEWAY_BASE_URL"] == f"http://sandbox-assemblyai:{port}/v1"
    assert urlsplit(ehr.fhir_upstream).hostname in model["services"]
    assert ehr.fhir_upstream in model["services"]["patients"]["command"]
    assert urlsplit(environment["CONNECTOR_DATABASE_URL"]).hostname in model["services"]
    assert "--key" not in command, "it takes the key the connector is given"


def test_the_connector_is_set_by_settings_that_exist(model: Model) -> None:
    names = {f"CONNECTOR_{name.upper()}" for name in Settings.model_fields}
    for name in ("connector-web", "connector-worker", "migrate"):
        assert set(model["services"][name]["environment"]) <= names
    web, worker = (model["services"][name]["environment"] for name in ("connector-web", "connector-worker"))
    assert web == worker == model["services"]["migrate"]["environment"]


def test_folders_and_volumes_are_there_and_hold_what_is_looked_for(model: Model, registration: Registration) -> None:
    for name, service in model["services"].items():
        for source in mounts_of(service).values():
            assert source in model["volumes"] if not source.startswith(".") else (ROOT / source).is_dir(), name
    for name in ("connector-web", "connector-worker"):
        service = model["services"][name]
        mounts, environment = mounts_of(service), service["environment"]
        state, key = environment["CONNECTOR_STATE_FOLDER"], Path(environment["CONNECTOR_MASTER_KEY_FILE"])
        assert mounts[str(key.parent)] != mounts[state], "the key lies apart from what it opens"
        assert environment["CONNECTOR_REGISTRATIONS_FOLDER"] in mounts
        assert registration.client_secret_file is not None
        assert str(registration.client_secret_file.parent) in mounts
        assert any(str(Path(target)) in environment["CONNECTOR_DATABASE_URL"] for target in mounts)


def test_nobody_waits_for_what_cannot_come(model: Model) -> None:
    services = model["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            ends = other in ONE_SHOT
            assert (how["condition"] == "service_completed_successfully") == ends, (name, other)
            if how["condition"] == "service_healthy":
                assert probe_of(services[other]), other


def test_one_shot_services_are_not_started_again_and_the_others_are(model: Model) -> None:
    for name, service in model["services"].items():
        assert service.get("restart", "no") == ("no" if name in ONE_SHOT else "unless-stopped"), name


def test_every_lasting_service_is_probed_without_a_shell_or_curl(model: Model) -> None:
    for name, service in model["services"].items():
        probe = probe_of(service)
        assert (probe is not None) == (name not in ONE_SHOT | NO_PROBE_POSSIBLE), name
        if name in ours(model) and probe is not None:
            assert probe[:2] == ["python", "-c"]
            compile(probe[2], name, "exec")
        assert not re.search(r"\b(curl|wget)\b", " ".join(texts(service.get("healthcheck", {})))), name


def test_a_real_deployment_can_leave_the_sandboxes_out() -> None:
    model = read_model({"REGISTRATIONS": "./mine", "ASSEMBLYAI_BASE_URL": "https://api.assemblyai.com"})
    wanted, waiting = set(), ["connector-web", "connector-worker"]
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        waiting += [other for other in model["services"][name].get("depends_on", {}) if other not in wanted]
    assert wanted == {"connector-web", "connector-worker", "migrate", "postgres", "prepare"}


def test_no_password_stands_in_the_file(model: Model) -> None:
    for name, service in model["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"KEY|SECRET|PASSWORD|TOKEN", key):
                assert key.endswith("_FILE") or (key, value) == ("CONNECTOR_ASSEMBLYAI_API_KEY", "sandbox"), name
    assert not [text for text in texts(model) if re.search(r"://[^/@\s]+:[^/@\s]+@", text)]

"""SMART configurations: what is read, and that PKCE S256 is never given up."""

from __future__ import annotations

import pytest

from connector.errors import LaunchRefused
from connector.launch.discovery import read_smart_configuration
from connector.launch.ehr import RegisteredEhr

BODY: dict[str, object] = {
    "issuer": "https://login.example.org/oauth2",
    "jwks_uri": "https://login.example.org/oauth2/jwks",
    "authorization_endpoint": "https://login.example.org/oauth2/authorize",
    "token_endpoint": "https://login.example.org/oauth2/token",
    "grant_types_supported": ["authorization_code"],
    "scopes_supported": ["openid"],
    "capabilities": ["launch-ehr", "sso-openid-connect", 7],
    "code_challenge_methods_supported": ["S256"],
}


def test_a_configuration_is_read_and_scopes_it_does_not_list_are_no_reason_to_refuse(ehr: RegisteredEhr) -> None:
    endpoints = read_smart_configuration(BODY, ehr)
    assert endpoints.issuer == "https://login.example.org/oauth2"
    assert endpoints.jwks_uri == "https://login.example.org/oauth2/jwks"
    assert endpoints.authorization_endpoint == "https://login.example.org/oauth2/authorize"
    assert endpoints.token_endpoint == "https://login.example.org/oauth2/token"
    assert endpoints.capabilities == ("launch-ehr", "sso-openid-connect")
    assert endpoints.challenge_methods == ("S256",)
    assert endpoints.answers_with_issuer is False


def test_a_server_that_promises_its_issuer_is_remembered_to_have_done_so(ehr: RegisteredEhr) -> None:
    body = {**BODY, "authorization_response_iss_parameter_supported": True}
    assert read_smart_configuration(body, ehr).answers_with_issuer is True


def test_relative_addresses_of_older_servers_are_below_the_fhir_base(ehr: RegisteredEhr) -> None:
    body = {**BODY, "authorization_endpoint": "auth/authorize", "token_endpoint": "auth/token", "jwks_uri": "/jwks"}
    endpoints = read_smart_configuration(body, ehr)
    assert endpoints.authorization_endpoint == "https://ehr.example.org/fhir/r4/auth/authorize"
    assert endpoints.token_endpoint == "https://ehr.example.org/fhir/r4/auth/token"
    assert endpoints.jwks_uri == "https://ehr.example.org/jwks"


def test_issuer_and_keys_may_be_missing(ehr: RegisteredEhr) -> None:
    body = {key: value for key, value in BODY.items() if key not in ("issuer", "jwks_uri", "capabilities")}
    endpoints = read_smart_configuration(body, ehr)
    assert (endpoints.issuer, endpoints.jwks_uri, endpoints.capabilities) == (None, None, ())


@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256", ["s256"], {"S256": True}])
def test_without_s256_there_is_no_launch(ehr: RegisteredEhr, methods: object) -> None:
    with pytest.raises(LaunchRefused, match="S256"):
        read_smart_configuration({**BODY, "code_challenge_methods_supported": methods}, ehr)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
def test_both_endpoints_are_needed(ehr: RegisteredEhr, name: str) -> None:
    with pytest.raises(LaunchRefused, match=name):
        read_smart_configuration({key: value for key, value in BODY.items() if key != name}, ehr)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_no_endpoint_may_be_plain_http(ehr: RegisteredEhr, name: str) -> None:
    with pytest.raises(LaunchRefused, match=name):
        read_smart_configuration({**BODY, name: "http://login.example.org/x"}, ehr)

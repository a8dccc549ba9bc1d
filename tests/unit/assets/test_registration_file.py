"""One registration file: every mistake it can hold is named with its line and key, and no secret is repeated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connector.assets.registrations import load_registrations
from connector.errors import Misconfigured
from tests.unit.assets.registration_samples import write

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
    "method of the day before yesterday": ("auth_method", {"auth_method": "client_secret_jwt"}),
    "method unknown": ("auth_method", {"auth_method": "magic"}),
    "secret beside a key pair": ("client_secret_env", {"auth_method": "private_key_jwt", "client_secret_env": "S"}),
    "assertion without key pair": ("assertion_seconds", {"assertion_seconds": 60}),
    "key folder without key pair": ("client_key_folder", {"client_key_folder": "/keys"}),
    "assertion too long-lived": ("assertion_seconds", {"auth_method": "private_key_jwt", "assertion_seconds": 301}),
    "assertion too short": ("assertion_seconds", {"auth_method": "private_key_jwt", "assertion_seconds": 5}),
    "assertion life as text": ("assertion_seconds", {"auth_method": "private_key_jwt", "assertion_seconds": "240"}),
    "assertion life true": ("assertion_seconds", {"auth_method": "private_key_jwt", "assertion_seconds": True}),
    "algorithm not of SMART": (
        "assertion_algorithm",
        {"auth_method": "private_key_jwt", "assertion_algorithm": "RS256"},
    ),
    "audience free": ("assertion_audience", {"auth_method": "private_key_jwt", "assertion_audience": "https://x"}),
    "audience issuer unnamed": (
        "assertion_audience",
        {"auth_method": "private_key_jwt", "assertion_audience": "issuer"},
    ),
    "type unknown": ("assertion_type", {"auth_method": "private_key_jwt", "assertion_type": "at+jwt"}),
    "jku an address": ("assertion_jku", {"auth_method": "private_key_jwt", "assertion_jku": "https://x"}),
    "keys among the registrations": (
        "client_key_folder",
        {"auth_method": "private_key_jwt", "client_key_folder": "keys"},
    ),
    "key among the registrations": ("client_key_file", {"auth_method": "private_key_jwt", "client_key_file": "k.pem"}),
    "two places for keys": (
        "client_key_file",
        {"auth_method": "private_key_jwt", "client_key_file": "/k.pem", "client_key_folder": "/k"},
    ),
    "issuer plain http": ("expected_issuer", {"expected_issuer": "http://login.example.org"}),
    "issuer with query": ("expected_issuer", {"expected_issuer": "https://login.example.org?x=1"}),
    "issuer with fragment": ("expected_issuer", {"expected_issuer": "https://login.example.org#x"}),
    "endpoint plain http": ("token_endpoint", {"token_endpoint": "http://login.example.org/token"}),
    "endpoint on loopback of an https EHR": ("token_endpoint", {"token_endpoint": "http://127.0.0.1/token"}),
    "endpoint relative": ("authorization_endpoint", {"authorization_endpoint": "/authorize"}),
    "endpoint with user": ("jwks_uri", {"jwks_uri": "https://a@login.example.org/jwks"}),
    "dialect unknown": ("scope_dialect", {"scope_dialect": "v3"}),
    "method of asking unknown": ("authorize_method", {"authorize_method": "put"}),
    "standalone as text": ("standalone", {"standalone": "yes"}),
    "scope in v1": ("scopes", {"scopes": ["launch", "openid", "fhirUser", "patient/Patient.read"]}),
    "scope out of order": ("scopes", {"scopes": ["launch", "openid", "fhirUser", "patient/Patient.sr"]}),
    "scope of no type": ("scopes", {"scopes": ["launch", "openid", "fhirUser", "patient/Pateint.r"]}),
    "scope nearly SMART's": ("scopes", {"scopes": ["launch", "openid", "fhirUser", "ofline_access"]}),
    "scope without letters": ("scopes", {"scopes": ["launch", "openid", "fhirUser", "patient/Patient."]}),
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
    "audio hosts as text": ("audio_hosts", {"audio_hosts": "files.example.org"}),
    "audio host an address": ("audio_hosts", {"audio_hosts": ["https://files.example.org"]}),
    "audio host with path": ("audio_hosts", {"audio_hosts": ["files.example.org/a"]}),
    "audio host any": ("audio_hosts", {"audio_hosts": ["*"]}),
    "audio host a whole top level": ("audio_hosts", {"audio_hosts": ["*.org"]}),
    "audio host a star within": ("audio_hosts", {"audio_hosts": ["files.*.org"]}),
    "audio host of this machine": ("audio_hosts", {"audio_hosts": ["localhost"]}),
    "audio host a number": ("audio_hosts", {"audio_hosts": ["10.0.0.1"]}),
    "audio host numbers below": ("audio_hosts", {"audio_hosts": ["*.0.0.1:443"]}),
    "audio host in hexadecimal": ("audio_hosts", {"audio_hosts": ["files.0x7f"]}),
    "audio host with final dot": ("audio_hosts", {"audio_hosts": ["files.example.org."]}),
    "audio host in capitals": ("audio_hosts", {"audio_hosts": ["Files.example.org"]}),
    "profile a path": ("vendor_profile", {"vendor_profile": "../secrets"}),
    "redirect path absolute": ("redirect_path", {"redirect_path": "https://evil.example/"}),
    "redirect path to another host": ("redirect_path", {"redirect_path": "//evil.example"}),
    "redirect path with query": ("redirect_path", {"redirect_path": "/launch/callback?x=1"}),
    "redirect path where nobody listens": ("redirect_path", {"redirect_path": "/callback"}),
    "redirect path upwards": ("redirect_path", {"redirect_path": "/launch/callback/.."}),
    "redirect path deeper": ("redirect_path", {"redirect_path": "/launch/callback/a/b"}),
    "insecure host with port": ("insecure_hosts_for_tests", {"insecure_hosts_for_tests": ["sandbox:80"]}),
    "insecure host not listed": ("insecure_hosts_for_tests", {"insecure_hosts_for_tests": "sandbox"}),
    "unknown key": ("fhirbase", {"fhirbase": "x"}),
}


@pytest.mark.parametrize(("key", "changes"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, key: str, changes: dict[str, Any]) -> None:
    write(tmp_path, **changes)
    with pytest.raises(Misconfigured) as refused:
        load_registrations(tmp_path)
    assert re.search(rf"^general\.yaml:\d+: {key}: ", refused.value.detail, re.MULTILINE)
    assert "s3cret" not in refused.value.detail

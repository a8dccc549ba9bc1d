"""How an app proves itself at the token endpoint: the registered way, every time, and no other."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest

from tests.wire.sandbox_ehr.app_keys import (
    KeyServer,
    app_key,
    assertion_form,
    inline_jwks,
    make_assertion,
    publish,
)
from tests.wire.sandbox_ehr.app_under_launch import (
    ASYMMETRIC,
    CLINICIAN,
    CONFIDENTIAL,
    POSTING,
    PUBLIC,
    SECRET,
    URL_KEYED,
    Ehr,
    Request,
    callback,
    make_request,
)
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


def approved(ehr: Ehr, fhir: TinyFhir, client_id: str) -> tuple[Request, str]:
    """A request of an app and the code it was answered with."""
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=client_id)
    request = make_request(ehr, opened["launch"], client_id=client_id)
    return request, callback(request.send())["code"]


def prove(request: Request, code: str, assertion: str, **more: str | None) -> httpx.Response:
    """Exchange a code with an assertion."""
    return request.exchange(code, secret=None, **{"client_id": None, **assertion_form(assertion), **more})


def refresh(ehr: Ehr, token: dict[str, Any], **proof: str) -> httpx.Response:
    """Use a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"], **proof}
    return ehr.post_token(form)


@pytest.mark.parametrize("key", ["rs384", "es384"])
def test_an_assertion_of_either_algorithm_proves_the_app(ehr: Ehr, fhir: TinyFhir, key: str) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    answer = prove(request, code, make_assertion(ehr, key=key))
    assert answer.status_code == 200, answer.text
    token = answer.json()
    seen = ehr.requests("/auth/token")[-1]
    assert seen["detail"]["client_authentication"] == "private_key_jwt"
    renewed = refresh(ehr, token, **assertion_form(make_assertion(ehr, key=key)))
    assert renewed.status_code == 200
    assert renewed.json()["refresh_token"] != token["refresh_token"]


WRONG_HEADERS: list[tuple[dict[str, Any], str]] = [
    ({"typ": None}, "typ"),
    ({"typ": "client-authentication+jwt"}, "typ"),
    ({"kid": None}, "kid"),
    ({"kid": "another"}, "kid"),
    ({"alg": "none"}, "alg"),
    ({"alg": "RS256"}, "alg"),
    ({"alg": "HS256"}, "alg"),
    ({"jku": "http://127.0.0.1:9/other"}, "jku"),
    ({"crit": ["exp"]}, "must not carry"),
    ({"jwk": {"kty": "RSA"}}, "must not carry"),
]


@pytest.mark.parametrize(("header", "named"), WRONG_HEADERS, ids=[str(header) for header, _ in WRONG_HEADERS])
def test_a_wrong_header_is_refused(ehr: Ehr, fhir: TinyFhir, header: dict[str, Any], named: str) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    answer = prove(request, code, make_assertion(ehr, header=header))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert named in answer.json()["error_description"]
    assert prove(request, code, make_assertion(ehr)).status_code == 200, "the code lives on"


WRONG_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"iss": "somebody"}, "iss and sub"),
    ({"sub": "somebody"}, "iss and sub"),
    ({"iss": None}, "iss and sub"),
    ({"iss": CONFIDENTIAL, "sub": CONFIDENTIAL}, "no app"),
    ({"iss": "nobody", "sub": "nobody"}, "no app"),
    ({"aud": None}, "aud"),
    ({"aud": "http://localhost/auth/token"}, "aud"),
    ({"aud": ["http://localhost/auth/token"]}, "aud"),
    ({"exp": None}, "exp"),
    ({"exp": 1_000_000_000}, "exp"),
    ({"exp": "1000000000000"}, "exp"),
    ({"exp": True}, "exp"),
    ({"exp": 1e12}, "exp"),
    ({"exp": 1_000_000_000_000}, "five minutes"),
    ({"iat": 1_000_000_000_000}, "iat"),
    ({"nbf": 1_000_000_000_000}, "nbf"),
    ({"iat": "now"}, "iat"),
    ({"jti": None}, "jti"),
    ({"jti": ""}, "jti"),
    ({"jti": 5}, "jti"),
]


@pytest.mark.parametrize(("claims", "named"), WRONG_CLAIMS, ids=[str(claims) for claims, _ in WRONG_CLAIMS])
def test_wrong_claims_are_refused(ehr: Ehr, fhir: TinyFhir, claims: dict[str, Any], named: str) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    answer = prove(request, code, make_assertion(ehr, claims=claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert named in answer.json()["error_description"]


@pytest.mark.parametrize(("ahead", "status"), [(295, 200), (330, 400), (-2, 400)])
def test_an_assertion_lives_five_minutes(ehr: Ehr, fhir: TinyFhir, ahead: int, status: int) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    assertion = make_assertion(ehr, claims={"exp": int(ehr.clock()) + ahead})
    assert prove(request, code, assertion).status_code == status


def test_the_audience_is_the_token_endpoint_and_nothing_else(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    for aud in (f"{ehr.base}/auth", f"{ehr.base}/auth/token/", ehr.fhir_base, [f"{ehr.base}/auth/token"]):
        assert prove(request, code, make_assertion(ehr, claims={"aud": aud})).json()["error"] == "invalid_client"


def test_an_assertion_is_good_once_at_refresh_too(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    assertion = make_assertion(ehr)
    token = prove(request, code, assertion).json()
    again = refresh(ehr, token, **assertion_form(assertion))
    assert (again.json()["error"], "jti" in again.json()["error_description"]) == ("invalid_client", True)
    assert ehr.requests("/auth/token")[-1]["evidence"]["authentication"]["assertion"]["jti_was_used"] is True
    assert refresh(ehr, token, **assertion_form(make_assertion(ehr))).status_code == 200


def test_a_jti_is_never_forgotten(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    jti = secrets.token_urlsafe(8)
    assert prove(request, code, make_assertion(ehr, claims={"jti": jti})).status_code == 200
    ehr.clock.forward(3600)
    request, code = approved(ehr, fhir, ASYMMETRIC)
    assert prove(request, code, make_assertion(ehr, claims={"jti": jti})).json()["error"] == "invalid_client"


def test_a_key_that_is_not_registered_proves_nothing(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    forged = make_assertion(ehr, key="stranger", header={"kid": app_key("rs384").kid})
    answer = prove(request, code, forged)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert ehr.requests("/auth/token")[-1]["evidence"]["authentication"]["assertion"]["signature_verified"] is False


def test_a_key_of_the_other_kind_proves_nothing(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    answer = prove(request, code, make_assertion(ehr, key="rs384", header={"kid": app_key("es384").kid}))
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "assertion",
    ["", "x", "a.b.c", "e30.e30", "W10.W10.W10", "eyJhbGciOiJSUzM4NCIsImFsZyI6Im5vbmUifQ.e30.x", "a" * 20_000],
)
def test_what_is_no_assertion_is_refused(ehr: Ehr, fhir: TinyFhir, assertion: str) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    assert prove(request, code, assertion).json()["error"] == "invalid_client"


def test_not_a_number_is_no_expiry(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    answer = prove(request, code, make_assertion(ehr, claims={"exp": float("nan")}))
    assert answer.json()["error"] == "invalid_client"


def test_the_type_of_the_assertion_must_be_named(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    for kind in (None, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"):
        answer = prove(request, code, make_assertion(ehr), client_assertion_type=kind)
        assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("client_id", [CONFIDENTIAL, POSTING, ASYMMETRIC, PUBLIC])
def test_each_app_proves_itself_in_its_own_way_only(ehr: Ehr, fhir: TinyFhir, client_id: str) -> None:
    request, code = approved(ehr, fhir, client_id)
    own = {CONFIDENTIAL: "basic", POSTING: "post", ASYMMETRIC: "assertion", PUBLIC: "none"}[client_id]
    tries = {
        "basic": lambda: request.exchange(code),
        "post": lambda: request.exchange(code, secret=None, client_secret=SECRET),
        "assertion": lambda: prove(request, code, make_assertion(ehr, client_id=client_id)),
        "none": lambda: request.exchange(code, secret=None),
    }
    for name, attempt in tries.items():
        if name != own:
            assert attempt().json()["error"] == "invalid_client", name
    assert tries[own]().status_code == 200


def test_a_refresh_takes_the_same_proof(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, POSTING)
    token = request.exchange(code, secret=None, client_secret=SECRET).json()
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert ehr.post_token(form, client_id=POSTING).json()["error"] == "invalid_client"
    assert ehr.post_token({**form, "client_id": POSTING}).json()["error"] == "invalid_client"
    assert ehr.post_token({**form, "client_id": POSTING, "client_secret": SECRET}).status_code == 200


def test_two_proofs_at_once_are_refused(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    proof = assertion_form(make_assertion(ehr))
    for answer in (
        request.exchange(code, **proof),
        request.exchange(code, secret=None, client_id=None, client_secret=SECRET, **proof),
        request.exchange(code, secret=None, **proof),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_parameters_in_the_query_are_refused(ehr: Ehr, fhir: TinyFhir) -> None:
    _, code = approved(ehr, fhir, PUBLIC)
    answer = ehr.post_token({"grant_type": "authorization_code", "client_id": PUBLIC}, path=f"token?code={code}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert ehr.requests("/auth/token")[-1]["query"] == "(hidden)"


def test_keys_come_from_the_registered_address(ehr: Ehr, fhir: TinyFhir, key_server: KeyServer) -> None:
    key_server.show("rs384", cache_control="max-age=60")
    for header in ({}, {"jku": key_server.url}):
        request, code = approved(ehr, fhir, URL_KEYED)
        assertion = make_assertion(ehr, client_id=URL_KEYED, header=header)
        assert prove(request, code, assertion).status_code == 200
    request, code = approved(ehr, fhir, URL_KEYED)
    for jku in (f"{key_server.url}?x", f"{key_server.url}/", "http://127.0.0.1:9/jwks", 5):
        forged = make_assertion(ehr, client_id=URL_KEYED, header={"jku": jku})
        assert "jku" in prove(request, code, forged).json()["error_description"]


def test_an_app_with_inline_keys_sends_no_jku(ehr: Ehr, fhir: TinyFhir, key_server: KeyServer) -> None:
    request, code = approved(ehr, fhir, ASYMMETRIC)
    answer = prove(request, code, make_assertion(ehr, header={"jku": key_server.url}))
    assert "jku" in answer.json()["error_description"]


def test_a_rotated_key_is_found_and_a_withdrawn_one_forgotten(ehr: Ehr, fhir: TinyFhir, key_server: KeyServer) -> None:
    def exchange(key: str) -> int:
        request, code = approved(ehr, fhir, URL_KEYED)
        return prove(request, code, make_assertion(ehr, client_id=URL_KEYED, key=key)).status_code

    ehr.clock.forward(3600)
    key_server.show("rs384", cache_control="max-age=60")
    asked = key_server.asked
    assert [exchange("rs384"), exchange("rs384")] == [200, 200]
    assert key_server.asked == asked + 1
    key_server.show("rs384", "es384", cache_control="max-age=60")
    assert [exchange("es384"), exchange("rs384")] == [200, 200]
    assert key_server.asked == asked + 2
    key_server.show("es384", cache_control="max-age=60")
    ehr.clock.forward(61)
    assert [exchange("rs384"), exchange("es384")] == [400, 200]


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (503, b"{}", "503"),
        (302, b"", "302"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "not usable"),
        (200, b'{"keys": []}', "not usable"),
        (200, b" " * 300_000, "too large"),
    ],
)
def test_an_unreadable_key_set_refuses_the_app(
    ehr: Ehr, fhir: TinyFhir, key_server: KeyServer, status: int, content: bytes, said: str
) -> None:
    ehr.clock.forward(3600)
    key_server.status, key_server.content, key_server.headers = status, content, {"Location": "http://127.0.0.1:9/"}
    request, code = approved(ehr, fhir, URL_KEYED)
    answer = prove(request, code, make_assertion(ehr, client_id=URL_KEYED))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert said in answer.json()["error_description"]


def test_no_private_key_is_taken_from_an_address(ehr: Ehr, fhir: TinyFhir, key_server: KeyServer) -> None:
    ehr.clock.forward(3600)
    private = {**publish("rs384")["keys"][0], **app_key("rs384").as_dict(private=True)}
    key_server.status, key_server.content, key_server.headers = 200, json.dumps({"keys": [private]}).encode(), {}
    request, code = approved(ehr, fhir, URL_KEYED)
    answer = prove(request, code, make_assertion(ehr, client_id=URL_KEYED))
    assert "private" in answer.json()["error_description"]


def test_the_inline_keys_hold_no_private_half() -> None:
    assert all("d" not in key for key in inline_jwks()["keys"])

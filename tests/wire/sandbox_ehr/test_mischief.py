"""Mischief on request: for a launch or for the server, with options, counted, and forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import connector_sandbox.ehr
import pytest
from connector_sandbox.ehr.mischief import render_table
from connector_sandbox.ehr.mischief_table import ATTACKER, PLACES, TABLE

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, CONFIDENTIAL, PUBLIC, Ehr, callback, make_request
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir
from tests.wire.sandbox_ehr.walk import Walk, go


def issuer(walk: Walk) -> str:
    """The id_token's issuer."""
    return str(walk.claims["iss"])


def smart(ehr: Ehr) -> dict[str, Any]:
    """The metadata document."""
    document: dict[str, Any] = ehr.http.get(f"{ehr.fhir_base}/.well-known/smart-configuration").json()
    return document


def test_the_readme_holds_the_table_word_for_word() -> None:
    readme = Path(connector_sandbox.ehr.__path__[0], "README.md").read_text(encoding="utf-8")
    _, _, rest = readme.partition("held to it by a test -->\n")
    assert rest.partition("<!-- end of table -->")[0] == render_table()


def test_the_table_is_sound() -> None:
    assert {row.where for row in TABLE.values()} == set(PLACES)
    for row in TABLE.values():
        assert row.what
        assert "times" in row.options
        numbers = [int(case.removeprefix("A")) for case in row.cases.split()]
        assert numbers
        assert all(1 <= number <= 30 for number in numbers)


def test_forty_forged_id_tokens_have_to_be_refused() -> None:
    forged = [row for row in TABLE.values() if row.where == "id_token" and not row.lawful and "A11" in row.cases]
    assert len(forged) >= 40


def test_a_launch_does_not_see_anothers_mischief(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    bad = ehr.launch(patient, practitioner=CLINICIAN, mischief=["token_type_mac"])["launch"]
    good = ehr.launch(patient, practitioner=CLINICIAN)["launch"]
    kinds = []
    for launch in (bad, good):
        request = make_request(ehr, launch)
        kinds.append(request.exchange(callback(request.send())["code"]).json()["token_type"])
    assert kinds == ["mac", "Bearer"]


def test_the_server_can_be_put_under_mischief(ehr: Ehr, fhir: TinyFhir) -> None:
    answer = ehr.make_mischief(["id_token_iss_wrong"])
    assert answer.status_code == 201
    assert answer.json()["server"] == {"id_token_iss_wrong": {"options": {"times": None, "iss": ATTACKER}, "hits": 0}}
    assert issuer(go(ehr, fhir, [])) == ATTACKER
    assert ehr.http.get(f"{ehr.base}/sandbox/mischief").json()["server"]["id_token_iss_wrong"]["hits"] == 1
    assert ehr.http.delete(f"{ehr.base}/sandbox/mischief").status_code == 204
    assert issuer(go(ehr, fhir, [])) == f"{ehr.base}/auth"


def test_what_a_launch_is_given_goes_first(ehr: Ehr, fhir: TinyFhir) -> None:
    ehr.make_mischief({"id_token_iss_wrong": {"iss": "https://server.example"}})
    walk = go(ehr, fhir, {"id_token_iss_wrong": {"iss": "https://launch.example"}})
    assert issuer(walk) == "https://launch.example"


def test_a_launch_can_be_given_mischief_later(ehr: Ehr, fhir: TinyFhir) -> None:
    walk, other = go(ehr, fhir, []), go(ehr, fhir, [])
    answer = ehr.make_mischief({"launch": walk.launch, "mischief": ["refresh_user_disabled"]})
    assert list(answer.json()["launches"][walk.launch]) == ["refresh_user_disabled"]
    assert walk.refresh().json()["error"] == "invalid_grant"
    assert other.refresh().status_code == 200
    ehr.http.delete(f"{ehr.base}/sandbox/mischief")
    assert walk.refresh().status_code == 200


def test_it_strikes_as_often_as_asked(ehr: Ehr, fhir: TinyFhir) -> None:
    ehr.make_mischief({"token_type_mac": {"times": 2}})
    kinds = [go(ehr, fhir, [], to="token").body["token_type"] for _ in range(3)]
    assert kinds == ["mac", "mac", "Bearer"]


def test_options_change_what_it_does(ehr: Ehr, fhir: TinyFhir) -> None:
    own = "http://127.0.0.1:9"
    other = fhir.add_patient()
    assert go(ehr, fhir, {"token_patient_other": {"patient": other}}, to="token").body["patient"] == other
    assert go(ehr, fhir, {"id_token_clock_off": {"seconds": -700}}).claims["iat"] < ehr.clock() - 600
    assert go(ehr, fhir, {"token_scope_narrower": {"without": "^openid$"}}).id_token == ""
    ehr.make_mischief(
        {
            "discovery_token_moved": {"to": own},
            "discovery_fields_missing": {"fields": ["issuer", "jwks_uri"]},
            "callback_iss_wrong": {"iss": own},
            "token_html": {"status": 200, "times": 1},
        }
    )
    document = smart(ehr)
    assert document["token_endpoint"] == f"{own}/auth/token"
    assert not {"issuer", "jwks_uri"} & set(document)
    walk = go(ehr, fhir, [], to="token")
    assert walk.carried["iss"] == own
    assert walk.answer is not None
    assert (walk.answer.status_code, walk.body) == (200, {})


def test_several_strike_together(ehr: Ehr, fhir: TinyFhir) -> None:
    walk = go(ehr, fhir, ["id_token_aud_wrong", "id_token_alg_none", "token_type_lower", "callback_iss_missing"])
    assert walk.claims["aud"] == "another-app"
    assert walk.header["alg"] == "none"
    assert walk.body["token_type"] == "bearer"
    assert "iss" not in walk.carried


def test_discovery_mischief_of_a_launch_ends_with_the_next_launch_of_the_app(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    ehr.launch(patient, mischief=["discovery_pkce_plain"])
    assert smart(ehr)["code_challenge_methods_supported"] == ["plain"]
    assert ehr.http.get(f"{ehr.fhir_base}/.well-known/smart-configuration").headers["cache-control"] == "no-store"
    ehr.launch(patient, client_id=PUBLIC)
    assert smart(ehr)["code_challenge_methods_supported"] == ["plain"]
    ehr.launch(patient, client_id=CONFIDENTIAL)
    assert smart(ehr)["code_challenge_methods_supported"] == ["S256"]
    ehr.launch(patient, mischief=["discovery_pkce_plain"])
    ehr.clock.forward(301)
    assert smart(ehr)["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.parametrize(
    "raw",
    [
        ["earthquake"],
        [5],
        5,
        {"token_slow": 5},
        {"token_slow": {"seconds": "long"}},
        {"token_slow": {"seconds": True}},
        {"token_slow": {"colour": "red"}},
        {"token_type_mac": {"times": 0}},
        {"token_type_mac": {"times": True}},
        {"token_patient_other": {"patient": 5}},
        {"discovery_fields_missing": {"fields": "issuer"}},
        {"launch": "unknown", "mischief": []},
        {"launch": "unknown", "mischief": [], "colour": "red"},
    ],
)
def test_what_cannot_be_understood_is_refused_and_changes_nothing(ehr: Ehr, fhir: TinyFhir, raw: Any) -> None:
    answer = ehr.make_mischief(raw)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    told = ehr.http.get(f"{ehr.base}/sandbox/mischief").json()
    assert (told["server"], told["launches"]) == ({}, {})
    if not isinstance(raw, dict) or "launch" not in raw:
        opened = ehr.http.post(f"{ehr.base}/launches", json={"patient": fhir.add_patient(), "mischief": raw})
        assert opened.status_code == 400


def test_everything_there_is_can_be_listed(ehr: Ehr) -> None:
    known = ehr.http.get(f"{ehr.base}/sandbox/mischief").json()["known"]
    assert [row["name"] for row in known] == list(TABLE)
    assert known[0] == {
        "name": "id_token_missing",
        "where": "id_token",
        "cases": ["A13"],
        "what": "the token answer has no id_token",
        "lawful": False,
        "options": {"times": None},
    }


def test_a_foreign_page_makes_no_mischief(ehr: Ehr) -> None:
    headers = {"Origin": "http://evil.example"}
    for method, path, body in (
        ("POST", "mischief", ["token_type_mac"]),
        ("DELETE", "mischief", None),
        ("PATCH", "settings", {"token_seconds": 1}),
        ("DELETE", "settings", None),
    ):
        answer = ehr.http.request(method, f"{ehr.base}/sandbox/{path}", json=body, headers=headers)
        assert answer.status_code == 403

"""Reading through the gateway: token, scope and patient, and no trace of the server behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire.sandbox_ehr.app_under_launch import Ehr, Visit, visit
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


def observation(patient: str, category: str = "vital-signs", **more: Any) -> dict[str, Any]:
    """An Observation of a patient in one category."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/x", "code": category}]}],
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


@pytest.fixture
def seen(ehr: Ehr, fhir: TinyFhir) -> Visit:
    """A visit of a new patient."""
    return visit(ehr, fhir.add_patient())


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic abc", "Bearer"])
@pytest.mark.parametrize("path", ["Patient/1", "Condition?patient=1", "", "Nonsense"])
def test_nothing_without_a_token(ehr: Ehr, authorization: str, path: str) -> None:
    answer = ehr.http.get(f"{ehr.fhir_base}/{path}", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_metadata_and_smart_configuration_are_open(ehr: Ehr, fhir: TinyFhir) -> None:
    statement = ehr.http.get(f"{ehr.fhir_base}/metadata")
    assert fhir.base not in statement.text
    (rest,) = statement.json()["rest"]
    assert [(r["type"], [i["code"] for i in r["interaction"]]) for r in rest["resource"]] == [("Patient", ["read"])]
    assert statement.json()["implementation"]["url"] == ehr.fhir_base
    answer = ehr.http.get(f"{ehr.fhir_base}/.well-known/smart-configuration", headers={"Accept": "text/html"})
    smart = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert smart["issuer"] == f"{ehr.base}/auth" != ehr.fhir_base
    assert smart["code_challenge_methods_supported"] == ["S256"]
    assert smart["authorization_response_iss_parameter_supported"] is True
    assert {"launch-ehr", "permission-v2", "context-ehr-encounter", "sso-openid-connect"} <= set(smart["capabilities"])
    assert {"launch-standalone", "client-confidential-asymmetric"} <= set(smart["capabilities"])
    openid = ehr.http.get(f"{smart['issuer']}/.well-known/openid-configuration").json()
    assert openid["jwks_uri"] == smart["jwks_uri"]
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]


def test_the_launch_patient_can_be_read_and_no_other(seen: Visit, fhir: TinyFhir) -> None:
    own = seen.call("GET", f"Patient/{seen.patient}")
    assert (own.status_code, own.json()["id"]) == (200, seen.patient)
    assert own.headers["etag"] == 'W/"1"'
    assert own.headers["cache-control"] == "no-store"
    answer = seen.call("GET", f"Patient/{fhir.add_patient()}")
    assert answer.status_code == 403
    assert answer.json()["issue"][0]["code"] == "forbidden"


def test_a_resource_of_another_patient_is_refused_on_read(seen: Visit, fhir: TinyFhir) -> None:
    own, other = fhir.add(observation(seen.patient)), fhir.add(observation(fhir.add_patient()))
    nobody = fhir.add({"resourceType": "Observation", "status": "final"})
    assert seen.call("GET", own).status_code == 200
    assert seen.call("GET", other).status_code == 403
    assert seen.call("GET", nobody).status_code == 403


def test_scope_is_enforced_per_interaction(ehr: Ehr, fhir: TinyFhir) -> None:
    narrow = visit(ehr, fhir.add_patient(), scope="launch patient/Observation.r patient/Patient.s")
    own = fhir.add(observation(narrow.patient))
    assert narrow.call("GET", own).status_code == 200
    search = narrow.call("GET", f"Observation?patient={narrow.patient}")
    assert search.status_code == 403
    assert 'error="insufficient_scope"' in search.headers["www-authenticate"]
    assert narrow.call("GET", f"Patient/{narrow.patient}").status_code == 403
    assert narrow.call("GET", "Patient").json()["total"] == 1
    assert narrow.call("GET", f"Condition?patient={narrow.patient}").status_code == 403


def test_v1_scopes_work_too(ehr: Ehr, fhir: TinyFhir) -> None:
    old = visit(ehr, fhir.add_patient(), scope="launch patient/Patient.read patient/Condition.*")
    assert old.token["scope"] == "launch patient/Patient.read patient/Condition.rs"
    assert old.call("GET", f"Patient/{old.patient}").status_code == 200
    assert old.call("GET", f"Condition?patient={old.patient}").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_search_is_confined_to_the_launch_patient(seen: Visit, fhir: TinyFhir, method: str) -> None:
    fhir.add(observation(seen.patient))
    fhir.add(observation(fhir.add_patient()))
    path = "Observation/_search" if method == "POST" else "Observation"
    for params in ({}, {"patient": seen.patient}, {"subject": f"Patient/{seen.patient}"}):
        sent: dict[str, Any] = {"data": params or {"_count": "50"}} if method == "POST" else {"params": params}
        bundle = seen.call(method, path, **sent).json()
        assert [e["resource"]["subject"]["reference"] for e in bundle["entry"]] == [f"Patient/{seen.patient}"]
        assert bundle["entry"][0]["fullUrl"].startswith(f"{seen.ehr.fhir_base}/Observation/")


@pytest.mark.parametrize(
    "query",
    [
        "patient={other}",
        "subject=Patient/{other}",
        "subject:Patient={other}",
        "patient={own},{other}",
        "patient={own}&patient={other}",
        "patient:missing=true",
        "subject:identifier=x",
        "patient=http://elsewhere.example/fhir/Patient/{own}",
    ],
)
def test_a_search_for_another_patient_is_refused(seen: Visit, fhir: TinyFhir, query: str) -> None:
    before = len(fhir.heard)
    answer = seen.call("GET", "Observation?" + query.format(own=seen.patient, other=fhir.add_patient()))
    assert answer.status_code == 403
    assert len(fhir.heard) == before


def test_our_own_absolute_reference_to_the_patient_is_understood(seen: Visit, fhir: TinyFhir) -> None:
    fhir.add(observation(seen.patient))
    answer = seen.call("GET", "Observation", params={"patient": f"{seen.ehr.fhir_base}/Patient/{seen.patient}"})
    assert answer.json()["total"] == 1


def test_a_patient_search_finds_only_the_launch_patient(seen: Visit, fhir: TinyFhir) -> None:
    other = fhir.add_patient()
    found = seen.call("GET", "Patient?name=Test").json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [seen.patient]
    assert seen.call("GET", f"Patient?_id={other}").status_code == 403


@pytest.mark.parametrize("parameter", ["_has:Condition:patient:code=1", "_filter=x", "_query=x", "_summary=text"])
def test_parameters_that_could_slip_past_are_refused(seen: Visit, parameter: str) -> None:
    assert seen.call("GET", f"Observation?patient={seen.patient}&{parameter}").status_code == 400


def test_a_server_that_finds_too_much_is_filtered(seen: Visit, fhir: TinyFhir) -> None:
    own, other = observation(seen.patient), observation(fhir.add_patient())
    fhir.add(own)
    fhir.add(other)
    entries = [{"resource": own}, {"resource": other, "search": {"mode": "include"}}]
    outcome = {"resource": {"resourceType": "OperationOutcome", "issue": []}, "search": {"mode": "outcome"}}
    secret = {"resource": {"resourceType": "Subscription", "id": "1"}}
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 2, "entry": [*entries, outcome, secret]}
    fhir.raw["Observation"] = json.dumps(bundle).encode()
    try:
        answer = seen.call("GET", "Observation").json()
    finally:
        del fhir.raw["Observation"]
    assert [entry["resource"].get("id") for entry in answer["entry"]] == [own["id"], None]
    assert "total" not in answer


def test_pages_are_followed_by_links_that_hide_the_server(seen: Visit, fhir: TinyFhir, ehr: Ehr) -> None:
    for number in range(7):
        fhir.add(observation(seen.patient, note=[{"text": str(number)}]))
    found, link = [], f"Observation?patient={seen.patient}&_count=3"
    while link:
        answer = seen.call("GET", link)
        assert fhir.base not in answer.text
        bundle = answer.json()
        found += [entry["resource"]["note"][0]["text"] for entry in bundle["entry"]]
        assert all(item["url"].startswith(ehr.fhir_base) for item in bundle["link"])
        last, link = link, next((item["url"] for item in bundle["link"] if item["relation"] == "next"), "")
    assert found == [str(number) for number in range(7)]
    stranger = visit(ehr, fhir.add_patient())
    assert stranger.call("GET", last).status_code == 410
    assert seen.call("GET", f"{last}&_count=100").status_code == 400
    assert seen.call("GET", f"{ehr.fhir_base}?_cursor=Observation").status_code == 400


def test_a_granular_scope_confines_search_and_read(ehr: Ehr, fhir: TinyFhir) -> None:
    narrow = visit(ehr, fhir.add_patient(), scope="launch patient/Observation.rs?category=vital-signs")
    vital = fhir.add(observation(narrow.patient))
    social = fhir.add(observation(narrow.patient, "social-history"))
    bundle = narrow.call("GET", f"Observation?patient={narrow.patient}").json()
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == [vital.split("/")[1]]
    assert (
        narrow.call("GET", f"Observation?patient={narrow.patient}&category=social-history").json().get("entry") is None
    )
    assert narrow.call("GET", vital).status_code == 200
    assert narrow.call("GET", social).status_code == 403


def test_shared_resources_need_a_scope_and_no_patient(seen: Visit, fhir: TinyFhir) -> None:
    organization = fhir.add({"resourceType": "Organization", "name": "Clinic"})
    practitioner = fhir.add({"resourceType": "Practitioner", "name": [{"family": "Other"}]})
    assert seen.call("GET", organization).json()["name"] == "Clinic"
    assert seen.call("GET", "Organization").status_code == 200
    assert seen.call("GET", practitioner).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Patient/{p}/$everything", 501),
        ("GET", "Binary/1", 403),
        ("GET", "Group", 403),
        ("GET", "AuditEvent?patient={p}", 403),
        ("GET", "patient/{p}", 404),
        ("GET", "Patient/a/b/c", 405),
        ("GET", "Patient/a%2F..%2Fb", 405),
        ("GET", "Patient/a b", 404),
        ("PATCH", "Patient/{p}", 405),
        ("PUT", "Observation?patient={p}", 405),
        ("DELETE", "Observation?patient={p}", 405),
        ("GET", "Observation/missing", 404),
    ],
)
def test_what_is_not_offered(seen: Visit, method: str, path: str, status: int) -> None:
    answer = seen.call(method, path.format(p=seen.patient))
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_errors_of_the_server_do_not_name_it(seen: Visit, fhir: TinyFhir) -> None:
    answer = seen.call("GET", "Observation/missing")
    assert fhir.base not in answer.text
    assert seen.ehr.fhir_base in answer.text


def test_xml_is_not_offered(seen: Visit) -> None:
    path = f"Patient/{seen.patient}"
    assert seen.call("GET", path, headers={"Accept": "application/fhir+xml"}).status_code == 406
    assert seen.call("GET", f"{path}?_format=xml").status_code == 406
    assert seen.call("GET", f"{path}?_format=json").status_code == 200


def test_numbers_arrive_as_they_are_stored(seen: Visit, fhir: TinyFhir) -> None:
    path = fhir.add(observation(seen.patient))
    text = (
        f'{{"resourceType":"Observation","subject":{{"reference":"Patient/{seen.patient}"}},"a":1.50,"b":1e2,"c":0.00}}'
    )
    fhir.raw[path] = text.encode()
    assert seen.call("GET", path).text == text


def test_the_token_is_never_sent_on(seen: Visit, fhir: TinyFhir) -> None:
    fhir.heard.clear()
    seen.call("GET", f"Patient/{seen.patient}", headers={"Cookie": "a=b", "If-None-Match": 'W/"9"'})
    ((_, _, headers),) = fhir.heard
    assert not {"authorization", "cookie"} & set(headers)
    assert headers["if-none-match"] == 'W/"9"'


def test_provenance_is_judged_by_its_targets(seen: Visit, fhir: TinyFhir) -> None:
    own, other = fhir.add(observation(seen.patient)), fhir.add(observation(fhir.add_patient()))
    mine = fhir.add({"resourceType": "Provenance", "target": [{"reference": own}]})
    mixed = fhir.add({"resourceType": "Provenance", "target": [{"reference": own}, {"reference": other}]})
    empty = fhir.add({"resourceType": "Provenance", "target": []})
    assert [seen.call("GET", path).status_code for path in (mine, mixed, empty)] == [200, 403, 403]
    assert [e["resource"]["id"] for e in seen.call("GET", f"Provenance?target={own}").json()["entry"]] == [
        mine.split("/")[1]
    ]
    assert seen.call("GET", "Provenance").status_code == 400

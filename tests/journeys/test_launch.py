"""The way from the EHR into the scribe: who is let in, and what everybody else is told."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from connector_sandbox.clinician import first_clinician
from connector_sandbox.stack import Stack

from tests.fixtures.peers import Chart, SandboxEhr
from tests.fixtures.visits import JSON, PAGE, Clinic, problem_of


@contextmanager
def listening() -> Iterator[tuple[str, list[object]]]:
    """A server that is no EHR: its address, and every connection anybody made to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        closing = threading.Event()

        def accept() -> None:
            while not closing.is_set():
                try:
                    connection, peer = server.accept()
                except TimeoutError:
                    continue
                came.append(peer)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/fhir", came
        finally:
            closing.set()
            thread.join()


def test_the_listener_would_notice_a_connection() -> None:
    with listening() as (address, came), pytest.raises(httpx.HTTPError):
        httpx.get(address, trust_env=False)
    assert len(came) == 1


@pytest.mark.parametrize("accept", [JSON, PAGE], ids=["machine", "person"])
def test_an_unknown_ehr_is_refused_with_a_reason_and_never_called(
    stack: Stack, clinic: Clinic, accept: dict[str, str]
) -> None:
    with listening() as (iss, came):
        launch = f"{stack.addresses.connector}/launch"
        answer = clinic.browser().get(launch, params={"iss": iss, "launch": "x"}, headers=accept)
    assert came == []
    assert iss not in answer.text
    if accept is JSON:
        assert "not registered" in problem_of(answer, status=400, slug="launch-refused")
    else:
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert "not registered" in answer.text and "<h1>" in answer.text
        assert re.search(r"<code>[0-9a-f]{8}</code>", answer.text), "the support code"
    assert "set-cookie" not in answer.headers


LOOK_ALIKES = (
    "{iss}@evil.invalid",
    "{iss}/../evil",
    "{iss}%2f",
    "{iss}?x=1",
    "{iss}#x",
    "{upper}",
    "{iss} ",
    "//{bare}",
)


@pytest.mark.parametrize("shape", LOOK_ALIKES)
def test_a_look_alike_of_a_registered_ehr_is_refused(stack: Stack, clinic: Clinic, ehr: SandboxEhr, shape: str) -> None:
    iss = f"{stack.addresses.ehr}/fhir"
    given = shape.format(iss=iss, upper=iss.replace("/fhir", "/FHIR"), bare=iss.removeprefix("http://"))
    answer = clinic.browser().get(
        f"{stack.addresses.connector}/launch", params={"iss": given, "launch": "x"}, headers=JSON
    )
    problem_of(answer, status=400, slug="launch-refused")
    assert ehr.requests() == []


@pytest.mark.parametrize(
    "query", ["", "launch=x", "iss=", "iss=a&iss=b&launch=x"], ids=["nothing", "no-iss", "empty", "twice"]
)
def test_a_launch_without_one_ehr_is_refused(stack: Stack, clinic: Clinic, query: str) -> None:
    answer = clinic.browser().get(f"{stack.addresses.connector}/launch?{query}", headers=JSON)
    problem_of(answer, status=400, slug="launch-refused")


# The way back


def callback_of(clinic: Clinic, patient: str, browser: httpx.Client) -> str:
    """A launch that was approved: the address the EHR sends this browser back to, not yet visited."""
    ehr = clinic.stack.addresses.ehr
    body = {"patient": patient, "practitioner": first_clinician(ehr)}
    launch = browser.post(f"{ehr}/launches", json=body).json()["launch_url"]
    authorize = browser.get(launch, follow_redirects=False).headers["location"]
    back = browser.get(authorize, follow_redirects=False).headers["location"]
    assert urlsplit(back).path == "/launch/callback/sandbox"
    return back


def test_a_way_back_without_state_is_refused(stack: Stack, clinic: Clinic, ehr: SandboxEhr) -> None:
    answer = clinic.browser().get(f"{stack.addresses.connector}/launch/callback?code=x", headers=JSON)
    problem_of(answer, status=400, slug="launch-refused")
    assert ehr.requests() == []


def test_a_way_back_that_was_used_already_is_refused_and_the_code_is_not_tried_again(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    browser = clinic.browser()
    back = callback_of(clinic, chart.admit(), browser)
    assert browser.get(back).status_code == 200
    before = exchanges(ehr)
    answer = browser.get(back, headers=JSON)
    assert "used already" in problem_of(answer, status=400, slug="launch-refused")
    assert exchanges(ehr) == before == 1


def exchanges(ehr: SandboxEhr) -> int:
    return sum(one["path"] == "/auth/token" for one in ehr.requests())


def test_a_way_back_taken_by_another_browser_is_refused_and_the_right_one_still_arrives(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    browser = clinic.browser()
    back = callback_of(clinic, chart.admit(), browser)
    stranger = clinic.browser().get(back, headers=JSON)
    assert "another browser" in problem_of(stranger, status=400, slug="launch-refused")
    assert exchanges(ehr) == 0
    assert browser.get(back).status_code == 200


def test_two_launches_that_cross_do_not_open_each_others_patient(clinic: Clinic, chart: Chart) -> None:
    """Login CSRF: a victim's browser is sent to the attacker's way back, which it has no cookie for."""
    attacker, victim = clinic.browser(), clinic.browser()
    prepared = callback_of(clinic, chart.admit(), attacker)
    own = callback_of(clinic, chart.admit(), victim)
    problem_of(victim.get(prepared, headers=JSON), status=400, slug="launch-refused")
    assert victim.get(own).status_code == 200


def test_a_state_with_another_code_is_refused_by_the_proof_of_the_launch(clinic: Clinic, chart: Chart) -> None:
    """Code injection: PKCE binds the code to the launch it was given for."""
    first, second = clinic.browser(), clinic.browser()
    one, other = callback_of(clinic, chart.admit(), first), callback_of(clinic, chart.admit(), second)
    stolen = parse_qs(urlsplit(other).query)["code"][0]
    mine = parse_qs(urlsplit(one).query)
    query = {name: values[0] for name, values in mine.items()} | {"code": stolen}
    answer = first.get(one.partition("?")[0], params=query, headers=JSON)
    problem_of(answer, status=400, slug="launch-refused")


def test_a_refusal_by_the_ehr_is_told_and_its_words_are_not_repeated(
    stack: Stack, clinic: Clinic, chart: Chart
) -> None:
    browser = clinic.browser()
    back = callback_of(clinic, chart.admit(), browser)
    state = parse_qs(urlsplit(back).query)["state"][0]
    query = {"state": state, "error": "access_denied", "error_description": "<script>unmistakable</script>"}
    query["iss"] = f"{stack.addresses.ehr}/auth"
    answer = browser.get(back.partition("?")[0], params=query, headers=PAGE)
    assert answer.status_code == 400
    assert "unmistakable" not in answer.text and "<script>" not in answer.text


def test_an_ehr_that_is_away_while_a_launch_comes_back_is_named_as_the_cause_and_the_next_launch_works(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    browser, patient = clinic.browser(), chart.admit()
    back = callback_of(clinic, patient, browser)
    ehr.strike("status", status=503, match={"path_regex": "^/auth/token"})
    problem_of(browser.get(back, headers=JSON), status=503, slug="ehr-unavailable")
    ehr.calm()
    clinic.open(patient, client=browser)


def test_no_address_after_the_launch_holds_a_secret(clinic: Clinic, chart: Chart) -> None:
    browser = clinic.browser()
    visit = clinic.open(chart.admit(), client=browser)
    query = urlsplit(visit.base)
    assert query.query == "" and re.fullmatch(r"/v/[0-9a-f]{32}", query.path)
    session = next(cookie for cookie in browser_cookies(browser) if cookie.startswith("__Host-visit-"))
    assert query.path.rsplit("/", 1)[1].startswith(session.removeprefix("__Host-visit-").split("=")[0])


def browser_cookies(browser: httpx.Client) -> list[str]:
    request = browser.build_request("GET", "http://127.0.0.1/")
    for hook in browser.event_hooks["request"]:
        hook(request)
    return [part.strip() for part in request.headers.get("cookie", "").split(";")]

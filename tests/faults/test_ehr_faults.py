"""The EHR away, slow, lying or refusing while a signed note is filed: nothing is lost, and there is one copy or none.

Retries are the worker's own: no test asks for one where it promises "by itself".
"""

from __future__ import annotations

import pytest

from tests.fixtures.peers import NONE_OF_ANY, ONE_OF_EACH, Chart, SandboxEhr, text_of
from tests.fixtures.visits import Clinic
from tests.fixtures.waiting import await_attention, await_true


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset"}], ids=["503", "reset"])
def test_a_note_signed_while_the_ehr_is_down_waits_visibly_and_is_filed_by_itself(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr, fault: dict
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike(match={"path_regex": "^/fhir"}, **fault)
    shown = visit.sign()
    flag = await_true(lambda: visit.status()["attention"], what="the flag")
    assert flag["slug"] in ("ehr-unavailable", "ehr-outcome-unknown") and flag["action"] == "wait"
    assert visit.status()["state"] == "SIGNED"
    assert flag["text"] in visit.client.get(visit.base).text
    assert visit.post("/copy").json()["text"] == shown["text"]
    assert chart.counts(patient) == NONE_OF_ANY
    ehr.calm()
    visit.await_state("FILED", seconds=60)
    assert visit.status()["attention"] is None
    assert chart.counts(patient) == ONE_OF_EACH
    assert text_of(chart.notes_of(patient)["DocumentReference"][0]) == shown["text"]


def test_a_note_whose_acknowledgement_was_lost_is_found_and_not_sent_again(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("commit_then_timeout", seconds=0.5, times=1)
    visit.sign()
    await_attention(visit, "ehr-outcome-unknown")
    visit.await_state("FILED", seconds=60)
    assert len(ehr.writes()) == 1
    assert chart.counts(patient) == ONE_OF_EACH
    assert visit.filing()["read_back"] == "identical"


def test_an_ehr_that_ignores_if_none_exist_still_gets_one_copy_after_a_lost_acknowledgement(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("commit_then_timeout", seconds=0.5, times=1)
    ehr.strike("deaf_if_none_exist")
    visit.sign()
    visit.await_state("FILED", seconds=60)
    assert chart.counts(patient) == ONE_OF_EACH


def test_a_deaf_ehr_that_fails_before_writing_gets_the_note_once(clinic: Clinic, chart: Chart, ehr: SandboxEhr) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("status", status=502, times=2)
    ehr.strike("deaf_if_none_exist")
    visit.sign()
    visit.await_state("FILED", seconds=60)
    assert len(ehr.writes()) == 3
    assert chart.counts(patient) == ONE_OF_EACH


def test_a_note_that_comes_back_altered_is_not_called_filed(clinic: Clinic, chart: Chart, ehr: SandboxEhr) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("altered_note", match={"path_regex": "DocumentReference"})
    visit.sign()
    flag = await_attention(visit, "read-back-differs")
    assert flag["action"] == "look-in-the-ehr"
    assert visit.status()["state"] == "SIGNED"
    assert visit.filing()["read_back"] is None
    assert chart.counts(patient) == ONE_OF_EACH
    # The alteration was on the way only: looking again finds the note as it was signed.
    ehr.calm()
    assert visit.post("/retry").status_code == 200
    visit.await_state("FILED")
    assert visit.filing()["read_back"] == "identical"
    assert chart.counts(patient) == ONE_OF_EACH
    assert len(ehr.writes()) == 1


def test_an_ehr_that_takes_the_note_but_cannot_show_it_yet_is_asked_again(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("status", status=500, times=2, match={"method": "GET", "path_regex": "DocumentReference"})
    visit.sign()
    visit.await_state("FILED", seconds=60)
    assert chart.counts(patient) == ONE_OF_EACH
    assert len(ehr.writes()) == 1


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_note_the_ehr_refuses_is_kept_and_sent_again_when_a_person_asks(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr, status: int
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("status", status=status)
    visit.sign()
    flag = await_attention(visit, "ehr-rejected")
    assert flag["action"] == "retry-filing"
    assert visit.status()["state"] == "SIGNED"
    assert len(ehr.writes()) == 1, "not repeated blindly"
    ehr.calm()
    assert visit.post("/retry").status_code == 200
    visit.await_state("FILED")
    assert chart.counts(patient) == ONE_OF_EACH


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_settled_by_looking_and_never_by_overwriting(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr, status: int
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("status", status=status, times=1)
    visit.sign()
    visit.await_state("FILED", seconds=60)
    searched = [one for one in ehr.requests() if one["method"] == "GET" and "identifier=" in one["query"]]
    assert searched
    assert chart.counts(patient) == ONE_OF_EACH


def test_an_ehr_that_asks_to_wait_is_given_the_time(clinic: Clinic, chart: Chart, ehr: SandboxEhr) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("status", status=429, headers={"Retry-After": "4"}, times=1)
    visit.sign()
    visit.await_state("FILED", seconds=60)
    first, second = (one["time"] for one in ehr.writes())
    assert second - first >= 4.0
    assert chart.counts(patient) == ONE_OF_EACH


def test_a_token_that_ran_out_is_renewed_once_and_the_note_is_filed(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("expired_token", times=1)
    visit.sign()
    visit.await_state("FILED", seconds=60)
    renewed = [one for one in ehr.requests() if one["detail"].get("grant_type") == "refresh_token"]
    assert len(renewed) == 1
    assert [one["status"] for one in ehr.writes()] == [401, 200]
    assert chart.counts(patient) == ONE_OF_EACH


def test_when_access_cannot_be_renewed_the_signed_note_waits_for_a_relaunch(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("expired_token", match={"path_regex": "^/fhir"})
    ehr.strike("status", status=400, body={"error": "invalid_grant"}, match={"path_regex": "^/auth/token"})
    visit.sign()
    address, asked = f"{visit.base}/status", {"Accept": "application/json"}
    await_true(
        lambda: visit.client.get(address, headers=asked).status_code == 404,
        what="the end of a session the EHR renews no more",
    )
    ended = visit.client.get(address, headers=asked).json()
    assert ended["type"].endswith("session-ended") and "it waits here" in ended["detail"]
    assert chart.counts(patient) == NONE_OF_ANY
    ehr.calm()
    (encounter,) = chart.find("Encounter", patient=patient, status="in-progress")
    again = clinic.open(patient, encounter=encounter["id"], states=("SIGNED", "FILED"))
    await_true(lambda: chart.counts(patient) == ONE_OF_EACH, what="the note, filed after the relaunch")
    again.await_state("FILED")
    assert again.filing()["read_back"] == "identical"

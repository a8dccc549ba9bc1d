"""The vendor away, forgetful or talking nonsense: no visit is lost, no job is left behind."""

from __future__ import annotations

import pytest

from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.visits import Clinic, note_texts, record
from tests.fixtures.waiting import await_attention

SUBMIT = {"method": "POST", "path": "^/v2/transcript$"}
UPLOAD = {"method": "POST", "path": "^/v2/upload$"}
DRAFT = {"method": "POST", "path": "/chat/completions$"}


def test_a_job_whose_acknowledgement_was_lost_is_found_and_not_submitted_again(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    vendor.strike("commit_then_timeout", seconds=0.3, **SUBMIT)
    record(visit)
    visit.await_state("DRAFTED")
    visit.await_deletion()
    assert len(vendor.jobs()) == 1
    assert vendor.holds_nothing()


@pytest.mark.parametrize("call", [UPLOAD, SUBMIT], ids=["upload", "submit"])
@pytest.mark.parametrize("kind", ["status", "reset"])
def test_a_vendor_that_is_away_for_a_while_is_tried_again_by_itself(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor, call: dict, kind: str
) -> None:
    visit = clinic.open(chart.admit())
    vendor.strike(kind, times=2, **({"status": 503} if kind == "status" else {}), **call)
    record(visit)
    visit.await_state("DRAFTED", seconds=60)
    visit.await_deletion()
    assert vendor.holds_nothing()


def test_a_recording_the_vendor_cannot_take_for_long_is_shown_as_waiting_and_kept(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    vendor.strike("status", status=503, times=None, **UPLOAD)
    record(visit)
    flag = await_attention(visit, "vendor-unavailable")
    assert flag["action"] == "wait"
    assert visit.status()["state"] == "CAPTURED"
    vendor.calm()
    visit.await_state("DRAFTED", seconds=60)
    assert visit.status()["attention"] is None


@pytest.mark.parametrize("kind", ["truncate", "refusal"])
def test_a_draft_that_cannot_be_used_is_never_shown_and_another_can_be_asked_for(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor, kind: str
) -> None:
    visit = clinic.open(chart.admit())
    visit.consent("declined")
    vendor.strike(kind, **DRAFT)
    visit.post("/text", form={"text": "Cough for three days.\nPlan: rest."})
    flag = await_attention(visit, "draft-unusable")
    assert flag["action"] == "redraft"
    assert visit.status()["state"] == "TRANSCRIBED"
    assert visit.client.get(f"{visit.base}/note").status_code == 404
    assert visit.post("/retry").status_code == 200
    visit.await_state("DRAFTED")
    assert any("ough" in text for text in note_texts(visit.note()))
    filing = visit.await_deletion()
    assert [copy["kind"] for copy in filing["vendor_copies"]] == ["completion", "completion"]


def test_a_draft_with_a_slip_of_form_is_mended_and_nothing_of_it_lost(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    visit.consent("declined")
    vendor.strike("invalid_json", **DRAFT)
    visit.post("/text", form={"text": "Cough for three days.\nPlan: rest."})
    visit.await_state("DRAFTED")
    assert any("ough" in text for text in note_texts(visit.note()))
    assert [copy["kind"] for copy in visit.await_deletion()["vendor_copies"]] == ["completion"]


def test_a_language_model_that_is_away_is_tried_again_by_itself(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    visit.consent("declined")
    vendor.strike("status", status=503, times=2, **DRAFT)
    visit.post("/text", form={"text": "Cough for three days."})
    visit.await_state("DRAFTED", seconds=60)


def test_a_deletion_the_vendor_refuses_is_owed_until_it_is_done(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    vendor.strike("status", status=500, times=None, method="DELETE", path="^/v2/transcript/")
    record(visit)
    visit.await_state("DRAFTED")
    assert not visit.filing()["vendor_deleted"]
    assert not vendor.holds_nothing()
    vendor.calm()
    visit.await_deletion()
    assert vendor.holds_nothing()


def test_a_deletion_that_was_only_acknowledged_is_checked_and_asked_again(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    vendor.strike("status", status=200, times=1, method="DELETE", path="^/v2/transcript/")
    record(visit)
    visit.await_state("DRAFTED")
    visit.await_deletion()
    assert vendor.holds_nothing()

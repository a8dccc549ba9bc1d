"""kill -9 in the middle of the work: whoever comes next goes on where it stopped, and nothing is done twice.

Real processes, ended by SIGKILL to their own id. The worker that is started afterwards is another one: it finds the
dead one's work by its lease.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable

import pytest
from connector_sandbox.clinician import OpenVisit
from connector_sandbox.processes import Child
from connector_sandbox.stack import Stack

from tests.builders import recording_bytes, split
from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxEhr, SandboxVendor, sha256_of
from tests.fixtures.visits import Clinic, Upload, record
from tests.fixtures.waiting import await_true

LONG = 30.0


def kill(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def finish(visit: OpenVisit, chart: Chart, patient: str) -> None:
    """Whatever was left is done: the note is filed once, as it was signed, and no vendor keeps anything."""
    if visit.await_state("DRAFTED", "SIGNED", "FILED", seconds=60) == "DRAFTED":
        visit.sign()
    visit.await_state("FILED", seconds=60)
    filing = visit.await_deletion()
    written = chart.notes_of(patient)
    assert {kind: len(found) for kind, found in written.items()} == ONE_OF_EACH
    assert sha256_of(written["DocumentReference"][0]) == filing["signed_sha256"]
    assert filing["read_back"] == "identical"
    assert visit.status()["attention"] is None


def asked(vendor: SandboxVendor, method: str, ending: str) -> Callable[[], bool]:
    return lambda: any(one["method"] == method and one["path"].endswith(ending) for one in vendor.requests())


def ended(vendor: SandboxVendor, at: str) -> bool:
    return next(one["seconds"] for one in vendor.requests() if one["at"] == at) is not None


def test_a_worker_killed_while_the_vendor_transcribes_leaves_one_job_and_one_note(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    vendor.pace(4.0)
    record(visit)
    await_true(lambda: [job for job in vendor.jobs() if job["status"] == "processing"], what="a job under way")
    kill(stack.children["worker"])
    assert visit.status()["state"] == "CAPTURED"
    stack.start_worker()
    finish(visit, chart, patient)
    assert len(vendor.jobs()) == len(vendor.uploads()) == 1
    assert vendor.holds_nothing()


def test_a_worker_killed_before_it_heard_that_its_job_was_accepted_does_not_submit_another(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    vendor.strike("commit_then_timeout", seconds=LONG, method="POST", path="^/v2/transcript$")
    record(visit)
    await_true(vendor.jobs, what="a job")
    kill(stack.children["worker"])
    stack.start_worker()
    finish(visit, chart, patient)
    assert len(vendor.jobs()) == 1
    assert vendor.holds_nothing()


def test_a_worker_killed_while_it_uploads_starts_the_upload_again(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    vendor.strike("slow", seconds=LONG, method="POST", path="^/v2/upload$")
    record(visit)
    await_true(asked(vendor, "POST", "/v2/upload"), what="an upload")
    kill(stack.children["worker"])
    stack.start_worker()
    finish(visit, chart, patient)
    assert len(vendor.jobs()) == 1
    assert vendor.holds_nothing()
    # The vendor may take the upload of the dead one later on, which is no other test's.
    uploads = (one for one in vendor.requests() if one["path"].endswith("/v2/upload"))
    slow = next(one["at"] for one in uploads)
    await_true(lambda: ended(vendor, slow), what="the end of the upload that was cut off")


def test_a_worker_killed_while_the_note_is_drafted_drafts_it_again(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    vendor.strike("slow", seconds=LONG, method="POST", path="/chat/completions$")
    record(visit)
    await_true(asked(vendor, "POST", "/chat/completions"), what="a draft being made")
    kill(stack.children["worker"])
    assert visit.status()["state"] == "TRANSCRIBED"
    stack.start_worker()
    finish(visit, chart, patient)
    assert visit.note()["revision"] == 1
    assert len(vendor.jobs()) == 1
    assert vendor.holds_nothing()


@pytest.mark.parametrize(
    "fault",
    [{"kind": "slow", "seconds": 3.0}, {"kind": "commit_then_timeout", "seconds": LONG}],
    ids=["slow", "written"],
)
def test_a_worker_killed_while_the_note_is_on_its_way_files_one_copy(
    stack: Stack, clinic: Clinic, chart: Chart, ehr: SandboxEhr, fault: dict
) -> None:
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike(times=1, **fault)
    visit.sign()
    if fault["kind"] == "slow":
        await_true(lambda: visit.status()["step"] == "filing", what="the write")
    else:
        await_true(lambda: chart.counts(patient) == ONE_OF_EACH, what="the note in the EHR")
    kill(stack.children["worker"])
    assert visit.status()["state"] == "SIGNED"
    stack.start_worker()
    finish(visit, chart, patient)
    # The dead worker's own request may arrive late, after the note was filed by the living one.
    await_true(lambda: [one for one in ehr.writes() if one["fault"] == fault["kind"]], what="the dead worker's write")
    assert chart.counts(patient) == ONE_OF_EACH


def test_a_worker_killed_twice_over_the_same_visit_still_files_one_copy(
    stack: Stack, clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    """The second death is in the recovery of the first."""
    patient = chart.admit()
    visit = clinic.typed(patient)
    ehr.strike("commit_then_timeout", seconds=LONG, times=1)
    visit.sign()
    await_true(lambda: chart.counts(patient) == ONE_OF_EACH, what="the note in the EHR")
    kill(stack.children["worker"])
    ehr.strike("slow", seconds=LONG, times=1, match={"method": "GET", "path_regex": "^/fhir/DocumentReference"})
    before = len(ehr.requests())
    stack.start_worker()
    await_true(lambda: struck(ehr), seconds=60, what="the search of the recovery")
    assert len(ehr.requests()) >= before
    kill(stack.children["worker"])
    stack.start_worker()
    finish(visit, chart, patient)


def struck(ehr: SandboxEhr) -> bool:
    return any(rule["kind"] == "slow" and rule["hits"] for rule in ehr.faults())


def test_two_workers_of_which_one_dies_share_the_work(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    second = stack.start_worker("worker-2")
    try:
        vendor.pace(3.0)
        patients = [chart.admit() for _ in range(2)]
        visits = [clinic.open(patient) for patient in patients]
        for visit in visits:
            record(visit)
        await_true(lambda: len(vendor.jobs()) == 2, what="two jobs")
        kill(stack.children["worker"])
        vendor.pace(0.05)
        for visit, patient in zip(visits, patients, strict=True):
            finish(visit, chart, patient)
        assert len(vendor.jobs()) == 2
        assert vendor.holds_nothing()
    finally:
        second.stop()


def test_a_web_process_killed_in_the_middle_of_an_upload_has_lost_nothing_it_acknowledged(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    visit.consent()
    sound = recording_bytes("billie")
    parts = split(sound, 6)
    upload = Upload.begin(visit)
    for seq in range(3):
        assert upload.put(seq, parts[seq]).status_code == 204
    kill(stack.children["web"])
    stack.start_web()
    assert upload.safe() == {seq: hashlib.sha256(parts[seq]).hexdigest() for seq in range(3)}
    for seq in range(3, 6):
        assert upload.put(seq, parts[seq]).status_code == 204
    assert upload.close(sound, 6).status_code == 200
    finish(visit, chart, patient)
    assert [one["sha256"] for one in vendor.uploads()] == [hashlib.sha256(sound).hexdigest()]


def test_a_web_process_killed_while_the_chart_is_read_reads_it_again(
    stack: Stack, clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    ehr.strike("slow", seconds=LONG, times=1, match={"path_regex": "^/fhir/Condition"})
    visit = clinic.open(chart.admit(), states=("LAUNCHED",))
    kill(stack.children["web"])
    stack.start_web()
    visit.await_state("PRIMED")
    assert "ypertension" in visit.client.get(visit.base).text

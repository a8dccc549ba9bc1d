"""An upgrade while the vendor works: what an earlier version began as a sleeping workflow ends in one note.

The state an earlier version left is made by running its workflow, which this version still knows, and by ending its
worker in the middle: no row of vendor_jobs, the names sent, an upload and a job in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from connector_sandbox.clinician import OpenVisit
from connector_sandbox.stack import Stack

from connector.store.database import start_embedded
from connector.visit.parts import PREPARE
from tests.faults.test_killed_processes import finish, kill
from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.visits import Clinic, record
from tests.fixtures.waiting import await_attention, await_true

OLD = "transcribe_and_draft"


@contextmanager
def database(stack: Stack) -> Iterator[psycopg.Connection]:
    with psycopg.connect(start_embedded(stack.folder).libpq, autocommit=True) as connection:
        yield connection


def begin_as_before(stack: Stack, visit: OpenVisit) -> str:
    """The recording is finished as the earlier version would have had it transcribed; returns the visit's id."""
    kill(stack.children["worker"])
    record(visit)
    with database(stack) as connection:
        renamed = connection.execute(
            "UPDATE dbos.workflow_status SET name = %s WHERE name = %s AND status = 'ENQUEUED' RETURNING workflow_uuid",
            (OLD, PREPARE),
        ).fetchall()
    assert len(renamed) == 1
    stack.start_worker()
    return str(renamed[0][0]).split(":")[0]


def steps_done(stack: Stack, visit_id: str) -> int:
    """How many steps of the old workflow are on record; it must still be under way."""
    with database(stack) as connection:
        found = connection.execute(
            "SELECT s.status, count(o.function_id) FROM dbos.workflow_status s"
            " LEFT JOIN dbos.operation_outputs o USING (workflow_uuid)"
            " WHERE s.name = %s AND s.workflow_uuid LIKE %s GROUP BY s.status",
            (OLD, f"{visit_id}:%"),
        ).fetchall()
    ((status, done),) = found
    assert status == "PENDING"
    return int(done)


def rows_of(stack: Stack, visit_id: str) -> int:
    with database(stack) as connection:
        counted = connection.execute("SELECT count(*) FROM vendor_jobs WHERE visit_id = %s", (visit_id,)).fetchone()
    assert counted is not None
    return int(counted[0])


def drafts(vendor: SandboxVendor) -> int:
    return sum(one["method"] == "POST" and one["path"].endswith("/chat/completions") for one in vendor.requests())


def is_one_note(visit: OpenVisit, vendor: SandboxVendor, chart: Chart, patient: str) -> None:
    """One upload, one job, one draft, one filed note, and nothing left at the vendor's."""
    finish(visit, chart, patient)
    assert (len(vendor.uploads()), len(vendor.jobs()), drafts(vendor)) == (1, 1, 1)
    assert visit.note()["revision"] == 1
    kinds = sorted(copy["kind"] for copy in visit.await_deletion()["vendor_copies"])
    assert kinds == ["completion", "transcript", "upload"]
    assert vendor.holds_nothing()


@pytest.mark.parametrize("ended", [False, True], ids=["the job goes on", "the job has ended meanwhile"])
def test_a_workflow_asleep_at_the_vendor_is_taken_up_after_an_upgrade(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor, ended: bool
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    vendor.pace(20.0)
    visit_id = begin_as_before(stack, visit)
    await_true(lambda: [job for job in vendor.jobs() if job["status"] == "processing"], what="a job under way")
    await_true(lambda: steps_done(stack, visit_id) >= 2, what="upload and submit on record")
    kill(stack.children["worker"])
    assert (visit.status()["state"], rows_of(stack, visit_id)) == ("CAPTURED", 0)
    assert sorted(copy["kind"] for copy in visit.filing()["vendor_copies"]) == ["transcript", "upload"]
    if ended:
        await_true(lambda: [job for job in vendor.jobs() if job["status"] == "completed"], what="the job's end")
    stack.start_worker()
    is_one_note(visit, vendor, chart, patient)


def test_a_workflow_that_waits_for_its_next_try_is_taken_up_and_can_be_woken(
    stack: Stack, clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    """The vendor was away when the upgrade came: the clinician presses "Try again now" once it is back."""
    patient = chart.admit()
    visit = clinic.open(patient)
    vendor.strike("status", status=503, times=None, method="POST", path="^/v2/transcript$")
    visit_id = begin_as_before(stack, visit)
    assert await_attention(visit, "vendor-unavailable")["action"] == "wait"
    kill(stack.children["worker"])
    stack.start_worker()
    vendor.calm()
    assert visit.post("/retry").status_code == 200
    assert rows_of(stack, visit_id) == 0
    is_one_note(visit, vendor, chart, patient)

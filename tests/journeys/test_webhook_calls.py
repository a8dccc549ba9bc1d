"""The vendor's own call brings a visit back: real processes, polling so slow that nothing else could have done it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from connector_sandbox.stack import Stack

from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.stack import OpenStack
from tests.fixtures.visits import Clinic, record
from tests.fixtures.waiting import await_true

TOLD = {"CONNECTOR_WEBHOOKS": "on", "CONNECTOR_TRANSCRIPTION_POLL_INTERVAL": "3000"}
"""The first look by itself comes after fifty minutes."""
SUBMIT = {"method": "POST", "path": "^/v2/transcript$"}


@pytest.fixture(scope="module")
def told(open_stack: OpenStack) -> Iterator[Stack]:
    """A stack whose vendor is asked to call."""
    with open_stack(environment=TOLD) as stack:
        yield stack


@pytest.fixture
def surgery(told: Stack) -> Iterator[Clinic]:
    clinic = Clinic(told)
    yield clinic
    clinic.close()


@pytest.fixture
def caller(told: Stack) -> SandboxVendor:
    vendor = SandboxVendor(told)
    vendor.calm()
    return vendor


def ended(vendor: SandboxVendor) -> dict[str, Any]:
    """The one new job, once the vendor is through with it."""
    return await_true(lambda: [job for job in vendor.jobs() if job["status"] == "completed"], what="a job's end")[0]


def looks(vendor: SandboxVendor, job_id: str) -> int:
    """How often the connector asked for the job; what this test asks for itself names no client of ours."""
    path = f"/v2/transcript/{job_id}"
    return sum(one["method"] == "GET" and one["path"] == path for one in vendor.requests())


def test_the_vendors_call_alone_brings_a_visit_to_its_draft(
    surgery: Clinic, chart: Chart, caller: SandboxVendor
) -> None:
    visit = surgery.open(chart.admit())
    record(visit)
    visit.await_state("DRAFTED")
    visit.await_deletion()
    assert caller.holds_nothing()
    (submit,) = [one for one in caller.requests() if one["method"] == "POST" and one["path"] == "/v2/transcript"]
    assert submit["json"]["webhook_url"].startswith(f"{surgery.stack.addresses.connector}/hooks/assemblyai/")


@pytest.mark.parametrize("kind", ["webhook_twice", "webhook_lie", "webhook_early"])
def test_a_call_that_comes_twice_or_lies_or_comes_early_makes_one_draft(
    surgery: Clinic, chart: Chart, caller: SandboxVendor, kind: str
) -> None:
    visit = surgery.open(chart.admit())
    caller.strike(kind, **SUBMIT)
    record(visit)
    visit.await_state("DRAFTED")
    visit.await_deletion()
    assert len(caller.jobs()) == 1 and caller.holds_nothing()


def test_c01_a_call_from_elsewhere_changes_nothing_and_the_right_one_still_counts(
    surgery: Clinic, chart: Chart, caller: SandboxVendor
) -> None:
    """The vendor never calls: without its secret nobody else can, and the visit waits for its next look."""
    visit = surgery.open(chart.admit())
    caller.strike("webhook_mute", **SUBMIT)
    record(visit)
    job = ended(caller)
    (submit,) = [one for one in caller.requests() if one["method"] == "POST" and one["path"] == "/v2/transcript"]
    address, header = submit["json"]["webhook_url"], submit["json"]["webhook_auth_header_name"]
    news = {"transcript_id": job["id"], "status": "completed"}
    before = looks(caller, job["id"])
    with httpx.Client(trust_env=False, timeout=60.0) as anybody:
        for headers in ({}, {header: "guessed"}, {header: submit["json"]["webhook_auth_header_value"] + "x"}):
            answer = anybody.post(address, json=news, headers=headers)
            assert (answer.status_code, answer.content) == (401, b"")
        other = f"{address.rsplit('/', 1)[0]}/{'0' * 32}"
        right = {header: submit["json"]["webhook_auth_header_value"]}
        assert anybody.post(other, json=news, headers=right).status_code == 401
        # Another visit comes and goes meanwhile: had a call counted, this one would have been looked at before it.
        visits_after = surgery.open(chart.admit())
        record(visits_after)
        visits_after.await_state("DRAFTED")
        assert (visit.status()["state"], visit.status()["attention"]) == ("CAPTURED", None)
        assert looks(caller, job["id"]) == before
        assert anybody.post(address, json=news, headers=right).status_code == 204
    visit.await_state("DRAFTED")
    assert visit.note()["revision"] == 1

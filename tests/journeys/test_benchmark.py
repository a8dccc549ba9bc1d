"""The benchmark measures visits that were filed, and none that were not."""

from __future__ import annotations

import pytest
from connector_sandbox.clinician import VisitStuck
from connector_sandbox.stack import Stack

from bench.journals import STAGES
from bench.visit import measure
from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxEhr


def test_a_measured_visit_is_filed_and_every_request_is_counted(stack: Stack, chart: Chart, ehr: SandboxEhr) -> None:
    patient = chart.admit()
    figures = measure(stack, repetitions=1, started=1.0, patient=patient).figures
    assert chart.counts(patient) == ONE_OF_EACH
    assert figures["seconds_total"] == pytest.approx(sum(figures[f"{stage}_seconds"] for stage in STAGES), abs=0.01)
    assert figures["requests_total"] == sum(figures[f"{stage}_requests"] for stage in STAGES)
    assert all(figures[f"{stage}_requests"] >= 1 for stage in STAGES)
    assert all(figures[f"{stage}_seconds"] >= 0 for stage in STAGES)
    assert figures["seconds_total"] > 0
    assert figures["filing_requests"] == 2, "one transaction, one read"
    assert len(ehr.writes()) == 1


def test_a_visit_that_is_not_filed_is_no_measurement(stack: Stack, chart: Chart, ehr: SandboxEhr) -> None:
    ehr.strike("status", status=422)
    with pytest.raises(VisitStuck):
        measure(stack, repetitions=1, started=1.0, patient=chart.admit())

"""One durable step: what it raises becomes a stored result and a flag, never a text in a log."""

from __future__ import annotations

import json
import logging

import structlog

from connector.app import Composition
from connector.store.belonging import Belonging
from connector.store.visits import Step
from connector.worker import workflows
from connector.worker.runner import _without_exceptions
from connector.worker.workflows import Result, _attempt
from tests.unit.web import samples


async def new_visit(product: Composition) -> str:
    visit = product.parts.new_id()
    await product.parts.visits.create(visit, Belonging("clinic"), at=product.parts.clock())
    return visit


async def test_a_step_that_cannot_be_mended_by_trying_again_asks_a_person(product: Composition) -> None:
    visit = await new_visit(product)
    # Something was said, and the chart it would be drafted with is not there.
    said = (samples.transcript(),)
    step = Step(visit, ("LAUNCHED",), "TRANSCRIBED", "visit.test", "system", product.parts.clock(), records=said)
    await product.parts.visits.commit(step)
    result = Result.read(json.loads(json.dumps(await _attempt(product.parts, "draft", visit, "1"))))
    assert (result.value, result.slug, result.retryable) == (None, "not-found", False)
    row = await product.parts.visits.row(visit)
    assert (row.attention, row.attention_action) == ("not-found", "redraft")


async def test_what_nobody_foresaw_is_tried_again_and_told_without_its_text(product: Composition) -> None:
    visit = await new_visit(product)
    async with product.engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE visits SET state = 'SIGNED' WHERE visit_id = '{visit}'")
    with structlog.testing.capture_logs() as lines:
        result = Result.read(await _attempt(product.parts, "file", visit, "Qzmarker"))
    assert (result.slug, result.retryable, result.detail) == ("internal", True, "")
    row = await product.parts.visits.row(visit)
    assert (row.attention, row.attention_action) == ("internal", "wait")
    crashed = [line for line in lines if line["event"] == "step.crashed"]
    assert crashed and crashed[0]["kind"] == "ValueError" and "workflows.py:" in crashed[0]["where"]
    assert "Qzmarker" not in repr(lines) + repr(row)


async def test_work_of_a_visit_that_was_given_up_is_not_done(product: Composition) -> None:
    visit = await new_visit(product)
    async with product.engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE visits SET state = 'DISCARDED' WHERE visit_id = '{visit}'")
    assert Result.read(await _attempt(product.parts, "send", visit, "")).value == "given-up"


def test_tries_go_on_for_longer_than_the_vendor_may_be_away() -> None:
    """Their promise is a week (reference figures of the vendor); ours must outlast it."""
    pauses = [*workflows._PAUSES, *[workflows._LONGEST_PAUSE] * (workflows._TRIES - len(workflows._PAUSES))]
    assert sum(pauses) > 8 * 24 * 3600
    assert pauses == sorted(pauses)


def test_waiting_for_a_budget_uses_up_no_try() -> None:
    """A cap reached on the first day of a month ends with it, weeks after all tries together would have."""
    away, capped = Result(None, "vendor-unavailable", retryable=True), Result(None, "cap-reached", retryable=True)
    assert workflows._count_try(3, away) == 4
    assert workflows._count_try(3, capped) == 3


def test_the_engines_own_lines_lose_their_texts() -> None:
    try:
        raise ValueError("Qzmarker")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
        record = logging.LogRecord("dbos", logging.ERROR, __file__, 1, "failed for %s", ("Qzmarker",), info)
    assert _without_exceptions(record)
    assert "Qzmarker" not in logging.Formatter().format(record)

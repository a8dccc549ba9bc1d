"""One durable step: what it raises becomes a stored result and a flag, never a text in a log."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from connector.app import Composition
from connector.errors import Conflict, VendorAccount, VendorRejected
from connector.store.belonging import Belonging
from connector.store.visits import Step
from connector.visit.failing import STOPPED, explain, explain_crash, hand_over
from connector.visit.note import ask_for_draft
from connector.worker import workflows
from connector.worker.runner import _without_exceptions
from connector.worker.workflows import Result, _attempt, repeat
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


UNREACHED = Result(None, "vendor-unavailable", "Away.", retryable=True)


async def run_repeat(*answers: Result) -> tuple[Result, int, list[float], int]:
    """What came of it, how often it was attempted, the rests, and how often it stopped; the last answer is repeated."""
    attempts, rests, stops = 0, list[float](), 0

    async def attempt() -> Result:
        nonlocal attempts
        attempts += 1
        return answers[min(attempts, len(answers)) - 1]

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    async def stop() -> None:
        nonlocal stops
        stops += 1

    return await repeat(attempt, rest, stop=stop), attempts, rests, stops


async def test_what_is_mended_by_trying_again_is_handed_to_nobody() -> None:
    assert await run_repeat(UNREACHED, UNREACHED, Result("1")) == (Result("1"), 3, [1.0, 2.0], 0)
    refused = Result(None, "draft-unusable", "No.")
    assert await run_repeat(UNREACHED, refused) == (refused, 2, [1.0], 0)


async def test_after_the_last_try_somebody_is_asked_once() -> None:
    result, attempts, rests, stops = await run_repeat(UNREACHED)
    assert (result, attempts, stops) == (UNREACHED, workflows._TRIES, 1)
    assert len(rests) == attempts and rests[-1] == workflows._LONGEST_PAUSE


async def flag(product: Composition, visit: str, slug: str, action: str) -> None:
    at = product.parts.clock()
    await product.parts.visits.call_attention(visit, slug=slug, text="Away.", action=action, at=at)


async def flag_of(product: Composition, visit: str) -> tuple[str | None, str | None, str | None]:
    row = await product.parts.visits.row(visit)
    return row.attention, row.attention_action, row.attention_text


@pytest.mark.parametrize("waiting", ["wait", "wait-for-operator"])
async def test_a_draft_that_was_tried_for_a_week_can_be_asked_for_again(product: Composition, waiting: str) -> None:
    visit = await new_visit(product)
    said = (samples.transcript(), samples.consent())
    step = Step(visit, ("LAUNCHED",), "TRANSCRIBED", "visit.test", "system", product.parts.clock(), records=said)
    await product.parts.visits.commit(step)
    await flag(product, visit, "vendor-unavailable", waiting)
    with pytest.raises(Conflict):
        await ask_for_draft(product.parts, visit)
    await hand_over(product.parts, visit, "redraft")
    assert await flag_of(product, visit) == ("vendor-unavailable", "redraft", STOPPED)
    await ask_for_draft(product.parts, visit)
    assert await flag_of(product, visit) == (None, None, None)


async def test_nothing_is_handed_over_that_nobody_can_start_again_or_that_waits_for_somebody(
    product: Composition,
) -> None:
    visit = await new_visit(product)
    await hand_over(product.parts, visit, "redraft")
    assert await flag_of(product, visit) == (None, None, None)
    await flag(product, visit, "vendor-unavailable", "wait")
    await hand_over(product.parts, visit, None)
    assert await flag_of(product, visit) == ("vendor-unavailable", "wait", "Away.")
    await flag(product, visit, "draft-unusable", "redraft")
    await hand_over(product.parts, visit, "retry-filing")
    assert await flag_of(product, visit) == ("draft-unusable", "redraft", "Away.")


async def test_what_is_deleted_afterwards_takes_no_flag_down_that_asks_somebody(product: Composition) -> None:
    """A draft that could not be used can be asked for again, whatever becomes of its copies."""
    visit = await new_visit(product)
    refusal = VendorRejected("Refused.")
    await explain(product.parts, visit, "delete-copies", error=refusal, todo={})
    assert (await flag_of(product, visit))[:2] == ("vendor-rejected", "ask-for-help")
    await flag(product, visit, "draft-unusable", "redraft")
    for error in (refusal, VendorAccount("No.", kind="key")):
        await explain(product.parts, visit, "delete-copies", error=error, todo={})
    await explain_crash(product.parts, visit, "delete-copies")
    assert await flag_of(product, visit) == ("draft-unusable", "redraft", "Away.")
    await explain_crash(product.parts, visit, "draft")
    assert (await flag_of(product, visit))[:2] == ("internal", "wait")


async def test_the_vendor_that_refuses_the_account_is_named(product: Composition) -> None:
    visit = await new_visit(product)
    for action, name in (("draft", "language model service"), ("plan", "transcription service")):
        error = VendorAccount("No.", kind="key")
        await explain(product.parts, visit, action, error=error, todo={})
        assert f"The {name} does not accept" in str((await flag_of(product, visit))[2])

"""What a visit used is counted once; at the month's cap nothing new is asked of a vendor, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.assets.prices import Prices
from connector.assets.registrations import Registrations
from connector.errors import CapReached, ConnectorError
from connector.records import Transcript
from connector.serving import sum_costs
from connector.settings import Settings
from connector.store.costs import Cost, Spent
from connector.store.reach import Reach, narrowed
from connector.visit.completions import keep_completion
from connector.visit.parts import Parts
from connector.visit.spending import month_of, record_draft_cost, record_speech_cost, require_budget
from connector.worker.workflows import _attempt
from tests.fixtures.listening_vendor import ListeningVendor, listening_parts, listening_vendor
from tests.unit.web import samples
from tests.wire.web.conftest import Seat
from tests.wire.web.test_vendor_gate import STEPS, attempt, hold, seat_of

NOVEMBER = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = {"as_of": "2026-10-07", "source": "a page"}
PRICES = Prices.from_dict(
    {
        "version": 1,
        "speech": {"good": {"hour": 0.36, **DAY}},
        "extras": {"medical-v1": {"hour": None, **DAY}},
        "models": {"claude-a": {"input": 3, "output": 15, **DAY}},
    }
)


@pytest.fixture
async def vendor() -> AsyncIterator[ListeningVendor]:
    async with listening_vendor() as one:
        yield one


@pytest.fixture
async def parts(product_settings: Settings, vendor: ListeningVendor) -> AsyncIterator[Parts]:
    async with listening_parts(product_settings, vendor) as made:
        yield replace(made, rules=replace(made.rules, prices=PRICES))


def _capped(parts: Parts, cap: float | None, *, own: float | None = None, now: datetime | None = None) -> Parts:
    """The same with a cap in the settings, one in the registration, and a clock that is held."""
    entries = tuple(replace(one, monthly_cap=own) for one in parts.registrations.entries)
    clock = parts.clock if now is None else lambda: now
    policy = replace(parts.policy, monthly_cap=cap)
    return replace(parts, policy=policy, registrations=Registrations(entries), clock=clock)


async def _spend(parts: Parts, seat: Seat, micros: int, *, at: datetime | None = None) -> None:
    use = Cost(parts.new_id(), seat.visit_id, "clinic", "sound", "good", 1, micros, "2026-10-07", at or parts.clock())
    await parts.costs.add([use])


def _heard(model: str | None = "good", *, reported_ms: int = 0, domain_used: str | None = None) -> Transcript:
    one = samples.transcript()
    return replace(one, reported_ms=reported_ms, domain_used=domain_used, stamp=replace(one.stamp, model=model))


async def test_a_job_costs_its_seconds_once_however_often_it_is_taken(parts: Parts) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    heard = _heard(reported_ms=100_001, domain_used="medical-v1")
    for _ in range(2):
        await record_speech_cost(parts, seat.visit_id, heard, job_id="job-1")
    found = await parts.costs.of_visit(seat.visit_id)
    assert {(one.kind, one.model, one.units, one.micros) for one in found} == {
        ("sound", "good", 101, 10_100),
        ("extra", "medical-v1", 101, None),
    }
    await record_speech_cost(parts, seat.visit_id, heard, job_id="job-2")
    assert len(await parts.costs.of_visit(seat.visit_id)) == 4


async def test_where_the_vendor_tells_no_length_the_transcripts_own_counts(parts: Parts) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    await record_speech_cost(parts, seat.visit_id, _heard(None), job_id="j")
    (one,) = await parts.costs.of_visit(seat.visit_id)
    assert (one.model, one.units, one.micros) == ("unnamed", 91, None)


async def test_a_draft_costs_its_tokens_each_way(parts: Parts) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    await record_draft_cost(parts, seat.visit_id, call="c1", model="claude-a", tokens=(1000, 100))
    found = await parts.costs.of_visit(seat.visit_id)
    assert {(one.kind, one.units, one.micros) for one in found} == {
        ("tokens-in", 1000, 3000),
        ("tokens-out", 100, 1500),
    }


@pytest.mark.parametrize("name", [name for name in STEPS if name != "get"])
async def test_at_the_cap_no_new_call_reaches_a_vendor(parts: Parts, vendor: ListeningVendor, name: str) -> None:
    state, step = STEPS[name]
    seat = await seat_of(parts, state)
    await hold(parts, seat, *{"submit": ("upload",)}.get(name, ()))
    await _spend(parts, seat, 1_000_000)
    outcome = await attempt(_capped(parts, 1.0), seat, step)
    assert isinstance(outcome, CapReached)
    assert vendor.sent() == []
    await attempt(_capped(parts, 1e6), seat, step)
    assert vendor.sent(), "raised, it goes on"


async def test_a_job_that_is_under_way_is_taken_all_the_same(parts: Parts, vendor: ListeningVendor) -> None:
    state, step = STEPS["get"]
    seat = await seat_of(parts, state)
    await hold(parts, seat, "upload", "transcript")
    await _spend(parts, seat, 9_000_000)
    outcome = await attempt(_capped(parts, 1.0), seat, step)
    assert not isinstance(outcome, CapReached)
    assert vendor.sent()


async def test_the_cap_counts_every_visit_of_the_clinic_and_none_of_another(parts: Parts) -> None:
    ours, other = await seat_of(parts, "TRANSCRIBED"), await seat_of(parts, "TRANSCRIBED")
    now = datetime(2031, 5, 7, tzinfo=UTC)
    capped = _capped(parts, 1.0, now=now)
    await _spend(parts, other, 600_000, at=now)
    foreign = Cost(parts.new_id(), other.visit_id, "elsewhere", "sound", "good", 1, 9_000_000, "2026-10-07", now)
    await parts.costs.add([foreign])
    with narrowed(Reach(visit_id=ours.visit_id)):
        await require_budget(capped, ours.visit_id)
        await _spend(parts, ours, 400_000, at=now)
        with pytest.raises(CapReached):
            await require_budget(capped, ours.visit_id)


async def test_the_next_month_goes_on_and_the_pause_leads_there(parts: Parts) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    late = datetime(2032, 12, 31, 23, 59, tzinfo=UTC)
    await _spend(parts, seat, 1_000_000, at=late)
    with narrowed(Reach(visit_id=seat.visit_id)):
        with pytest.raises(CapReached) as caught:
            await require_budget(_capped(parts, 1.0, now=late), seat.visit_id)
        assert caught.value.retry_after == 60.0
        await require_budget(_capped(parts, 1.0, now=late + timedelta(seconds=60)), seat.visit_id)


@pytest.mark.parametrize(
    ("setting", "own", "stops"), [(None, None, False), (1.0, None, True), (1.0, 5.0, False), (9.0, 0.5, True)]
)
async def test_the_registrations_own_cap_comes_before_the_setting(
    parts: Parts, setting: float | None, own: float | None, stops: bool
) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    at = datetime(2033, 1, 5, tzinfo=UTC) + timedelta(days=31 * int((setting or 0) + 10 * (own or 0)))
    await _spend(parts, seat, 2_000_000, at=at)
    with narrowed(Reach(visit_id=seat.visit_id)):
        try:
            await require_budget(_capped(parts, setting, own=own, now=at), seat.visit_id)
        except CapReached:
            assert stops
        else:
            assert not stops


async def test_the_flag_says_so_and_the_recording_is_kept(parts: Parts) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await _spend(parts, seat, 1_000_000)
    capped = _capped(parts, 1.0)
    with narrowed(Reach(visit_id=seat.visit_id)):
        result = await _attempt(capped, "send", seat.visit_id, "")
    row = await parts.visits.row(seat.visit_id)
    assert (result["slug"], result["retryable"]) == ("cap-reached", True)
    assert (row.state, row.attention, row.attention_action) == ("CAPTURED", "cap-reached", "wait")
    assert await parts.ledger.copies(seat.visit_id) == []


async def test_no_row_is_left_of_a_completion_the_cap_stopped(parts: Parts) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    await _spend(parts, seat, 1_000_000)

    async def call() -> None:
        raise AssertionError("nothing is asked")

    with narrowed(Reach(visit_id=seat.visit_id)), pytest.raises(CapReached):
        await keep_completion(_capped(parts, 1.0), seat.visit_id, call)  # type: ignore[arg-type]
    assert await parts.ledger.copies(seat.visit_id) == []


async def test_the_operator_sees_each_clinics_month(parts: Parts, product_settings: Settings) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    at = datetime(2035, 2, 28, 23, tzinfo=UTC)
    await _spend(parts, seat, 1_500_000, at=at)
    await _spend(parts, seat, 7, at=at + timedelta(hours=1))
    unknown = Cost(parts.new_id(), seat.visit_id, "clinic", "extra", "medical-v1", 1, None, None, at)
    await parts.costs.add([unknown])
    assert await sum_costs(product_settings, "2035-02") == [Spent("clinic", 1_500_000, 1, ("medical-v1",))]
    assert await sum_costs(product_settings, "2035-03") == [Spent("clinic", 7, 1)]
    assert await sum_costs(product_settings, "2034-02") == []
    with pytest.raises(ConnectorError, match="2026-11"):
        await sum_costs(product_settings, "February")


@pytest.mark.parametrize(
    ("moment", "since", "until"),
    [
        (NOVEMBER, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_a_calendars(moment: datetime, since: datetime, until: datetime) -> None:
    assert month_of(moment) == (since, until)

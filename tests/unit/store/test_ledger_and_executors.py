"""The ledger outlives a lost answer; a lease that is not renewed marks a dead worker."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.records import VendorCopy
from connector.store.executors import Executors
from connector.store.ledger import Ledger, WriteIntent
from tests.unit.store.conftest import NOON, NewVisit


@pytest.fixture
def ledger(engine: AsyncEngine) -> Ledger:
    return Ledger(engine)


async def test_a_copy_written_down_twice_is_one_copy(ledger: Ledger, new_visit: NewVisit) -> None:
    visit = await new_visit()
    for number in ("1", "2"):
        await ledger.add_copy(visit, VendorCopy(number + visit[1:], "transcript", "job-1", "held", NOON))
    (copy,) = await ledger.copies(visit)
    await ledger.update_copy(replace(copy, state="asked", asked_at=NOON))
    assert [(one.state, one.asked_at) for one in await ledger.copies(visit)] == [("asked", NOON)]
    later = NOON + timedelta(minutes=1)
    assert visit in await ledger.visits_with_copies(before=later)
    assert visit not in await ledger.visits_with_copies(before=NOON)
    await ledger.update_copy(replace(copy, state="verified", verified_at=NOON))
    assert visit not in await ledger.visits_with_copies(before=later)


async def test_an_intent_to_write_is_planned_once_and_remembers_what_became_of_it(
    ledger: Ledger, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    intent = WriteIntent(visit, 1, "urn:uuid:1", "a" * 64, "planned", 0)
    assert await ledger.plan_write(intent, at=NOON) == intent
    await ledger.mark_write(intent, "sent", at=NOON, sent=True)
    again = await ledger.plan_write(intent, at=NOON)
    assert (again.state, again.attempts) == ("sent", 1)
    assert (await ledger.plan_write(replace(intent, note_version=2), at=NOON)).state == "planned"


async def test_a_worker_is_alive_while_its_lease_lasts(engine: AsyncEngine) -> None:
    executors = Executors(engine)
    await executors.beat("one", at=NOON, term=3)
    await executors.beat("two", at=NOON, term=3)
    await executors.beat("two", at=NOON + timedelta(seconds=2), term=3)
    assert await executors.alive(at=NOON + timedelta(seconds=1)) == {"one", "two"}
    assert await executors.alive(at=NOON + timedelta(seconds=4)) == {"two"}
    await executors.leave("two")
    assert await executors.alive(at=NOON + timedelta(seconds=4)) == set()

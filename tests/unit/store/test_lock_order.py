"""A visit is locked before its tenant's audit chain, everywhere: work on one visit at once never ends in a deadlock."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.records import Consent, ConsentAnswer, Stamp
from connector.store.audit import AuditEvent
from connector.store.visits import Step, VisitStore
from tests.unit.store.conftest import NOON, NewVisit

ROUNDS = 40
_numbers = itertools.count(1)


def consent() -> Consent:
    stamp = Stamp(maker="test@1", at=NOON)
    return Consent(f"c{next(_numbers)}", ConsentAnswer.GIVEN, "verbal", "Practitioner/1", "en@1", stamp)


async def flag(visits: VisitStore, visit: str, slug: str) -> None:
    await visits.call_attention(visit, slug=slug, text="Look.", action="wait", at=NOON)


async def rejoin(visits: VisitStore, visit: str, slug: str, *, meanwhile: asyncio.Event | None = None) -> None:
    """What a relaunch does: a record, and the flag taken down."""

    async def also(connection: AsyncConnection) -> None:
        if meanwhile is not None:
            meanwhile.set()
            await asyncio.sleep(0.2)
        await visits.append_record(connection, visit, consent(), at=NOON)
        await visits.take_attention(connection, visit, slug)

    await visits.reopen(
        visit, AuditEvent("clinic", "visit.reopened", visit, "Practitioner/1", NOON), expect=["LAUNCHED"], also=also
    )


async def rewrite(visits: VisitStore, visit: str) -> None:
    await visits.commit(Step(visit, ("LAUNCHED",), "LAUNCHED", "visit.test", "system", NOON, records=(consent(),)))


async def leave(visits: VisitStore, visit: str) -> None:
    async with visits.engine.begin() as connection:
        await visits.hold_state(connection, visit)
        await visits.note_event(AuditEvent("clinic", "visit.left", visit, "Practitioner/1", NOON), connection)


@pytest.mark.parametrize("other", [partial(flag, slug="b"), rewrite, leave], ids=["flag", "step", "leave"])
async def test_a_relaunch_and_what_meets_it_wait_for_each_other_in_one_order(
    visits: VisitStore, new_visit: NewVisit, other: object
) -> None:
    """The other begins while the relaunch holds the chain, which is where the two could have crossed."""
    assert callable(other)
    visit = await new_visit()
    await flag(visits, visit, "a")
    inside = asyncio.Event()
    relaunch = asyncio.create_task(rejoin(visits, visit, "a", meanwhile=inside))
    await inside.wait()
    await asyncio.gather(relaunch, other(visits, visit))


async def test_flags_relaunches_steps_and_leaving_run_at_once_many_times(
    visits: VisitStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    for number in range(ROUNDS):
        await asyncio.gather(
            flag(visits, visit, f"flag-{number}"),
            rejoin(visits, visit, f"flag-{number}"),
            rewrite(visits, visit),
            leave(visits, visit),
        )

"""The newest of every kind in one look is what each look by itself would find, and nothing that was shredded."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from connector.records import Consent, ConsentAnswer, Recording, Transcript
from connector.store.keyring import DataKind
from connector.store.visits import VisitStore
from tests.unit.store.conftest import NewVisit
from tests.unit.store.test_visits import consent, spoken, step


async def test_the_newest_of_every_kind_comes_in_one_look(visits: VisitStore, new_visit: NewVisit) -> None:
    visit, other = await new_visit(), await new_visit()
    assert (await visits.newest(visit)).records == {}
    await visits.commit(step(visit, "LAUNCHED", "PRIMED", consent("c1"), spoken("I cough at night")))
    await visits.commit(step(visit, "PRIMED", "PRIMED", consent("c2", ConsentAnswer.WITHDRAWN)))
    await visits.commit(step(other, "LAUNCHED", "PRIMED", consent("c9")))
    newest = await visits.newest(visit)
    assert newest.get(Consent) == await visits.latest(visit, Consent) == consent("c2", ConsentAnswer.WITHDRAWN)
    assert newest.get(Transcript) == await visits.latest(visit, Transcript)
    assert newest.get(Recording) is None
    assert "cough" not in repr(newest)


async def test_what_was_shredded_is_not_among_them(
    visits: VisitStore, new_visit: NewVisit, engine: AsyncEngine
) -> None:
    visit = await new_visit()
    await visits.commit(step(visit, "LAUNCHED", "PRIMED", consent("c1"), spoken("I cough at night")))
    async with engine.begin() as connection:
        await visits.keys.destroy(connection, visit, DataKind.WORDS)
    newest = await visits.newest(visit)
    assert newest.get(Transcript) is None
    assert newest.get(Consent) == consent("c1")

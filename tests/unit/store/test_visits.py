"""Visits and their records: one step is one transaction, one step has one winner, and a record opens in its own row."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.errors import Conflict, Misconfigured, NotFound
from connector.records import Consent, ConsentAnswer, Recording, Stamp, Transcript, Turn
from connector.store import schema
from connector.store.keyring import DataKind, MasterKey
from connector.store.visits import Numbered, Step, VisitStore
from tests.unit.store.conftest import NOON, NewVisit

STAMP = Stamp(maker="test@1", at=NOON)


def consent(number: str = "c1", answer: ConsentAnswer = ConsentAnswer.GIVEN) -> Consent:
    return Consent(number, answer, "verbal", "Practitioner/1", "en@1", STAMP)


def spoken(words: str, number: str = "t1") -> Transcript:
    turn = Turn("t1", "A", "patient", "vendor", words, 0, 900, 0.9)
    return Transcript(number, "recogniser", "en", 1000, (turn,), (), STAMP)


def step(visit_id: str, source: str, target: str, *records: object) -> Step:
    return Step(visit_id, (source,), target, "visit.test", "Practitioner/1", NOON, records=records)


async def test_what_was_kept_comes_back_as_it_was(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    row = await visits.commit(step(visit, "LAUNCHED", "PRIMED", consent(), spoken("I cough at night")))
    assert row.state == "PRIMED"
    assert await visits.latest(visit, Consent) == consent()
    assert await visits.need(visit, Transcript) == spoken("I cough at night")
    assert await visits.latest(visit, Recording) is None
    with pytest.raises(NotFound):
        await visits.need(visit, Recording)


async def test_records_are_appended_and_the_newest_counts(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    await visits.commit(step(visit, "LAUNCHED", "PRIMED", consent("c1")))
    await visits.commit(step(visit, "PRIMED", "PRIMED", consent("c2", ConsentAnswer.WITHDRAWN)))
    assert (await visits.need(visit, Consent)).answer is ConsentAnswer.WITHDRAWN
    assert [one.consent_id for one in await visits.history(visit, Consent)] == ["c2", "c1"]


async def test_a_step_from_another_state_changes_nothing_at_all(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    with pytest.raises(Conflict, match="reload"):
        await visits.commit(step(visit, "PRIMED", "CAPTURING", consent()))
    assert (await visits.row(visit)).state == "LAUNCHED"
    assert await visits.latest(visit, Consent) is None


async def test_of_many_at_once_one_wins_and_only_its_record_is_there(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    tries = [visits.commit(step(visit, "LAUNCHED", "PRIMED", consent(f"c{n}"))) for n in range(12)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    lost = [result for result in results if isinstance(result, Conflict)]
    assert len(lost) == 11
    assert len(await visits.history(visit, Consent)) == 1
    assert await count_audit(visits.engine, visit) == 2


async def test_of_two_saves_of_one_revision_one_is_kept_and_the_other_is_told(
    visits: VisitStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    mine, theirs = (Numbered(spoken(words), 2) for words in ("mine", "theirs"))
    tries = [visits.commit(step(visit, "LAUNCHED", "LAUNCHED", one)) for one in (mine, theirs)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert len(await visits.history(visit, Transcript)) == 1


async def test_when_the_work_of_a_step_cannot_start_the_step_did_not_happen(
    visits: VisitStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()

    async def fail(connection: AsyncConnection) -> None:
        raise RuntimeError("no queue")

    with pytest.raises(RuntimeError, match="no queue"):
        await visits.commit(replace(step(visit, "LAUNCHED", "PRIMED", consent()), also=fail))
    assert (await visits.row(visit)).state == "LAUNCHED"
    assert await visits.latest(visit, Consent) is None
    assert await count_audit(visits.engine, visit) == 1


async def count_audit(engine: AsyncEngine, visit: str) -> int:
    query = select(schema.audit_events.c.seq).where(schema.audit_events.c.visit_id == visit)
    async with engine.connect() as connection:
        return len((await connection.execute(query)).all())


# Sealing


async def test_a_record_moved_to_another_row_does_not_open(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    await visits.commit(step(visit, "LAUNCHED", "LAUNCHED", spoken("first", "t1"), spoken("second", "t2")))
    table = schema.visit_records
    async with visits.engine.begin() as connection:
        rows = (await connection.execute(select(table.c.number, table.c.sealed).where(table.c.visit_id == visit))).all()
        sealed = {row.number: row.sealed for row in rows}
        for number in (1, 2):
            place = (table.c.visit_id == visit, table.c.number == number)
            await connection.execute(update(table).where(*place).values(sealed=sealed[3 - number]))
    with pytest.raises(Misconfigured, match="does not open"):
        await visits.latest(visit, Transcript)


async def test_a_record_moved_to_another_visit_does_not_open_even_with_its_key(
    visits: VisitStore, new_visit: NewVisit
) -> None:
    mine, theirs = await new_visit(), await new_visit()
    for visit in (mine, theirs):
        await visits.commit(step(visit, "LAUNCHED", "LAUNCHED", spoken(f"words of {visit}")))
    async with visits.engine.begin() as connection:
        for table in ("visit_records", "data_keys"):
            column = "sealed" if table == "visit_records" else "wrapped"
            statement = f"UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE visit_id = :theirs"
            statement += " LIMIT 1) WHERE visit_id = :mine"
            await connection.execute(text(statement), {"mine": mine, "theirs": theirs})
    with pytest.raises(Misconfigured):
        await visits.latest(mine, Transcript)


async def test_nothing_opens_under_another_master_key(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    await visits.commit(step(visit, "LAUNCHED", "LAUNCHED", spoken("words")))
    with pytest.raises(Misconfigured):
        await VisitStore(visits.engine, MasterKey(b"x" * 32)).latest(visit, Transcript)


async def test_a_destroyed_key_takes_its_kind_of_that_visit_and_nothing_else(
    visits: VisitStore, new_visit: NewVisit
) -> None:
    visit, other = await new_visit(), await new_visit()
    for one in (visit, other):
        await visits.commit(step(one, "LAUNCHED", "LAUNCHED", spoken("words"), consent()))
    async with visits.engine.begin() as connection:
        await visits.keys.destroy(connection, visit, DataKind.WORDS)
    assert await visits.latest(visit, Transcript) is None
    assert await visits.latest(visit, Consent) == consent()
    assert await visits.latest(other, Transcript) == spoken("words")


async def test_no_word_of_a_record_is_in_its_row(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    await visits.commit(step(visit, "LAUNCHED", "LAUNCHED", spoken("unmistakable")))
    async with visits.engine.connect() as connection:
        row = (await connection.execute(select(schema.visit_records))).mappings().all()
    assert "unmistakable" not in str(row)


# The flag beside the state


async def test_the_age_of_a_flag_counts_from_its_first_call_and_it_is_audited_once(
    visits: VisitStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    later = NOON.replace(hour=15)
    for at in (NOON, later):
        await visits.call_attention(visit, slug="ehr-unavailable", text="Away.", action="wait", at=at)
    row = await visits.row(visit)
    assert (row.attention, row.attention_at) == ("ehr-unavailable", NOON)
    assert await count_audit(visits.engine, visit) == 2
    await visits.call_attention(visit, slug="ehr-rejected", text="Refused.", action="retry-filing", at=later)
    assert (await visits.row(visit)).attention_at == later


async def test_going_through_takes_down_a_flag_that_only_said_wait(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    await visits.call_attention(visit, slug="ehr-unavailable", text="Away.", action="wait", at=NOON)
    await visits.clear_waiting(visit)
    assert (await visits.row(visit)).attention is None
    await visits.call_attention(visit, slug="ehr-rejected", text="Refused.", action="retry-filing", at=NOON)
    await visits.clear_waiting(visit)
    assert (await visits.row(visit)).attention == "ehr-rejected"


async def test_a_new_state_begins_without_flag_and_step(visits: VisitStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    await visits.show_step(visit, "reading", at=NOON)
    await visits.call_attention(visit, slug="ehr-unavailable", text="Away.", action="wait", at=NOON)
    row = await visits.commit(step(visit, "LAUNCHED", "PRIMED"))
    assert (row.attention, row.attention_text, row.step, row.step_at) == (None, None, None, None)


async def test_an_unknown_visit_is_not_found(visits: VisitStore) -> None:
    with pytest.raises(NotFound):
        await visits.row("no-such-visit")

"""My visits: the newest first, a page at a time, in as few questions to the database for many as for one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connector.store import schema
from connector.store.keyring import DataKind
from connector.visit.returning import PAGE_OF_WORK
from tests.wire.web.conftest import JSON, PAGE, Seat, Site, statements


async def seats(site: Site, number: int, clinician: str) -> list[Seat]:
    """So many visits of one clinician, begun one after the other, the oldest first."""
    made = [await site.seat(clinician=clinician) for _ in range(number)]
    visits, last = schema.visits, site.parts.clock()
    async with site.parts.visits.engine.begin() as connection:
        for ago, seat in enumerate(reversed(made)):
            begun = last - timedelta(minutes=ago)
            await connection.execute(visits.update().where(visits.c.visit_id == seat.visit_id).values(created_at=begun))
    return made


async def listed(site: Site, seat: Seat, query: str = "") -> dict[str, Any]:
    answer = await site.client.get(f"{seat.path}/visits{query}", headers={**JSON, **seat.cookie})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_newest_stand_first_and_older_ones_a_page_further(site: Site) -> None:
    made = await seats(site, PAGE_OF_WORK + 3, "Practitioner/busy")
    mine, ids = made[0], [one.visit_id for one in reversed(made)]
    first = await listed(site, mine)
    assert [one["visit_id"] for one in first["visits"]] == ids[:PAGE_OF_WORK]
    assert first["older"] == f"{mine.path}/visits?page=2"
    second = await listed(site, mine, "?page=2")
    assert [one["visit_id"] for one in second["visits"]] == ids[PAGE_OF_WORK:]
    assert second["older"] is None
    assert [one["here"] for one in second["visits"]] == [False, False, True]
    assert {one["patient_name"] for one in second["visits"]} == {"Billie Waters"}


async def test_the_page_leads_to_older_ones_and_back(site: Site) -> None:
    mine = (await seats(site, PAGE_OF_WORK + 1, "Practitioner/leafing"))[0]
    pages = [
        (await site.client.get(f"{mine.path}/visits{query}", headers={**PAGE, **mine.cookie})).text
        for query in ("", "?page=2", "?page=3")
    ]
    assert f'href="{mine.path}/visits?page=2">Show older' in pages[0] and "Show newer" not in pages[0]
    assert f'href="{mine.path}/visits">Show newer' in pages[1] and "Show older" not in pages[1]
    assert "There are no older ones." in pages[2] and "Everything is signed" not in pages[2]


async def test_times_are_drawn_as_on_every_other_page(site: Site) -> None:
    mine = await site.seat(clinician="Practitioner/timely")
    page = (await site.client.get(f"{mine.path}/visits", headers={**PAGE, **mine.cookie})).text
    assert page.count("<time ") == page.count("data-moment>") == 1
    assert 'src="/static/js/visits.js"' in page


async def test_many_visits_cost_no_more_questions_than_one(site: Site) -> None:
    one, many = await seats(site, 1, "Practitioner/calm"), await seats(site, 20, "Practitioner/full")
    counts = []
    for seat in (one[0], many[0]):
        await listed(site, seat)
        with statements(site) as sent:
            await listed(site, seat)
        counts.append(len(sent))
    assert counts[0] == counts[1], counts


async def test_a_visit_whose_chart_was_shredded_is_listed_without_a_name(site: Site) -> None:
    older, newer = await seats(site, 2, "Practitioner/shredding")
    async with site.parts.visits.engine.begin() as connection:
        await site.parts.visits.keys.destroy(connection, older.visit_id, DataKind.CHART)
    found = (await listed(site, newer))["visits"]
    assert [(one["visit_id"], bool(one["patient_name"])) for one in found] == [
        (newer.visit_id, True),
        (older.visit_id, False),
    ]


async def test_a_page_that_cannot_be_is_refused(site: Site) -> None:
    mine = await site.seat(clinician="Practitioner/odd")
    for query in ("?page=0", "?page=-1", "?page=x", "?page=99999999999999999999"):
        answer = await site.client.get(f"{mine.path}/visits{query}", headers={**JSON, **mine.cookie})
        assert answer.status_code == 422, query

"""Corrections of a transcript over HTTP: who may, on which version, what is kept, what the chain of events tells."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from connector.records import Doubt, DoubtfulSpan, Doubts, Transcript
from connector.store import schema
from connector.visit.doubting import find_question, raise_question
from tests.fixtures.visits import problem_of
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site

SECRET = "Metoprolol-of-Ada"
SHOWN = "transcript-1"


def spoken() -> Transcript:
    return replace(samples.transcript(), spans=(DoubtfulSpan("t2", 1, 2, "drug", 0.55),))


async def drafted(site: Site, *records: object, state: str = "DRAFTED", said: Transcript | None = None) -> Seat:
    """A visit with a transcript and, where it is drafted, a note of it."""
    note = samples.shown()
    more = (note.draft, note.findings) if state != "TRANSCRIBED" else ()
    return await site.seat(samples.consent(), said or spoken(), *more, *records, state=state)


async def edit(site: Site, seat: Seat, **body: object) -> httpx.Response:
    told = {"shown": SHOWN, **body}
    return await site.client.post(f"{seat.path}/transcript/edits", json=told, headers={**seat.changing, **JSON})


async def undo(site: Site, seat: Seat, shown: str) -> httpx.Response:
    return await site.client.post(
        f"{seat.path}/transcript/undo", json={"shown": shown}, headers={**seat.changing, **JSON}
    )


async def versions(site: Site, seat: Seat) -> list[Transcript]:
    return list(reversed(await site.parts.visits.history(seat.visit_id, Transcript)))


async def events(site: Site, seat: Seat) -> list[tuple[str, dict[str, object]]]:
    table = schema.audit_events
    query = select(table).where(table.c.visit_id == seat.visit_id).order_by(table.c.seq)
    async with site.parts.visits.engine.connect() as connection:
        return [(row.event, row.detail) for row in (await connection.execute(query)).all()]


async def test_a_correction_is_a_version_of_its_own_and_can_be_taken_back(site: Site) -> None:
    seat = await drafted(site)
    answer = await edit(site, seat, action="rename", speaker="B", role="Clinician", name=SECRET)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["version"], told["speakers"][1]["role"], told["speakers"][1]["role_from"]) == (
        2,
        "Clinician",
        "clinician",
    )
    again = await edit(site, seat, shown=told["transcript_id"], action="correct", turn="t2", text="Take metoprolol 20.")
    assert again.json()["doubtful"] == []
    back = await undo(site, seat, again.json()["transcript_id"])
    assert back.json()["transcript_id"] == told["transcript_id"]
    assert back.json()["turns"] == told["turns"]
    assert back.json()["doubtful"] == [{"turn": "t2", "first": 1, "last": 2, "kind": "drug"}]
    first = await undo(site, seat, told["transcript_id"])
    assert first.json()["transcript_id"] == SHOWN
    kept = await versions(site, seat)
    assert [one.version for one in kept] == [1, 2, 3, 4, 5]
    assert kept[0] == spoken()
    assert (kept[4].turns, kept[4].spans) == (kept[0].turns, kept[0].spans)
    problem_of(await undo(site, seat, SHOWN), status=422, slug="input-refused")


async def test_the_chain_of_events_tells_what_kind_of_correction_and_no_word_of_it(site: Site) -> None:
    seat = await drafted(site)
    made = await edit(site, seat, action="rename", speaker="B", role="Partner", name=SECRET)
    await edit(site, seat, shown=made.json()["transcript_id"], action="correct", turn="t1", text=SECRET)
    await undo(site, seat, (await versions(site, seat))[-1].transcript_id)
    told = [detail for event, detail in await events(site, seat) if event == "visit.transcript-corrected"]
    assert told == [
        {"action": "rename", "version": 2},
        {"action": "correct", "version": 3},
        {"action": "undo", "version": 4},
    ]
    assert SECRET not in json.dumps(await events(site, seat), default=str)


async def test_a_turn_is_given_to_somebody_of_the_list_or_to_somebody_named_and_never_to_both(site: Site) -> None:
    seat = await drafted(site)
    both = await edit(site, seat, action="move", turns=["t1"], speaker="B", role="Interpreter")
    assert "somebody else" in problem_of(both, status=422, slug="input-refused")
    assert len(await versions(site, seat)) == 1
    one = await edit(site, seat, action="move", turns=["t1"], speaker="B", role=" ")
    assert one.status_code == 200, one.text
    other = await edit(
        site, seat, shown=one.json()["transcript_id"], action="move", turns=["t1"], speaker="", role="Interpreter"
    )
    assert [speaker["role"] for speaker in other.json()["speakers"]].count("Interpreter") == 1


async def test_whoever_was_slower_is_told_and_nothing_of_the_faster_window_is_lost(site: Site) -> None:
    seat = await drafted(site)
    first, second = await asyncio.gather(
        edit(site, seat, action="rename", speaker="B", role="Clinician"),
        edit(site, seat, action="rename", speaker="B", role="Partner"),
    )
    assert sorted([first.status_code, second.status_code]) == [200, 409]
    late = await edit(site, seat, action="swap", speaker="A", other="B")
    problem = problem_of(late, status=409, slug="conflict")
    assert "another window" in problem
    assert len(await versions(site, seat)) == 2


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("SIGNED", "signed"),
        ("FILED", "signed"),
        ("AMENDED", "signed"),
        ("PRIMED", "no transcript"),
        ("DISCARDED", "no transcript"),
    ],
)
async def test_nothing_is_corrected_once_the_note_is_signed_or_the_visit_over(
    site: Site, state: str, says: str
) -> None:
    seat = await drafted(site, state=state)
    problem = problem_of(
        await edit(site, seat, action="rename", speaker="B", role="Clinician"), status=409, slug="conflict"
    )
    assert says in problem
    assert len(await versions(site, seat)) == 1


async def test_what_was_typed_has_no_speakers(site: Site) -> None:
    seat = await drafted(site, said=samples.transcript("typed"))
    problem_of(await edit(site, seat, action="rename", speaker="B", role="X"), status=422, slug="input-refused")


async def test_an_open_question_stays_open_through_corrections(site: Site) -> None:
    doubts = Doubts(SHOWN, (Doubt("name", "Somebody is addressed as Mr Miller.", ("t1",)),), samples.stamp())
    seat = await drafted(site, doubts, state="TRANSCRIBED")
    assert await raise_question(site.parts, seat.visit_id)
    assert (await edit(site, seat, action="swap", speaker="A", other="B")).status_code == 200
    question = await find_question(site.parts, seat.visit_id)
    assert question is not None and question.is_open
    page = (await site.client.get(seat.path, headers={**seat.cookie, **PAGE})).text
    assert 'id="question"' in page and "Correct the transcript" in page
    answered = await site.client.post(
        f"{seat.path}/doubts", data={"answer": "this-visit"}, headers={**seat.changing, **JSON}
    )
    assert answered.status_code == 200, answered.text
    problem_of(
        await site.client.post(f"{seat.path}/doubts", data={"answer": "this-visit"}, headers={**seat.changing, **JSON}),
        status=409,
        slug="conflict",
    )


async def test_a_plain_form_gives_chosen_turns_to_somebody_new_and_comes_back_to_the_page(site: Site) -> None:
    seat = await drafted(site)
    body = f"action=move&shown={SHOWN}&csrf={seat.csrf}&turns=t1&turns=t2&speaker=&role=Interpreter"
    headers = {
        **seat.cookie,
        **PAGE,
        "Origin": seat.changing["Origin"],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await site.client.post(f"{seat.path}/transcript/edits", content=body, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{seat.path}#transcript-title")
    newest = (await versions(site, seat))[-1]
    assert {turn.role for turn in newest.turns} == {"Interpreter"}
    page = (await site.client.get(seat.path, headers={**seat.cookie, **PAGE})).text
    assert "Undo: turns of somebody else" in page


async def test_the_forms_of_a_turn_stand_on_a_page_of_their_own(site: Site) -> None:
    seat = await drafted(site)
    page = await site.client.get(f"{seat.path}/transcript/turns/t2", headers={**seat.cookie, **PAGE})
    assert page.status_code == 200
    assert "Take lisinopril twenty.</textarea>" in page.text
    assert '<option value="1">Take | lisinopril twenty.</option>' in page.text
    missing = await site.client.get(f"{seat.path}/transcript/turns/t99", headers={**seat.cookie, **JSON})
    problem_of(missing, status=404, slug="not-found")
    signed = await drafted(site, state="DISCARDED")
    closed = await site.client.get(f"{signed.path}/transcript/turns/t2", headers={**signed.cookie, **PAGE})
    assert "cannot be corrected any more" in closed.text and "<textarea" not in closed.text


async def test_a_correction_without_the_pages_token_or_from_elsewhere_is_refused(site: Site) -> None:
    seat = await drafted(site)
    other = await drafted(site)
    for headers in (
        {**seat.changing, **JSON, "X-CSRF-Token": other.csrf},
        {**seat.changing, **JSON, "Origin": "https://evil.test"},
        {**seat.changing, **JSON, "Sec-Fetch-Site": "cross-site"},
    ):
        for path, body in (
            ("edits", {"shown": SHOWN, "action": "swap", "speaker": "A", "other": "B"}),
            ("undo", {"shown": SHOWN}),
        ):
            answer = await site.client.post(f"{seat.path}/transcript/{path}", json=body, headers=headers)
            assert answer.status_code == 403
    stranger = await site.client.get(f"{seat.path}/transcript", headers={**other.cookie, **JSON})
    assert stranger.status_code == 404
    assert len(await versions(site, seat)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"action": "rename", "speaker": "B", "role": 5},
        {"action": "cut", "turn": "t2", "word": "one"},
        {"action": "cut", "turn": "t2", "word": True},
        {"action": "move", "turns": [1], "speaker": "A"},
        {"action": "rename", "speaker": "B", "role": "Patient", "by": "Practitioner/9"},
        {"action": 3},
        {"action": "shout"},
        {},
    ],
)
async def test_a_correction_that_cannot_be_read_is_refused_and_its_values_are_not_repeated(
    site: Site, body: dict[str, object]
) -> None:
    seat = await drafted(site)
    problem = problem_of(await edit(site, seat, **body), status=422, slug="input-refused")
    assert "Practitioner/9" not in problem
    assert len(await versions(site, seat)) == 1

"""A transcript in another language: one answer has the recording transcribed again in the one that was spoken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from connector_sandbox.recordings import load_recording
from sqlalchemy import select

from connector.records import (
    ConsentAnswer,
    Doubts,
    DoubtsAnswer,
    Recording,
    RedactedTranscript,
    SpeechHints,
    Transcript,
)
from connector.store import schema
from connector.store.reach import Reach, narrowed
from connector.store.recordings import REDACTED, Opening
from connector.visit.asking import ask_for
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import PREPARE
from connector.visit.reconciling import plan_transcription, reconcile
from tests.fixtures.visits import problem_of
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site, open_site
from tests.wire.web.test_taking_transcripts import visit_of
from tests.wire.web.vendor_world import World, captured, open_world

ENGLISH = visit_of(load_recording("billie"))
SPANISH = {**ENGLISH, "language_code": "es"}
"""The vendor took it for Spanish; the words themselves are English."""
OFFER, WORDS = "Another language was spoken", 'id="transcript-title"'


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site) as one:
        yield one


@pytest.fixture
async def page(world: World) -> AsyncIterator[Site]:
    """The application at the world's time, whose work is only noted."""
    async with open_site(world.parts) as opened:
        yield opened


async def transcribe(world: World, seat: Seat, heard: dict[str, Any]) -> None:
    """From the plan to what was heard."""
    with narrowed(Reach(visit_id=seat.visit_id)):
        await plan_transcription(world.parts, seat.visit_id)
    for _ in range(2):
        await reconcile(world.parts, world.now)
        world.vendor.finish(heard)
        world.now += timedelta(seconds=30)
    await reconcile(world.parts, world.now)


async def heard_as(world: World, page: Site, heard: dict[str, Any]) -> Seat:
    seat = await captured(world, page, lasts_ms=round(ENGLISH["audio_duration"] * 1000))
    world.seats.append(seat)
    await transcribe(world, seat, heard)
    return seat


async def answer(page: Site, seat: Seat, **form: str) -> httpx.Response:
    told = {"answer": "transcribe-again", **form}
    return await page.client.post(f"{seat.path}/doubts", data=told, headers={**seat.changing, **JSON})


async def shown(page: Site, seat: Seat) -> str:
    return (await page.client.get(seat.path, headers={**seat.cookie, **PAGE})).text


async def where(world: World, seat: Seat) -> tuple[str, str | None]:
    row = await world.parts.visits.row(seat.visit_id)
    return row.state, row.attention


def started(world: World, seat: Seat) -> list[str]:
    return [work.workflow for work in world.started if work.visit_id == seat.visit_id]


async def test_it_is_transcribed_again_in_the_language_that_was_spoken_and_drafted_once(
    world: World, page: Site
) -> None:
    seat = await heard_as(world, page, SPANISH)
    assert await where(world, seat) == ("TRANSCRIBED", "doubtful")
    assert await world.delete(seat), "the first job is gone before the question is answered"
    asked = await shown(page, seat)
    assert OFFER in asked and WORDS in asked and '<option value="en" selected>English</option>' in asked
    sent = (await world.parts.visits.need(seat.visit_id, SpeechHints)).sent
    answered = await answer(page, seat, language="en")
    assert (answered.status_code, answered.json()["state"], answered.json()["attention"]) == (200, "CAPTURED", None)
    assert WORDS not in await shown(page, seat), "the words of the first transcript are shown no more"
    given = await world.parts.visits.need(seat.visit_id, DoubtsAnswer)
    assert (given.answer, given.language, given.kinds) == ("transcribe-again", "en", ("language",))
    assert started(world, seat) == ["clean_up", PREPARE, "clean_up"], "nothing was drafted yet"
    await transcribe(world, seat, ENGLISH)
    first, second = world.vendor.jobs.values()
    assert (first.deleted, second.body["language_code"]) == (True, "en")
    assert second.body["audio_url"] != first.body["audio_url"] and "language_detection" not in second.body
    assert await where(world, seat) == ("TRANSCRIBED", None)
    assert started(world, seat)[3:] == ["draft_from_text"]
    taken = await world.parts.visits.need(seat.visit_id, Transcript)
    assert (taken.sent_language, taken.version) == ("en", 1)
    assert (await world.parts.visits.need(seat.visit_id, SpeechHints)).sent == sent
    assert WORDS in await shown(page, seat)
    assert await world.delete(seat)
    assert all(job.deleted for job in world.vendor.jobs.values())
    kinds = sorted(copy.kind for copy in await world.parts.ledger.copies(seat.visit_id))
    assert kinds == ["transcript", "transcript", "upload", "upload"], "the first job's rows are kept"


async def test_the_redacted_copy_of_the_first_transcript_goes_with_its_words(world: World, page: Site) -> None:
    """It may hold what was misheard, and is handed out by `connector export --redacted`."""
    seat = await heard_as(world, page, SPANISH)
    first = await world.parts.visits.need(seat.visit_id, Transcript)
    sound = world.parts.new_id()
    opening = Opening(REDACTED)
    await world.parts.chunks.open_recording(sound, seat.visit_id, token="r" * 40, at=world.now, opening=opening)
    await world.parts.chunks.put(await world.parts.chunks.find(sound), 0, bytes(1000), at=world.now)
    copy = RedactedTranscript(
        first.transcript_id, ("person_name",), "entity_name", first.turns, (), samples.stamp(), sound
    )
    async with world.parts.visits.engine.begin() as connection:
        await world.parts.visits.append_record(connection, seat.visit_id, copy, at=world.now)
    assert (await answer(page, seat, language="en")).status_code == 200
    assert await world.parts.visits.latest(seat.visit_id, RedactedTranscript) is None
    assert (await world.parts.chunks.find(sound)).state == "destroyed"
    assert "remove_sound" in started(world, seat)
    await transcribe(world, seat, ENGLISH)
    assert await where(world, seat) == ("TRANSCRIBED", None), "the visit's own sound is still there"
    async with world.parts.visits.engine.begin() as connection:
        await world.parts.visits.append_record(connection, seat.visit_id, copy, at=world.now)
    assert await world.parts.visits.latest(seat.visit_id, RedactedTranscript) == copy, "another can be made"


async def test_what_was_held_is_deleted_though_it_was_not_yet_when_the_answer_came(world: World, page: Site) -> None:
    seat = await heard_as(world, page, SPANISH)
    assert (await answer(page, seat, language="en")).status_code == 200
    assert await world.delete(seat)
    assert [job.deleted for job in world.vendor.jobs.values()] == [True]
    await transcribe(world, seat, ENGLISH)
    assert await where(world, seat) == ("TRANSCRIBED", None)


async def test_a_second_transcript_is_doubted_like_the_first(world: World, page: Site) -> None:
    """Spanish was not it either: the question is asked again, of the new transcript."""
    seat = await heard_as(world, page, SPANISH)
    assert (await answer(page, seat, language="es")).status_code == 200
    await transcribe(world, seat, SPANISH)
    assert await where(world, seat) == ("TRANSCRIBED", "doubtful")
    assert list(world.vendor.jobs.values())[-1].body["language_code"] == "es"
    assert OFFER in await shown(page, seat)
    assert len(await world.parts.visits.history(seat.visit_id, Doubts)) == 2
    assert (await answer(page, seat, answer="go-on")).status_code == 200
    assert started(world, seat)[-1] == "draft_again"
    assert (await world.parts.visits.need(seat.visit_id, DoubtsAnswer)).answer == "go-on"


async def test_a_row_left_by_a_step_that_was_cut_off_is_not_gone_on_with(world: World, page: Site) -> None:
    """The step had kept the transcript and not yet ended its row when its worker died."""
    seat = await heard_as(world, page, SPANISH)
    (old,) = await world.parts.jobs.of_visit(seat.visit_id)
    table = schema.vendor_jobs
    async with world.parts.visits.engine.begin() as connection:
        later = world.now + timedelta(hours=1)
        left = table.update().where(table.c.job_key == old.job_key)
        await connection.execute(left.values(state="submitted", look_at=later))
    assert (await answer(page, seat, language="en")).status_code == 200
    await transcribe(world, seat, ENGLISH)
    assert await where(world, seat) == ("TRANSCRIBED", None)
    assert len(world.vendor.jobs) == 2


async def test_a_language_nobody_offers_and_a_second_answer_are_refused(world: World, page: Site) -> None:
    seat = await heard_as(world, page, SPANISH)
    for language in ("", "xx", "English", "en_us"):
        problem_of(await answer(page, seat, language=language), status=422, slug="input-refused")
    assert await where(world, seat) == ("TRANSCRIBED", "doubtful")
    assert (await answer(page, seat, language="en")).status_code == 200
    problem_of(await answer(page, seat, language="en"), status=409, slug="conflict")
    assert started(world, seat).count(PREPARE) == 1


async def test_only_models_that_know_a_language_are_offered_with_it(world: World) -> None:
    policy = replace(world.parts.policy, speech_models=("universal-3-pro",))
    async with open_site(replace(world.parts, policy=policy)) as page:
        seat = await heard_as(world, page, SPANISH)
        assert '<option value="it">' in await shown(page, seat)
        assert '<option value="ko">' not in await shown(page, seat)
        problem_of(await answer(page, seat, language="ko"), status=422, slug="input-refused")


async def test_it_is_offered_only_where_the_language_is_doubted(world: World, page: Site) -> None:
    stranger = visit_of(load_recording("chasidy"))
    seat = await heard_as(world, page, stranger)
    assert await where(world, seat) == ("TRANSCRIBED", "doubtful")
    assert OFFER not in await shown(page, seat)
    problem_of(await answer(page, seat, language="en"), status=422, slug="input-refused")


async def test_it_is_not_offered_once_the_sound_is_gone(world: World, page: Site) -> None:
    seat = await heard_as(world, page, SPANISH)
    async with world.parts.visits.engine.begin() as connection:
        await world.parts.visits.hold_state(connection, seat.visit_id)
        await destroy_sound(world.parts, connection, seat.visit_id, reason="transcribed")
    assert OFFER not in await shown(page, seat)
    problem_of(await answer(page, seat, language="en"), status=409, slug="conflict")
    assert (await answer(page, seat, answer="go-on")).status_code == 200


async def test_without_a_consent_that_stands_nothing_is_sent_again(world: World, page: Site) -> None:
    seat = await heard_as(world, page, SPANISH)
    withdrawn = replace(samples.consent(ConsentAnswer.DECLINED), stamp=replace(samples.stamp(), at=world.now))
    async with world.parts.visits.engine.begin() as connection:
        await world.parts.visits.append_record(connection, seat.visit_id, withdrawn, at=world.now)
    refused = await answer(page, seat, language="en")
    assert refused.status_code == 403
    assert (await where(world, seat))[0] == "TRANSCRIBED"


async def test_what_was_said_of_one_recording_means_nothing_to_the_next(world: World, page: Site) -> None:
    seat = await heard_as(world, page, SPANISH)
    assert (await answer(page, seat, language="it")).status_code == 200
    assert (await ask_for(world.parts, seat.visit_id)).options.language == "it"
    made = await world.parts.visits.need(seat.visit_id, Recording)
    later = replace(made, recording_id=world.parts.new_id(), stamp=replace(made.stamp, at=world.now + timedelta(1)))
    async with world.parts.visits.engine.begin() as connection:
        await world.parts.visits.append_record(connection, seat.visit_id, later, at=world.now)
    assert (await ask_for(world.parts, seat.visit_id)).options.language != "it"


async def test_the_chain_of_events_tells_the_code_and_no_word(world: World, page: Site) -> None:
    seat = await heard_as(world, page, SPANISH)
    assert (await answer(page, seat, language="en")).status_code == 200
    table = schema.audit_events
    async with world.parts.visits.engine.connect() as connection:
        query = select(table.c.event, table.c.detail).where(table.c.visit_id == seat.visit_id)
        told = [(row.event, row.detail) for row in await connection.execute(query)]
    assert ("visit.transcription-repeated", {"way": "transcribe-again", "language": "en"}) in told

"""The question before a draft and the decision on a refused recording: who may, how often, and what is kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from connector.records import (
    Doubt,
    Doubts,
    DoubtsAnswer,
    Recording,
    Refusal,
    SoundGone,
    Transcript,
)
from connector.store import schema
from connector.visit.doubting import raise_question
from connector.visit.transcription import take_heard
from tests.fixtures.visits import problem_of
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, SOUND, Seat, Site


async def with_sound(site: Site, *records: object, state: str) -> Seat:
    """A visit with a recording that can be played, and these records."""
    parts = site.parts
    made = Recording(parts.new_id(), "ogg", len(SOUND), hashlib.sha256(SOUND).hexdigest(), 1, 61_000, samples.stamp())
    seat = await site.seat(samples.consent(), made, *records, state=state)
    await parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t", at=parts.clock())
    await parts.chunks.put(await parts.chunks.find(made.recording_id), 0, SOUND, at=parts.clock())
    return seat


async def doubted(site: Site) -> Seat:
    """A visit that waits for an answer."""
    said = samples.transcript()
    doubt = Doubt("name", "Somebody is addressed as Mr Miller.", ("t1",))
    seat = await with_sound(site, said, Doubts(said.transcript_id, (doubt,), samples.stamp()), state="TRANSCRIBED")
    assert await raise_question(site.parts, seat.visit_id)
    return seat


async def refused(site: Site, *, may_draft: bool = True, heard: Transcript | None = None) -> Seat:
    """A visit whose recording was refused."""
    refusal = Refusal("Only a few words could be heard.", heard or samples.transcript(), may_draft, samples.stamp())
    return await with_sound(site, refusal, state="PRIMED")


async def post(site: Site, seat: Seat, path: str, **form: str) -> httpx.Response:
    return await site.client.post(f"{seat.path}/{path}", data=form, headers={**seat.changing, **JSON})


async def page(site: Site, seat: Seat) -> str:
    return (await site.client.get(seat.path, headers={**seat.cookie, **PAGE})).text


async def events(site: Site, seat: Seat) -> list[tuple[str, dict[str, object]]]:
    table = schema.audit_events
    query = select(table.c.event, table.c.detail).where(table.c.visit_id == seat.visit_id).order_by(table.c.seq)
    async with site.parts.visits.engine.connect() as connection:
        return [(row.event, row.detail) for row in await connection.execute(query)]


async def test_the_question_stands_on_the_page_with_its_place_and_its_answers(site: Site) -> None:
    seat = await doubted(site)
    shown = await page(site, seat)
    assert "Is this recording this visit?" in shown and "addressed as Mr Miller" in shown
    assert 'data-play="t1"' in shown and "<audio" in shown and "until the note is filed" in shown
    assert 'value="this-visit"' in shown and 'value="not-this-patient"' in shown and 'value="go-on"' not in shown
    assert 'id="attention"' not in shown
    status = (await site.client.get(f"{seat.path}/status", headers={**seat.cookie, **JSON})).json()
    assert status["attention"]["slug"] == "doubtful" and status["live"] is False


async def test_the_answer_is_kept_with_who_and_when_and_stays_on_the_page(site: Site) -> None:
    seat = await doubted(site)
    assert (await post(site, seat, "doubts", answer="this-visit")).status_code == 200
    given = await site.parts.visits.need(seat.visit_id, DoubtsAnswer)
    assert (given.answer, given.kinds, given.by, given.stamp.who) == (
        "this-visit", ("name",), "Dr. Ada Lin", "Practitioner/8",
    )  # fmt: skip
    row = await site.parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("TRANSCRIBED", None)
    assert ("visit.doubts-answered", {"answer": "this-visit"}) in await events(site, seat)
    problem_of(await post(site, seat, "doubts", answer="this-visit"), status=409, slug="conflict")
    assert await raise_question(site.parts, seat.visit_id), (
        "a step that runs again still leaves the draft to the answer"
    )
    assert (await site.parts.visits.row(seat.visit_id)).attention is None


async def test_not_this_patient_destroys_sound_and_words_and_keeps_the_answer(site: Site) -> None:
    seat = await doubted(site)
    assert (await post(site, seat, "doubts", answer="not-this-patient")).json()["state"] == "PRIMED"
    visits = site.parts.visits
    for kind in (Recording, Transcript, Doubts):
        assert await visits.latest(seat.visit_id, kind) is None
    assert (await visits.need(seat.visit_id, DoubtsAnswer)).answer == "not-this-patient"
    assert (await visits.need(seat.visit_id, SoundGone)).reason == "not-this-patient"
    names = [name for name, _ in await events(site, seat)]
    assert "visit.recording-destroyed" in names and "visit.sound-destroyed" in names
    audio = await site.client.get(f"{seat.path}/audio", headers={**seat.cookie, **JSON})
    problem_of(audio, status=410, slug="sound-destroyed")
    shown = await page(site, seat)
    assert "it was not this patient" in shown and "Miller" not in shown and "<audio" not in shown


@pytest.mark.parametrize("path", ["doubts", "kept"])
async def test_what_is_asked_in_one_visit_is_answered_by_no_other_and_by_no_foreign_page(site: Site, path: str) -> None:
    seat, other = await doubted(site), await refused(site)
    stolen = {**other.cookie, "X-CSRF-Token": other.csrf, **JSON}
    form = {"answer": "this-visit", "decision": "discard"}
    for headers in (stolen, {**seat.cookie, **JSON}, JSON):
        answer = await site.client.post(f"{seat.path}/{path}", data=form, headers=headers)
        assert answer.status_code in (403, 404)
    assert await site.parts.visits.latest(seat.visit_id, DoubtsAnswer) is None
    assert await site.parts.visits.latest(seat.visit_id, Recording) is not None


async def test_without_a_question_there_is_nothing_to_answer(site: Site) -> None:
    seat = await with_sound(site, samples.transcript(), state="TRANSCRIBED")
    assert not await raise_question(site.parts, seat.visit_id)
    problem_of(await post(site, seat, "doubts", answer="this-visit"), status=409, slug="conflict")


async def test_a_question_of_an_earlier_transcript_is_none(site: Site) -> None:
    said = samples.transcript()
    old = Doubts("another", (Doubt("length", "x"),), samples.stamp())
    seat = await with_sound(site, said, old, state="TRANSCRIBED")
    assert not await raise_question(site.parts, seat.visit_id)
    assert "Is this recording" not in await page(site, seat)


async def test_a_refused_recording_offers_all_that_can_be_done(site: Site) -> None:
    seat = await refused(site)
    shown = await page(site, seat)
    for words in ("<audio", "Transcribe again", "Draft from it anyway", "Type the visit", "Discard the recording"):
        assert words in shown
    assert "until you decide" in shown
    shown = await page(site, await refused(site, may_draft=False))
    assert "Transcribe again" in shown and "Draft from it anyway" not in shown


async def test_drafting_all_the_same_takes_what_was_heard_with_a_warning(site: Site) -> None:
    seat = await refused(site)
    assert (await post(site, seat, "kept", decision="draft-anyway")).json()["state"] == "CAPTURED"
    assert ("visit.recording-used-again", {"way": "draft-anyway"}) in await events(site, seat)
    for _ in range(2):
        assert await take_heard(site.parts, seat.visit_id) == "transcribed"
    taken = await site.parts.visits.need(seat.visit_id, Transcript)
    assert taken.little_speech and "Check every statement" in taken.warnings[0]
    assert len(await site.parts.visits.history(seat.visit_id, Transcript)) == 1


async def test_what_was_heard_is_doubted_like_any_transcript_and_drafted_by_the_answer_alone(site: Site) -> None:
    said = samples.transcript()
    spoken = replace(said.turns[0], speaker="A", role="clinician", text="Good morning, Mr Prosacco, please sit down.")
    seat = await refused(site, heard=replace(said, turns=(spoken, *said.turns[1:])))
    assert (await post(site, seat, "kept", decision="draft-anyway")).status_code == 200
    for _ in range(2):
        assert await take_heard(site.parts, seat.visit_id) == "asked"
    doubts = await site.parts.visits.need(seat.visit_id, Doubts)
    assert [one.kind for one in doubts.items] == ["name"]
    row = await site.parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("TRANSCRIBED", "doubtful")
    shown = await page(site, seat)
    assert "Is this recording this visit?" in shown and "Prosacco" in shown
    assert (await post(site, seat, "doubts", answer="this-visit")).status_code == 200
    assert (await site.parts.visits.need(seat.visit_id, Transcript)).little_speech


async def test_a_site_that_keeps_sound_until_it_is_transcribed_has_words_without_sound_from_then_on(site: Site) -> None:
    seat = await refused(site)
    parts = replace(site.parts, policy=replace(site.parts.policy, audio_kept="until-transcribed"))
    assert (await post(site, seat, "kept", decision="draft-anyway")).status_code == 200
    await take_heard(parts, seat.visit_id)
    assert (await parts.visits.need(seat.visit_id, SoundGone)).reason == "transcribed"
    assert await parts.visits.latest(seat.visit_id, Transcript) is not None
    shown = await page(site, seat)
    assert "when it had been transcribed" in shown and "<audio" not in shown


async def test_what_was_heard_in_an_earlier_recording_is_not_drafted_as_a_later_one(site: Site) -> None:
    seat = await refused(site)
    first = await site.parts.visits.need(seat.visit_id, Recording)
    later = replace(first, recording_id=site.parts.new_id(), stamp=samples.stamp(-5))
    async with site.parts.visits.engine.begin() as connection:
        await site.parts.visits.append_record(connection, seat.visit_id, later, at=site.parts.clock())
    assert "Draft from it anyway" not in await page(site, seat)
    problem_of(await post(site, seat, "kept", decision="draft-anyway"), status=409, slug="conflict")


async def test_what_is_too_little_is_not_drafted(site: Site) -> None:
    seat = await refused(site, may_draft=False)
    problem_of(await post(site, seat, "kept", decision="draft-anyway"), status=409, slug="conflict")
    assert (await site.parts.visits.row(seat.visit_id)).state == "PRIMED"


@pytest.mark.parametrize("decision", ["transcribe-again", "draft-anyway"])
async def test_a_kept_recording_is_not_used_without_consent(site: Site, decision: str) -> None:
    refusal = Refusal("x", samples.transcript(), True, samples.stamp())
    made = replace(samples.recording(), recording_id=site.parts.new_id())
    seat = await site.seat(refusal, made, state="PRIMED")
    answer = await post(site, seat, "kept", decision=decision)
    assert answer.status_code == 403
    assert (await site.parts.visits.row(seat.visit_id)).state == "PRIMED"


async def test_discarding_a_kept_recording_destroys_it_and_the_visit_waits_for_another(site: Site) -> None:
    seat = await refused(site)
    assert (await post(site, seat, "kept", decision="discard")).json()["state"] == "PRIMED"
    audio = await site.client.get(f"{seat.path}/audio", headers={**seat.cookie, **JSON})
    problem_of(audio, status=410, slug="sound-destroyed")
    assert await site.parts.visits.latest(seat.visit_id, Refusal) is None
    assert "you discarded it" in await page(site, seat)
    problem_of(await post(site, seat, "kept", decision="discard"), status=409, slug="conflict")
    assert (await site.parts.shredder.remove_files(seat.visit_id)) == 1


@pytest.mark.parametrize(("origin", "status"), [("recogniser", 200), ("typed", 409)])
async def test_a_recording_no_draft_came_of_can_be_discarded_and_typed_words_cannot(
    site: Site, origin: str, status: int
) -> None:
    seat = await with_sound(site, samples.transcript(origin), state="TRANSCRIBED")
    assert (await post(site, seat, "kept", decision="discard")).status_code == 409, "a draft may still come"
    now = site.parts.clock()
    await site.parts.visits.call_attention(seat.visit_id, slug="draft-unusable", text="x", action="redraft", at=now)
    offered = "Discard the recording" in await page(site, seat)
    assert (await post(site, seat, "kept", decision="discard")).status_code == status
    kept = await site.parts.visits.latest(seat.visit_id, Transcript)
    assert (offered, kept is None) == ((True, True) if status == 200 else (False, False))


async def test_an_audio_page_of_a_visit_that_never_had_sound_is_not_found(site: Site) -> None:
    seat = await site.seat()
    audio = await site.client.get(f"{seat.path}/audio", headers={**seat.cookie, **JSON})
    problem_of(audio, status=404, slug="not-found")

"""Consent as the page records it: person by person, and what a no destroys, at every state of a visit."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from connector_sandbox.clinician import digest_header
from sqlalchemy import select

from connector.records import (
    Consent,
    ConsentAnswer,
    DraftNote,
    Findings,
    Recording,
    Refusal,
    SoundGone,
    SpeechHints,
    Transcript,
    VendorCopy,
)
from connector.store import schema
from connector.visit.states import State
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, SOUND, Seat, Site

GOING = ("CAPTURING", "CAPTURED", "TRANSCRIBED", "DRAFTED")


async def say(site: Site, seat: Seat, answer: str, **form: str) -> httpx.Response:
    """One answer, as the page's form sends it."""
    return await site.client.post(
        f"{seat.path}/consent", data={"answer": answer, "method": "verbal", **form}, headers={**JSON, **seat.changing}
    )


async def look(site: Site, seat: Seat) -> str:
    """The page, without its markup's line breaks."""
    answer = await site.client.get(seat.path, headers={**PAGE, **seat.cookie})
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


async def recorded(site: Site, state: str) -> Seat:
    """A recorded visit in a state, with what such a visit holds here and at the vendor."""
    parts, rank = site.parts, GOING.index(state)
    made = Recording(parts.new_id(), "ogg", len(SOUND), "0" * 64, 1, 91_000, samples.stamp())
    sent = replace(samples.hints(), sent=parts.clock())
    held: tuple[object, ...] = (samples.consent(), sent, made, samples.transcript(), samples.draft())
    findings = (samples.shown().findings,) if rank == 3 else ()
    seat = await site.seat(*held[: 2 + rank], *findings, state=state)
    await parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t" * 40, at=parts.clock())
    await parts.chunks.put(await parts.chunks.find(made.recording_id), 0, SOUND, at=parts.clock())
    for kind in ("upload", "transcript")[: 2 if rank else 0]:
        copy = VendorCopy(parts.new_id(), kind, f"{kind}-{seat.visit_id}", "held", parts.clock())
        await parts.ledger.add_copy(seat.visit_id, copy)
    return seat


async def events(site: Site, seat: Seat) -> list[str]:
    table = schema.audit_events
    async with site.parts.visits.engine.connect() as connection:
        query = select(table.c.event).where(table.c.visit_id == seat.visit_id).order_by(table.c.seq)
        return list((await connection.execute(query)).scalars())


async def put(site: Site, recording_id: str, seq: int, *, token: str) -> httpx.Response:
    data = b"sound" * 100
    headers = {**JSON, "Authorization": f"Upload {token}", "Content-Digest": digest_header(data)}
    return await site.client.put(f"/recordings/{recording_id}/chunks/{seq}", content=data, headers=headers)


async def test_everybody_in_the_room_answers_on_their_own(site: Site) -> None:
    seat = await site.seat()
    assert (await say(site, seat, "given")).status_code == 200
    assert (await say(site, seat, "present", person="new", role="partner", label="Sam")).status_code == 200
    refused = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    assert refused.status_code == 403 and "has not answered yet" in refused.json()["detail"]
    page = await look(site, seat)
    assert "Sam (partner) is here and was not asked yet" in page and "data-upload-file" not in page
    newest = await site.parts.visits.need(seat.visit_id, Consent)
    agreed = await say(
        site, seat, "given", person=newest.person.person_id, interpreter="video", language="Spanish", method="written"
    )
    assert agreed.status_code == 200
    page = await look(site, seat)
    assert "Sam (partner) agreed to be recorded" in page and "interpreted from Spanish by video" in page
    assert "Sam (partner) no longer agrees" in page
    opened = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    assert opened.status_code == 201
    history = await site.parts.visits.history(seat.visit_id, Consent)
    assert [(one.person.role, str(one.answer), one.method) for one in history] == [
        ("partner", "given", "written"),
        ("partner", "present", ""),
        ("patient", "given", "verbal"),
    ]
    assert {one.jurisdiction for one in history} == {"all-party"}


async def test_a_no_of_anybody_blocks_until_they_have_left(site: Site) -> None:
    seat = await site.seat()
    await say(site, seat, "given")
    assert (await say(site, seat, "declined", person="new", role="parent")).status_code == 200
    refused = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    assert refused.status_code == 403 and "declined" in refused.json()["detail"]
    assert 'name="text"' in await look(site, seat)
    newest = await site.parts.visits.need(seat.visit_id, Consent)
    await say(site, seat, "left", person=newest.person.person_id)
    assert "A parent declined to be recorded, and is no longer in the room" in await look(site, seat)
    opened = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    assert opened.status_code == 201


async def test_a_person_of_another_visit_is_nobody_here(site: Site) -> None:
    mine, other = await site.seat(), await site.seat()
    await say(site, other, "given", person="new", role="friend")
    theirs = await site.parts.visits.need(other.visit_id, Consent)
    assert (await say(site, mine, "given", person=theirs.person.person_id)).status_code == 404
    assert await site.parts.visits.latest(mine.visit_id, Consent) is None


@pytest.mark.parametrize(
    "form",
    [
        {"answer": "perhaps"},
        {"answer": ""},
        {"answer": "given", "method": "nod"},
        {"answer": "given", "person": "new", "role": "king"},
        {"answer": "given", "interpreter": "phone"},
        {"answer": "present"},
    ],
    ids=str,
)
async def test_an_answer_nobody_can_give_is_refused_and_not_kept(site: Site, form: dict[str, str]) -> None:
    seat = await site.seat()
    answer = await say(site, seat, **form)
    assert answer.status_code == 422, answer.text
    assert await site.parts.visits.latest(seat.visit_id, Consent) is None


async def test_a_plain_form_is_answered_with_the_page(site: Site) -> None:
    seat = await site.seat()
    form = {"answer": "given", "method": "verbal", "csrf": seat.csrf}
    answer = await site.client.post(f"{seat.path}/consent", data=form, headers={**PAGE, **seat.cookie})
    assert (answer.status_code, answer.headers["location"]) == (303, seat.path)


@pytest.mark.parametrize("state", [one.value for one in State if one is not State.LAUNCHED])
async def test_who_was_asked_stands_on_the_page_in_every_state(site: Site, state: str) -> None:
    held = (samples.transcript(), samples.draft(), samples.shown().findings)
    seat = await site.seat(samples.consent(), *held, state=state)
    page = await look(site, seat)
    assert page.count('id="consent"') == 1
    assert "The patient agreed to be recorded" in page


@pytest.mark.parametrize("state", GOING)
@pytest.mark.parametrize("person", ["patient", "new"])
async def test_a_no_destroys_what_was_made_from_the_sound(site: Site, state: str, person: str) -> None:
    seat, visits = await recorded(site, state), site.parts.visits
    recording = (await site.parts.chunks.of_visit(seat.visit_id))[0]
    before = await look(site, seat)
    assert "This destroys the recording" in before
    answer = await say(site, seat, "withdrawn" if person == "patient" else "declined", person=person, role="partner")
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "PRIMED"
    for kind in (Recording, Transcript, DraftNote, Findings):
        assert await visits.latest(seat.visit_id, kind) is None
        assert await visits.history(seat.visit_id, kind) == []
    async with visits.engine.connect() as connection:
        kinds = select(schema.data_keys.c.kind).where(schema.data_keys.c.visit_id == seat.visit_id)
        assert set((await connection.execute(kinds)).scalars()) == {"chart", "access"}
    assert all(hints.sent is None for hints in await visits.history(seat.visit_id, SpeechHints))
    assert (await visits.need(seat.visit_id, SpeechHints)).keyterms
    assert (await visits.need(seat.visit_id, SoundGone)).reason == "consent-withdrawn"
    assert {copy.state for copy in await site.parts.ledger.copies(seat.visit_id)} <= {"asked"}
    consent = await visits.need(seat.visit_id, Consent)
    assert consent.destroyed == ("sound", "transcript", "draft")[: max(1, GOING.index(state))]
    assert "visit.consent-recorded" in await events(site, seat)
    assert "visit.sound-destroyed" in await events(site, seat)
    page = await look(site, seat)
    assert "Destroyed: the recording" in page and consent.stamp.at.isoformat(timespec="seconds") in page
    if state != "CAPTURING":
        assert "2 copies at the transcription service still to be deleted" in page
    assert not await _played(site, seat)
    await site.parts.shredder.remove_files(seat.visit_id)
    assert not (site.parts.shredder._folder / recording.recording_id).exists()


async def _played(site: Site, seat: Seat) -> bool:
    answer = await site.client.get(f"{seat.path}/audio", headers=seat.cookie)
    return answer.status_code in (200, 206)


@pytest.mark.parametrize("state", ["PRIMED", *GOING])
async def test_a_visit_can_be_typed_after_a_withdrawal_and_recorded_after_a_new_yes(site: Site, state: str) -> None:
    seat = await recorded(site, state) if state in GOING else await site.seat(samples.consent())
    await say(site, seat, "withdrawn")
    again = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    assert again.status_code == 403 and again.json()["type"].endswith(":consent-withdrawn")
    assert (await say(site, seat, "given")).status_code == 200
    assert (await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})).status_code == 201
    await say(site, seat, "withdrawn")
    typed = await site.client.post(
        f"{seat.path}/text", data={"text": "htn f/u, bp 128/82, cont lisinopril 10"}, headers={**JSON, **seat.changing}
    )
    assert typed.status_code == 200 and typed.json()["state"] == "TRANSCRIBED"
    assert (await site.parts.visits.need(seat.visit_id, Transcript)).origin == "typed"


async def test_no_slice_is_taken_after_a_withdrawal_not_even_after_a_new_yes(site: Site) -> None:
    seat = await site.seat(samples.consent())
    opened = (await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})).json()
    slices = {"recording_id": opened["recording_id"], "token": opened["upload_token"]}
    assert (await put(site, slices["recording_id"], 0, token=slices["token"])).status_code == 204
    await say(site, seat, "withdrawn")
    for seq in (0, 1):
        late = await put(site, slices["recording_id"], seq, token=slices["token"])
        assert (late.status_code, late.json()["type"]) == (403, "urn:smart-scribe:problem:consent-withdrawn")
    await say(site, seat, "given")
    late = await put(site, slices["recording_id"], 1, token=slices["token"])
    assert (late.status_code, late.json()["type"]) == (403, "urn:smart-scribe:problem:consent-withdrawn")
    fresh = (await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})).json()
    assert (await put(site, fresh["recording_id"], 0, token=fresh["upload_token"])).status_code == 204


@pytest.mark.parametrize("state", ["SIGNED", "FILED"])
async def test_once_signed_a_withdrawal_ends_the_sound_and_is_kept(site: Site, state: str) -> None:
    seat = await recorded(site, "DRAFTED")
    async with site.parts.visits.engine.begin() as connection:
        one = schema.visits.c.visit_id == seat.visit_id
        await connection.execute(schema.visits.update().where(one).values(state=state))
        await site.parts.visits.append_record(connection, seat.visit_id, samples.signed(), at=site.parts.clock())
    answer = await say(site, seat, "withdrawn")
    assert answer.status_code == 409
    assert "belongs to the chart" in answer.json()["detail"] and "has been destroyed" in answer.json()["detail"]
    assert (await site.parts.visits.row(seat.visit_id)).state == state
    consent = await site.parts.visits.need(seat.visit_id, Consent)
    assert (consent.answer, consent.destroyed) == (ConsentAnswer.WITHDRAWN, ("sound",))
    assert await site.parts.visits.latest(seat.visit_id, Recording) is None
    assert await site.parts.visits.latest(seat.visit_id, DraftNote) is not None
    assert "withdrew consent" in await look(site, seat)
    assert (await say(site, seat, "given")).status_code == 409


async def test_a_recording_that_waited_for_a_decision_waits_no_more(site: Site) -> None:
    made = Recording(site.parts.new_id(), "ogg", len(SOUND), "0" * 64, 1, 91_000, samples.stamp())
    seat = await site.seat(samples.consent(), made)
    await site.parts.visits.call_attention(
        seat.visit_id, slug="nothing-said", text="Too little.", action="capture-again", at=site.parts.clock()
    )
    answer = (await say(site, seat, "withdrawn")).json()
    assert (answer["state"], answer["attention"]) == ("PRIMED", None)
    assert await site.parts.visits.latest(seat.visit_id, Recording) is None


async def test_a_typed_note_outlives_a_no(site: Site) -> None:
    """Nothing of it was heard: the note stays, and the no is kept beside it."""
    yes = samples.consent()
    seat = await site.seat(yes, samples.transcript("typed"), samples.draft(), samples.shown().findings, state="DRAFTED")
    assert (await say(site, seat, "withdrawn")).json()["state"] == "DRAFTED"
    assert await site.parts.visits.latest(seat.visit_id, DraftNote) is not None
    assert (await site.parts.visits.need(seat.visit_id, Consent)).destroyed == ()


async def test_what_was_heard_in_a_refused_recording_goes_though_the_visit_was_typed_since(site: Site) -> None:
    made = Recording(site.parts.new_id(), "ogg", len(SOUND), "0" * 64, 1, 91_000, samples.stamp())
    heard = Refusal("Too little.", samples.transcript(), True, samples.stamp())
    seat = await site.seat(samples.consent(), made, heard, samples.transcript("typed"), state="TRANSCRIBED")
    assert (await say(site, seat, "withdrawn")).json()["state"] == "TRANSCRIBED"
    assert await site.parts.visits.latest(seat.visit_id, Refusal) is None
    assert (await site.parts.visits.need(seat.visit_id, Transcript)).origin == "typed"


async def test_a_page_that_still_shows_a_destroyed_draft_saves_nothing_into_the_next(site: Site) -> None:
    seat = await recorded(site, "DRAFTED")
    await say(site, seat, "withdrawn")
    consent = await site.parts.visits.need(seat.visit_id, Consent)
    assert consent.last_revision == 1
    late = await site.client.post(
        f"{seat.path}/note", json={"revision": 1, "sections": {}}, headers={**JSON, **seat.changing}
    )
    assert late.status_code == 404


async def test_somebody_not_asked_yet_is_noted_before_a_recording_only(site: Site) -> None:
    seat = await recorded(site, "CAPTURING")
    answer = await say(site, seat, "present", person="new", role="partner")
    assert answer.status_code == 422 and "Ask this person first" in answer.json()["detail"]
    assert (await say(site, seat, "given", person="new", role="partner")).json()["state"] == "CAPTURING"


@pytest.mark.parametrize("state", ["DISCARDED", "EXPIRED", "ERASED"])
async def test_a_visit_that_is_over_takes_no_answer(site: Site, state: str) -> None:
    seat = await site.seat(state=state)
    assert (await say(site, seat, "given")).status_code == 409


async def test_a_label_cannot_pose_as_markup(site: Site) -> None:
    seat = await site.seat()
    await say(site, seat, "given", person="new", role="friend", label="<b>Sam</b>")
    page = await look(site, seat)
    assert "&lt;b&gt;Sam&lt;/b&gt;" in page and "<b>Sam</b>" not in page


async def test_of_one_no_among_many_the_first_answered_stands_and_nothing_is_asked_twice(site: Site) -> None:
    """Two windows withdraw at once: both are answered, the visit is PRIMED, and the sound went once."""
    seat = await recorded(site, "DRAFTED")
    first, second = await say(site, seat, "withdrawn"), await say(site, seat, "withdrawn")
    assert {first.status_code, second.status_code} == {200}
    assert (await events(site, seat)).count("visit.sound-destroyed") == 1

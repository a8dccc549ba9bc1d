"""A kept recording beside a later one: in sight until it is decided on, played and discarded by itself."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from connector.records import Recording, Stamp
from connector.visit.finishing import finish_recording
from connector.visit.recording import open_recording
from tests.builders import recording_bytes
from tests.fixtures.visits import problem_of
from tests.wire.web.conftest import JSON, SOUND, Seat, Site
from tests.wire.web.test_deciding import events, page, post, refused


async def recorded_anew(site: Site) -> tuple[Seat, Recording]:
    """A visit whose first recording was refused and kept, and which was recorded once more; and that first one."""
    parts, seat = site.parts, await refused(site)
    kept = await parts.visits.need(seat.visit_id, Recording)
    async with parts.visits.engine.begin() as connection:
        await parts.chunks.keep_whole(kept.recording_id, chunks=1, facts={"source": "file"})
    async with parts.visits.engine.begin() as connection:
        await parts.chunks.close(connection, [kept.recording_id])
    opened = await open_recording(parts, seat.visit_id)
    new = await parts.chunks.find(opened.recording_id)
    await parts.chunks.put(new, 0, recording_bytes("billie"), at=parts.clock())
    return seat, kept


async def test_while_another_is_recorded_the_kept_one_stays_in_sight_and_plays(site: Site) -> None:
    seat, kept = await recorded_anew(site)
    shown = await page(site, seat)
    assert "The recording before is kept" in shown and "<audio" in shown
    assert "Discard the recording" not in shown and "Transcribe again" not in shown
    audio = await site.client.get(f"{seat.path}/audio", headers=seat.cookie)
    assert hashlib.sha256(audio.content).hexdigest() == kept.sha256


async def test_after_the_later_one_it_is_still_there_and_is_discarded_by_itself(site: Site) -> None:
    seat, kept = await recorded_anew(site)
    await finish_recording(site.parts, seat.visit_id)
    shown = await page(site, seat)
    assert "An earlier recording is kept" in shown and f"/audio?recording={kept.recording_id}" in shown
    audio = await site.client.get(f"{seat.path}/audio?recording={kept.recording_id}", headers=seat.cookie)
    assert audio.content == SOUND
    answer = await post(site, seat, "kept", decision="draft-anyway", recording=kept.recording_id)
    problem_of(answer, status=422, slug="input-refused")
    assert (await post(site, seat, "kept", decision="discard", recording=kept.recording_id)).status_code == 200
    assert ("visit.recording-discarded", {"which": "earlier"}) in await events(site, seat)
    assert "An earlier recording" not in await page(site, seat)
    for path in (f"audio?recording={kept.recording_id}",):
        problem_of(
            await site.client.get(f"{seat.path}/{path}", headers={**seat.cookie, **JSON}), status=404, slug="not-found"
        )
    audio = await site.client.get(f"{seat.path}/audio", headers=seat.cookie)
    assert audio.content == recording_bytes("billie"), "the visit's own recording is not touched"
    assert await site.parts.shredder.remove_files(seat.visit_id) == 1
    problem_of(
        await post(site, seat, "kept", decision="discard", recording=kept.recording_id), status=404, slug="not-found"
    )


async def test_only_an_earlier_recording_of_this_very_visit_is_played_or_discarded_so(site: Site) -> None:
    seat, _ = await recorded_anew(site)
    await finish_recording(site.parts, seat.visit_id)
    other, theirs = await recorded_anew(site)
    await finish_recording(site.parts, other.visit_id)
    own = await site.parts.visits.need(seat.visit_id, Recording)
    for recording in (theirs.recording_id, own.recording_id, "0" * 32):
        audio = await site.client.get(f"{seat.path}/audio?recording={recording}", headers={**seat.cookie, **JSON})
        problem_of(audio, status=404, slug="not-found")
        answer = await post(site, seat, "kept", decision="discard", recording=recording)
        problem_of(answer, status=404, slug="not-found")
    assert "An earlier recording is kept" in await page(site, other)


async def test_the_same_sound_in_another_form_is_no_earlier_recording(site: Site) -> None:
    """What was joined from a recording's pieces is that recording, not a later one."""
    seat, _ = await recorded_anew(site)
    await finish_recording(site.parts, seat.visit_id)
    visits = site.parts.visits
    first = await visits.need(seat.visit_id, Recording)
    later = Stamp("capture@2", first.stamp.at + timedelta(seconds=5))
    joined = Recording(site.parts.new_id(), "ogg", 10, "0" * 64, 1, 1000, later, segments=first.segments, joined=True)
    async with visits.engine.begin() as connection:
        await visits.append_record(connection, seat.visit_id, joined, at=site.parts.clock())
    assert (await page(site, seat)).count("An earlier recording is kept") == 1

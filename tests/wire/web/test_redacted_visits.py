"""The redacted copy of a visit, from the settings over the wire to what is kept, and what ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from connector.app import compose, make_policy
from connector.errors import Misconfigured, NotFound
from connector.records import RedactedTranscript, Transcript, Turn
from connector.settings import Settings
from connector.visit.own_audio import destroy_sound
from connector.visit.redacting import PATIENCE, check_policy, on_kept
from connector.visit.states import State
from connector.visit.steps import Move, move
from tests.fixtures.product import ORIGIN
from tests.unit.web import samples
from tests.wire.web.redacted_world import (
    POLICIES,
    VISITS,
    Redacted,
    RedactedWorld,
    open_redacted_world,
    while_it_comes,
)


@pytest.fixture(scope="module")
async def world(product_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedactedWorld]:
    async with open_redacted_world(product_settings, tmp_path_factory.mktemp("assemblyai")) as one:
        yield one


async def test_row_5_what_is_taken_out_goes_over_the_wire_and_the_copy_stands_beside_the_transcript(
    world: RedactedWorld,
) -> None:
    visit = await world.transcribe("billie")
    sent = await world.sent()
    assert (sent["redact_pii"], sent["redact_pii_policies"]) == (True, list(POLICIES))
    assert (sent["redact_pii_sub"], sent["redact_pii_return_unredacted"]) == ("entity_name", True)
    assert (sent["redact_pii_audio"], sent["redact_pii_audio_quality"]) == (True, "mp3")
    clinical, copy = await visit.clinical(), await visit.copy()
    assert [turn.text for turn in clinical.turns] == [turn.text for turn in VISITS["billie"].turns]
    times = [(turn.turn_id, turn.start_ms, turn.end_ms) for turn in clinical.turns]
    assert [(turn.turn_id, turn.start_ms, turn.end_ms) for turn in copy.turns] == times
    assert {turn.role for turn in copy.turns} == {"Clinician", "Patient"}
    assert (copy.of_transcript, copy.policies, copy.sound) == (clinical.transcript_id, POLICIES, "awaited")
    assert any("lisinopril" in turn.text for turn in clinical.turns), "the control: it was said"
    assert "lisinopril" not in str(asdict(copy)) and any("[DRUG]" in turn.text for turn in copy.turns)
    assert (await visit.ledger())["redacted-audio"].state == "held"
    page = await world.site.client.get(
        f"{ORIGIN}{visit.seat.path}", headers={"Accept": "text/html", **visit.seat.cookie}
    )
    line = " ".join(page.text.split()).partition('id="redacted">')[2].partition("</p>")[0]
    assert "its sound is still to come" in line and "person name, date, drug" in line
    assert f"<code>{visit.seat.visit_id}</code>" in line


async def test_hashes_stand_there_where_they_were_asked_for_and_no_sound_is_waited_for(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie", redaction_policies=("drug",), redaction_substitution="hash")
    sent, copy = await world.sent(), await visit.copy()
    assert sent["redact_pii_sub"] == "hash" and "redact_pii_audio" not in sent
    assert any("##########" in turn.text for turn in copy.turns)
    assert (copy.substitution, copy.sound) == ("hash", "not-asked")
    assert set(await visit.ledger()) == {"upload", "transcript"}


async def test_without_policies_nothing_is_asked_and_no_copy_is_kept(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie", redaction_policies=())
    assert not [name for name in await world.sent() if name.startswith("redact")]
    with pytest.raises(NotFound):
        await visit.copy()


async def test_the_redacted_sound_is_taken_before_the_vendors_copies_go(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie")
    assert await visit.delete()
    copy = await visit.copy()
    assert (copy.sound, copy.why_no_sound) == ("kept", "")
    kept = await visit.parts.chunks.find(copy.audio_recording_id or "")
    assert (kept.source, kept.state) == ("redacted", "closed")
    assert abs((kept.facts or {})["duration_ms"] - VISITS["billie"].duration_ms) < 500
    states = {kind: one.state for kind, one in (await visit.ledger()).items()}
    assert states == {"upload": "verified", "transcript": "verified", "redacted-audio": "verified"}


async def test_deletion_waits_for_the_sound_but_not_for_ever(world: RedactedWorld) -> None:
    await world.control(redaction_seconds=300)
    try:
        visit = await world.transcribe("billie")
    finally:
        await world.control(redaction_seconds=0.3)
    assert not await visit.delete(tries=2)
    assert (await visit.ledger())["transcript"].state == "held"
    late = visit.parts.clock() + PATIENCE
    patient = replace(visit, parts=replace(visit.parts, clock=lambda: late + timedelta(seconds=1)))
    assert await patient.delete()
    copy = await visit.copy()
    assert (copy.sound, copy.audio_recording_id) == ("missing", None)
    assert copy.why_no_sound == "The transcription service did not have it ready in time."
    assert (await visit.ledger())["transcript"].state == "verified"


async def test_destroying_the_recording_leaves_the_copy_and_discarding_the_visit_does_not(
    world: RedactedWorld,
) -> None:
    visit = await world.transcribe("billie")
    assert await visit.delete()
    parts, visit_id = visit.parts, visit.seat.visit_id
    async with parts.visits.engine.begin() as connection:
        await parts.visits.hold_state(connection, visit_id)
        await destroy_sound(parts, connection, visit_id, reason="filed")
    sound = (await visit.copy()).audio_recording_id or ""
    row = await parts.chunks.find(sound)
    assert len(await parts.chunks.read_range(row, 0, 1000)) == 1000
    answer = await world.site.client.post(
        f"{ORIGIN}{visit.seat.path}/consent",
        data={"answer": "withdrawn", "method": "verbal"},
        headers={"Accept": "application/json", **visit.seat.changing},
    )
    assert answer.status_code == 200, answer.text
    with pytest.raises(NotFound):
        await visit.copy()
    with pytest.raises(NotFound):
        await parts.chunks.read_range(row, 0, 1000)


async def test_a_consent_withdrawn_after_the_signature_leaves_the_note_and_no_copy(world: RedactedWorld) -> None:
    turn = Turn("t1", "S1", "Patient", "vendor", "I am [PERSON_NAME].", 0, 900, 0.9)
    copy = RedactedTranscript("x1", POLICIES, "entity_name", (turn,), (), samples.stamp())
    made = (samples.consent(), samples.transcript(), samples.draft(), copy)
    seat = await world.site.seat(*made, state="SIGNED")
    parts = world.site.parts
    assert await parts.visits.latest(seat.visit_id, RedactedTranscript) == copy
    answer = await world.site.client.post(
        f"{ORIGIN}{seat.path}/consent",
        data={"answer": "withdrawn", "method": "verbal"},
        headers={"Accept": "application/json", **seat.changing},
    )
    assert answer.status_code == 409, answer.text
    assert await parts.visits.latest(seat.visit_id, RedactedTranscript) is None
    assert await parts.visits.latest(seat.visit_id, Transcript) is not None


async def test_sound_that_comes_after_a_withdrawal_is_not_kept(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie")
    parts, visit_id = visit.parts, visit.seat.visit_id

    async def withdraw() -> None:
        await _destroy_words(visit)

    async with while_it_comes(visit, world.base, withdraw) as overtaken:
        assert await overtaken.delete()
    with pytest.raises(NotFound):
        await visit.copy()
    left = await parts.chunks.joined_of(visit_id, source="redacted")
    assert left == [], "nothing unfinished lies there"


async def test_the_sound_of_an_earlier_recording_is_not_put_to_the_copy_of_a_later_one(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie")
    parts, later = visit.parts, replace(await visit.copy(), of_transcript="later", sound="not-asked")

    async def record_anew() -> None:
        await _destroy_words(visit)
        async with parts.visits.engine.begin() as connection:
            await parts.visits.append_record(connection, visit.seat.visit_id, later, at=parts.clock())

    async with while_it_comes(visit, world.base, record_anew) as overtaken:
        assert await overtaken.delete()
    assert await visit.copy() == later


async def _destroy_words(visit: Redacted) -> None:
    parts, visit_id = visit.parts, visit.seat.visit_id
    async with parts.visits.engine.begin() as connection:
        await parts.visits.hold_state(connection, visit_id)
        await destroy_sound(parts, connection, visit_id, reason="withdrawn", words=True)


async def test_an_answer_that_shows_nothing_word_by_word_leaves_no_word(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie")
    answer = {"redact_pii": True, "redact_pii_policies": ["drug"], "id": "j"}
    (copy,) = await on_kept(visit.parts, visit.seat.visit_id, answer, transcript=await visit.clinical())
    assert copy.policies == ("drug",)
    assert {word.text.strip(".,?!") for turn in copy.turns for word in turn.words} == {"[REDACTED]"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"redaction_policies": ("person_nam",)}, "person_name"),
        ({"redaction_audio": True}, "CONNECTOR_REDACTION_POLICIES"),
    ],
)
async def test_a_policy_the_vendor_would_ignore_is_refused_at_start(
    product_settings: Settings, settings: dict[str, object], told: str
) -> None:
    wrong = product_settings.model_copy(update=settings)
    with pytest.raises(Misconfigured, match=told):
        check_policy(make_policy(wrong))
    with pytest.raises(Misconfigured, match=told):
        async with compose(wrong):
            pass


async def test_the_copy_is_kept_in_the_transaction_of_the_transcript(world: RedactedWorld) -> None:
    visit = await world.transcribe("billie")
    parts, visit_id = visit.parts, visit.seat.visit_id
    assert (await parts.visits.row(visit_id)).state == State.TRANSCRIBED
    await move(parts, visit_id, Move((State.TRANSCRIBED, State.PRIMED)))
    assert await parts.visits.latest(visit_id, Transcript) is not None
    assert len(await parts.visits.history(visit_id, RedactedTranscript)) == 1

"""Drafting again after a correction: asked for, made by the sandbox's model, dropped, and brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from connector.app import compose
from connector.records import DraftNote, NoteSection, Sentence, Transcript
from connector.settings import Settings
from connector.store.visits import Numbered
from connector.visit.redrafting import AGAIN
from connector.worker.workflows import Result, _attempt
from tests.fixtures.assemblyai import assemblyai_base
from tests.fixtures.visits import problem_of
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site, open_site

__all__ = ["assemblyai_base"]


@pytest.fixture(scope="module")
async def again(product_settings: Settings, assemblyai_base: str) -> AsyncIterator[Site]:
    """The application, with a model that drafts."""
    changes = {
        "gateway_base_url": assemblyai_base,
        "assemblyai_base_url": assemblyai_base,
        "assemblyai_api_key": SecretStr("key"),
    }
    settings = product_settings.model_copy(update=changes)
    async with compose(settings) as composition, open_site(composition.parts) as opened:
        yield opened


def first_draft(*, by_hand: bool = False) -> DraftNote:
    sentences = (Sentence("s1", "Back pain for two weeks.", ("t1",)), Sentence("s2", "Lisinopril.", ("t2",)))
    sections = (NoteSection("subjective", "Subjective", "61150-9", sentences),)
    stamp = replace(samples.stamp(150), maker="review/edits@1") if by_hand else samples.stamp(150)
    return DraftNote("draft-1", 1, "soap", "Progress note", sections, "model", stamp, "transcript-1")


async def seat_of(site: Site, *, by_hand: bool = False) -> Seat:
    """A drafted visit whose transcript was corrected after the draft."""
    draft = first_draft(by_hand=by_hand)
    findings = replace(samples.shown().findings, items=())
    records = (samples.consent(), samples.transcript(), Numbered(draft, 1), Numbered(findings, 1))
    seat = await site.seat(*records, state="DRAFTED")
    body = {"shown": "transcript-1", "action": "swap", "speaker": "A", "other": "B"}
    assert (await post(site, seat, "transcript/edits", **body)).status_code == 200
    return seat


async def post(site: Site, seat: Seat, path: str, **body: object) -> httpx.Response:
    return await site.client.post(f"{seat.path}/{path}", json=body, headers={**seat.changing, **JSON})


async def page(site: Site, seat: Seat) -> str:
    return (await site.client.get(seat.path, headers={**seat.cookie, **PAGE})).text


async def draft(site: Site, seat: Seat, revision: int) -> Result:
    """What the worker does."""
    return Result.read(await _attempt(site.parts, "redraft", seat.visit_id, str(revision)))


async def drafts(site: Site, seat: Seat) -> list[DraftNote]:
    return list(reversed(await site.parts.visits.history(seat.visit_id, DraftNote)))


async def test_a_correction_offers_a_redraft_and_the_redraft_rests_on_the_corrected_transcript(again: Site) -> None:
    seat = await seat_of(again)
    shown = await page(again, seat)
    assert "The transcript was corrected after this note was drafted" in shown
    assert 'name="replace"' not in shown
    assert (await post(again, seat, "redraft", revision=1)).json()["live"] is True
    assert "being drafted again" in await page(again, seat)
    problem_of(await post(again, seat, "redraft", revision=1), status=409, slug="conflict")
    assert (await draft(again, seat, 1)).value == "2"
    old, new = await drafts(again, seat)
    newest = await again.parts.visits.need(seat.visit_id, Transcript)
    assert (new.revision, new.instead_of, new.transcript_id) == (2, 1, newest.transcript_id)
    assert old == first_draft()
    ids = {turn.turn_id for turn in newest.turns}
    cited = {one for section in new.sections for sentence in section.sentences for one in sentence.turn_ids}
    assert cited and cited <= ids
    after = await page(again, seat)
    assert "drafted again from the corrected transcript" in after and "being drafted" not in after
    assert (await again.client.get(f"{seat.path}/status", headers={**seat.cookie, **JSON})).json()["live"] is False


async def test_a_redraft_that_ran_twice_is_made_once(again: Site) -> None:
    seat = await seat_of(again)
    await post(again, seat, "redraft", revision=1)
    assert [(await draft(again, seat, 1)).value for _ in range(2)] == ["2", "2"]
    assert len(await drafts(again, seat)) == 2
    copies = await again.parts.ledger.copies(seat.visit_id)
    assert [copy.kind for copy in copies] == ["completion"], "the model was asked twice"


async def test_changes_by_hand_are_replaced_only_where_that_was_confirmed_and_one_undo_brings_them_back(
    again: Site,
) -> None:
    seat = await seat_of(again, by_hand=True)
    assert 'name="replace"' in await page(again, seat)
    refused = problem_of(await post(again, seat, "redraft", revision=1), status=422, slug="input-refused")
    assert "by hand" in refused
    assert (await post(again, seat, "redraft", revision=1, replace="yes")).status_code == 200
    await draft(again, seat, 1)
    assert "bring back the note before it" in await page(again, seat)
    problem_of(await post(again, seat, "redraft/undo", revision=1), status=409, slug="conflict")
    assert (await post(again, seat, "redraft/undo", revision=2)).status_code == 200
    back = (await drafts(again, seat))[-1]
    assert (back.revision, back.sections, back.transcript_id) == (3, first_draft().sections, "transcript-1")
    assert back.stamp.maker == "review/edits@1"
    shown = await page(again, seat)
    assert "The transcript was corrected after this note was drafted" in shown and 'name="replace"' in shown
    problem_of(await post(again, seat, "redraft/undo", revision=3), status=409, slug="conflict")


async def test_a_note_changed_while_it_was_drafted_again_stays_and_says_so(again: Site) -> None:
    seat = await seat_of(again)
    await post(again, seat, "redraft", revision=1)
    edited = {"revision": 1, "sections": {"subjective": [{"id": "s1", "text": "Back pain since March."}]}}
    assert (await post(again, seat, "note", **edited)).status_code == 200
    assert (await draft(again, seat, 1)).value == "2"
    kept = (await drafts(again, seat))[-1]
    assert [one.text for one in kept.sections[0].sentences] == ["Back pain since March."]
    shown = await page(again, seat)
    assert "The transcript was corrected after this note was drafted" in shown and "being drafted" not in shown


async def test_a_redraft_once_changed_by_hand_cannot_be_undone_any_more(again: Site) -> None:
    seat = await seat_of(again)
    await post(again, seat, "redraft", revision=1)
    await draft(again, seat, 1)
    now = (await drafts(again, seat))[-1]
    section = next(one for one in now.sections if one.sentences)
    kept = [{"id": one.sentence_id, "text": f"{one.text} Indeed."} for one in section.sentences]
    assert (await post(again, seat, "note", revision=2, sections={section.key: kept})).status_code == 200
    problem_of(await post(again, seat, "redraft/undo", revision=3), status=409, slug="conflict")
    assert "bring back the note before it" not in await page(again, seat)


async def test_a_note_of_the_present_transcript_is_not_drafted_again(again: Site) -> None:
    seat = await seat_of(again)
    newest = await again.parts.visits.need(seat.visit_id, Transcript)
    assert (await post(again, seat, "transcript/undo", shown=newest.transcript_id)).status_code == 200
    assert 'id="redraft"' not in await page(again, seat)
    refused = problem_of(await post(again, seat, "redraft", revision=1), status=409, slug="conflict")
    assert "nothing to draft again" in refused
    problem_of(await post(again, seat, "redraft", revision=7), status=409, slug="conflict")
    problem_of(await post(again, seat, "redraft"), status=422, slug="input-refused")


async def test_a_redraft_that_waits_for_its_vendor_is_told_as_such(site: Site) -> None:
    seat = await seat_of(site)
    await post(site, seat, "redraft", revision=1)
    assert (await draft(site, seat, 1)).retryable
    shown = await page(site, seat)
    assert "being drafted again" in shown and "Try again now" in shown
    assert await drafts(site, seat) == [first_draft()]


async def test_a_redraft_that_failed_leaves_the_note_and_the_offer(again: Site) -> None:
    seat = await seat_of(again)
    await post(again, seat, "redraft", revision=1)
    now = again.parts.clock()
    # What the worker leaves behind when no usable draft came back.
    await again.parts.visits.call_attention(
        seat.visit_id, slug="draft-unusable", text="No sentence came back.", action=AGAIN, at=now
    )
    shown = await page(again, seat)
    assert "being drafted" not in shown and "The note stands below as it was." in shown
    assert "The transcript was corrected after this note was drafted" in shown
    assert (await post(again, seat, "redraft", revision=1)).status_code == 200
    assert (await again.parts.visits.row(seat.visit_id)).attention is None
    assert (await draft(again, seat, 1)).value == "2"


async def test_the_evidence_of_an_earlier_note_follows_a_turn_that_was_cut(again: Site) -> None:
    seat = await seat_of(again)
    newest = await again.parts.visits.need(seat.visit_id, Transcript)
    cut = {"shown": newest.transcript_id, "action": "cut", "turn": "t2", "word": 1, "speaker": "A"}
    assert (await post(again, seat, "transcript/edits", **cut)).status_code == 200
    shown = await page(again, seat)
    assert 'data-turns="t2 t2.1"' in shown and 'id="turn-t2.1"' in shown

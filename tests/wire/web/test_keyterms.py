"""The names the recogniser listens for, changed through the page: kept, undone, refused, and closed in time."""

from __future__ import annotations

import pytest

from connector.records import Launch, PatientContext, SpeechHints
from connector.visit.priming import prepare_hints
from connector.visit.transcription import keep_sent
from tests.wire.web.conftest import Seat, Site

JSON = {"Accept": "application/json"}


async def change(site: Site, seat: Seat, **body: object) -> int:
    answer = await site.client.post(f"{seat.path}/keyterms", json=body, headers={**JSON, **seat.changing})
    return answer.status_code


async def texts(site: Site, seat: Seat) -> list[str]:
    return [one.text for one in (await site.parts.visits.need(seat.visit_id, SpeechHints)).keyterms]


async def test_a_name_is_added_removed_and_the_removal_undone(site: Site) -> None:
    seat = await site.seat()
    assert await change(site, seat, add="Lakeside Heart") == 200
    assert (await texts(site, seat))[0] == "Lakeside Heart"
    assert await change(site, seat, remove="lisinopril") == 200
    assert "lisinopril" not in await texts(site, seat)
    assert await change(site, seat, undo=True) == 200
    assert {"Lakeside Heart", "lisinopril"} <= set(await texts(site, seat))


async def test_a_form_does_the_same_without_scripts(site: Site) -> None:
    seat = await site.seat()
    form = {"add": "Lakeside Heart", "csrf": seat.csrf}
    answer = await site.client.post(f"{seat.path}/keyterms", data=form, headers=seat.changing)
    assert answer.status_code == 303
    assert "Lakeside Heart" in await texts(site, seat)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"add": ""},
        {"add": "a\nb"},
        {"add": ["x"]},
        {"add": "x", "remove": "y"},
        {"unheard": 1},
        {"remove": "nobody"},
    ],
)
async def test_what_cannot_be_sent_is_refused_and_changes_nothing(site: Site, body: dict[str, object]) -> None:
    seat = await site.seat()
    before = await texts(site, seat)
    assert await change(site, seat, **body) in (400, 422)
    assert await texts(site, seat) == before


async def test_a_list_that_has_been_sent_does_not_change(site: Site) -> None:
    seat = await site.seat(state="CAPTURED")
    assert await change(site, seat, add="Lakeside Heart") == 409


async def test_edits_survive_a_later_reading_of_the_chart(site: Site) -> None:
    seat = await site.seat()
    await change(site, seat, remove="lisinopril")
    await change(site, seat, add="Lakeside Heart")
    visits = site.parts.visits
    hints, context = await visits.need(seat.visit_id, SpeechHints), await visits.need(seat.visit_id, PatientContext)
    launch = await visits.need(seat.visit_id, Launch)
    again = [one.text for one in prepare_hints(site.parts, launch, context, edits=hints.edits).keyterms]
    assert again[0] == "Lakeside Heart" and "lisinopril" not in again


async def test_where_a_prompt_goes_alone_no_term_is_said_to_have_been_sent(site: Site) -> None:
    seat = await site.seat()
    listed = await texts(site, seat)
    sent = await keep_sent(site.parts, seat.visit_id, ())
    assert sent.keyterms == () and sent.left_out >= len(listed) > 0 and sent.sent is not None
    answer = (await site.client.get(f"{seat.path}/context", headers={**JSON, **seat.changing})).json()
    assert answer["keyterms"] == []


async def test_the_terms_that_are_sent_are_kept_word_for_word(site: Site) -> None:
    seat = await site.seat()
    await change(site, seat, add="Lakeside Heart")
    listed = await texts(site, seat)
    sent = await keep_sent(site.parts, seat.visit_id, site.parts.policy.speech_models)
    assert [one.text for one in sent.keyterms] == listed
    kept = await site.parts.visits.need(seat.visit_id, SpeechHints)
    assert kept == sent and kept.sent is not None
    assert await keep_sent(site.parts, seat.visit_id, site.parts.policy.speech_models) == kept
    answer = (await site.client.get(f"{seat.path}/context", headers={**JSON, **seat.changing})).json()
    assert answer["sent"] == kept.sent.isoformat()
    assert [one["text"] for one in answer["keyterms"]] == listed
    await change(site, seat, undo=True)
    assert (await site.parts.visits.need(seat.visit_id, SpeechHints)).sent is None

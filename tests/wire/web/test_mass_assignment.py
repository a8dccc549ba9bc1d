"""Who, whose and where to are the session's to say: no body sets them, and the signer is who was proven to launch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.records import Consent, Launch, SignedNote
from connector.visit.note import show_note
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, Seat, Site

SMUGGLED = {
    "tenant": "elsewhere",
    "patient": "Patient/other",
    "visit_id": "0" * 32,
    "note_id": "0" * 32,
    "status": "final",
    "state": "FILED",
    "signer": "Practitioner/other",
    "signer_name": "Somebody Else",
    "practitioner": "Practitioner/other",
    "signed_at": "2020-01-01T00:00:00Z",
    "version": 9,
    "__proto__": {"admin": True},
}


async def reviewed(site: Site, **more: Any) -> Seat:
    return await site.seat(
        samples.consent(), samples.transcript(), samples.draft(), samples.shown().findings, state="DRAFTED", **more
    )


async def bodies_of(site: Site, seat: Seat) -> dict[str, dict[str, Any]]:
    """A right body for each route that takes JSON."""
    shown = await show_note(site.parts, seat.visit_id)
    recording = site.parts.new_id()
    await site.parts.chunks.open_recording(recording, seat.visit_id, token="t", at=site.parts.clock())
    return {
        "/note": {"revision": shown.draft.revision, "sections": {}},
        "/sign": {"revision": shown.draft.revision, "shown_sha256": shown.sha256, "attest": "yes"},
        f"/recordings/{recording}/close": {"chunks": 0},
    }


@pytest.mark.parametrize("name", SMUGGLED)
async def test_d03_a_field_nobody_asked_for_is_refused(site: Site, name: str) -> None:
    seat = await reviewed(site)
    for path, body in (await bodies_of(site, seat)).items():
        answer = await site.client.post(
            seat.path + path, json={**body, name: SMUGGLED[name]}, headers={**JSON, **seat.changing}
        )
        assert answer.status_code == 422, (path, answer.text)
        assert "may hold only" in answer.json()["detail"]
        assert name not in answer.json()["detail"].split()
    assert (await site.parts.visits.row(seat.visit_id)).state == "DRAFTED"


@pytest.mark.parametrize("name", ["origin", "turn_ids", "chart", "author"])
async def test_d03_a_sentence_has_an_id_and_a_text_and_nothing_else(site: Site, name: str) -> None:
    seat = await reviewed(site)
    body = (await bodies_of(site, seat))["/note"]
    body["sections"] = {"plan": [{"id": None, "text": "Rest.", name: "model"}]}
    answer = await site.client.post(f"{seat.path}/note", json=body, headers={**JSON, **seat.changing})
    assert answer.status_code == 422, answer.text


async def test_d03_fields_of_a_form_that_nobody_asked_for_change_nothing(site: Site) -> None:
    seat = await site.seat()
    before = await site.parts.visits.need(seat.visit_id, Launch)
    form = {"answer": "given", "method": "verbal", **{name: str(value) for name, value in SMUGGLED.items()}}
    answer = await site.client.post(f"{seat.path}/consent", data=form, headers={**JSON, **seat.changing})
    assert answer.status_code == 200, answer.text
    row = await site.parts.visits.row(seat.visit_id)
    consent = await site.parts.visits.need(seat.visit_id, Consent)
    assert (row.tenant, row.state, row.visit_id) == ("clinic", "PRIMED", seat.visit_id)
    assert consent.asked_by == before.practitioner
    assert await site.parts.visits.need(seat.visit_id, Launch) == before


async def test_d04_the_signer_is_who_was_proven_to_launch(site: Site) -> None:
    seat = await reviewed(site, clinician="Practitioner/alba")
    body = (await bodies_of(site, seat))["/sign"]
    answer = await site.client.post(f"{seat.path}/sign", json=body, headers={**JSON, **seat.changing})
    assert answer.status_code == 200, answer.text
    assert (await site.parts.visits.need(seat.visit_id, SignedNote)).signer == "Practitioner/alba"


@pytest.mark.parametrize("who", [None, "Patient/1", "RelatedPerson/1", "Device/1", "Person/1", "Organization/1"])
async def test_d04_who_is_no_clinician_or_is_not_proven_signs_nothing(site: Site, who: str | None) -> None:
    seat = await reviewed(site)
    launch = replace(await site.parts.visits.need(seat.visit_id, Launch), practitioner=who)
    async with site.parts.visits.engine.begin() as connection:
        await site.parts.visits.append_record(connection, seat.visit_id, launch, at=site.parts.clock())
    body = (await bodies_of(site, seat))["/sign"]
    answer = await site.client.post(f"{seat.path}/sign", json=body, headers={**JSON, **seat.changing})
    assert answer.status_code in (403, 409, 422), answer.text
    assert await site.parts.visits.latest(seat.visit_id, SignedNote) is None
    assert (await site.parts.visits.row(seat.visit_id)).state == "DRAFTED"


async def test_d04_another_clinicians_launch_cannot_sign_this_visit(site: Site) -> None:
    """With a session, a token and the very hash that is shown, but of a launch of the clinician's own."""
    first = await reviewed(site, clinician="Practitioner/first")
    second = await reviewed(site, clinician="Practitioner/second")
    body = (await bodies_of(site, first))["/sign"]
    for headers in (second.changing, {**second.changing, "X-CSRF-Token": first.csrf}):
        answer = await site.client.post(f"{first.path}/sign", json=body, headers={**JSON, **headers})
        assert answer.status_code == 404, answer.text
    assert await site.parts.visits.latest(first.visit_id, SignedNote) is None

"""The recorder's page and its look at the visit: who gets which, what it tells, and how a window gets there."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.records import ConsentAnswer
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site


async def watch(site: Site, seat: Seat) -> dict[str, object]:
    answer = await site.client.get(f"{seat.path}/recorder/watch", headers={**JSON, **seat.cookie})
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


async def begin(site: Site, seat: Seat, *, slices: int = 0) -> tuple[str, dict[str, str]]:
    """A microphone's piece with so many slices: its path and the headers of its token."""
    body = {"source": "microphone"}
    opened = await site.client.post(f"{seat.path}/recordings", json=body, headers={**JSON, **seat.changing})
    assert opened.status_code == 201
    path = f"/recordings/{opened.json()['recording_id']}"
    token = {**JSON, "Authorization": f"Upload {opened.json()['upload_token']}"}
    for seq in range(slices):
        data = bytes([seq]) * 4000
        sent = await site.client.put(
            f"{path}/chunks/{seq}", content=data, headers=token | {"Content-Digest": sum_of(data)}
        )
        assert sent.status_code == 204
    return path, token


def sum_of(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def test_the_page_records_once_the_patient_agreed(site: Site) -> None:
    seat = await site.seat(samples.consent())
    answer = await site.client.get(f"{seat.path}/recorder", headers={**PAGE, **seat.cookie})
    assert answer.status_code == 200
    assert "/static/js/recorder.js" in answer.text
    assert f'data-visit="{seat.visit_id}"' in answer.text
    assert "<title>Recorder – Scribe</title>" in answer.text


@pytest.mark.parametrize(
    ("state", "consent", "words"),
    [
        ("PRIMED", None, "Not everybody has been asked yet"),
        ("PRIMED", replace(samples.consent(), answer=ConsentAnswer.DECLINED), "does not agree to be recorded"),
        ("CAPTURED", samples.consent(), "has been recorded or typed already"),
    ],
)
async def test_the_page_says_why_nothing_is_recorded(site: Site, state: str, consent: object, words: str) -> None:
    seat = await site.seat(*([consent] if consent else []), state=state)
    answer = await site.client.get(f"{seat.path}/recorder", headers={**PAGE, **seat.cookie})
    assert words in answer.text
    assert "recorder.js" not in answer.text


async def test_a_look_tells_what_has_arrived_and_that_it_is_being_recorded(site: Site) -> None:
    seat = await site.seat(samples.consent())
    assert (await watch(site, seat))["sound"]["recorder"] is None
    path, _ = await begin(site, seat, slices=3)
    seen = await watch(site, seat)
    assert (seen["state"], seen["consent"], seen["locked"]) == ("CAPTURING", "given", False)
    sound = seen["sound"]
    assert (sound["seconds"], sound["pieces"], sound["live"], sound["resting"]) == (3, 1, True, None)
    assert sound["recorder"] == path.rsplit("/", 1)[1]
    assert 0 <= sound["quiet_seconds"] < 10


async def test_a_look_tells_a_rest_until_its_mark_has_a_length(site: Site) -> None:
    seat = await site.seat(samples.consent())
    path, token = await begin(site, seat, slices=1)
    mark = {"kind": "off-record", "at_ms": 900, "missing_ms": 0}
    assert (await site.client.put(f"{path}/marks/0", json=mark, headers=token)).status_code == 204
    assert (await watch(site, seat))["sound"]["resting"] == "off-record"
    await site.client.put(f"{path}/marks/0", json={**mark, "missing_ms": 4000}, headers=token)
    assert (await watch(site, seat))["sound"]["resting"] is None


async def test_a_look_tells_a_withdrawal_and_nothing_of_the_patient(site: Site) -> None:
    seat = await site.seat(samples.consent())
    await begin(site, seat, slices=1)
    form = {"answer": "withdrawn", "method": "verbal"}
    answer = await site.client.post(f"{seat.path}/consent", data=form, headers={**JSON, **seat.changing})
    assert answer.status_code == 200
    seen = await watch(site, seat)
    assert seen["consent"] == "refused"
    assert seen["state"] == "PRIMED"
    assert "Waters" not in str(seen)


async def test_a_ticket_leads_to_the_recorder_and_to_no_other_place(site: Site) -> None:
    seat = await site.seat(samples.consent())
    asked = await site.client.post(f"{seat.path}/window", data={"place": "recorder"}, headers={**JSON, **seat.changing})
    assert asked.json()["address"].endswith("&place=recorder")
    entered = await site.client.get(asked.json()["address"], headers=PAGE)
    assert (entered.status_code, entered.headers["location"]) == (303, f"{seat.path}/recorder")
    for place in ("//evil.invalid", "knows", "../launch"):
        asked = await site.client.post(f"{seat.path}/window", data={"place": place}, headers={**JSON, **seat.changing})
        assert "place" not in asked.json()["address"]
        entered = await site.client.get(f"{asked.json()['address']}&place={place}", headers=PAGE)
        assert entered.headers["location"] == seat.path


async def test_a_hidden_recorder_shows_nothing_of_the_patient_and_leads_back_to_itself(site: Site) -> None:
    seat = await site.seat(samples.consent())
    long_ago = site.parts.clock() - timedelta(seconds=site.parts.policy.session_idle + 1)
    await site.parts.returns.see(seat.launch_id, at=long_ago)
    answer = await site.client.get(f"{seat.path}/recorder", headers={**PAGE, **seat.cookie})
    assert 'name="place" value="recorder"' in answer.text
    assert "Waters" not in answer.text
    assert (await watch(site, seat))["locked"] is True

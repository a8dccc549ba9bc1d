"""Before a recording the page says what will be recognised less well, and only as long as that can still matter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.store.visits import Numbered
from tests.unit.web import samples
from tests.wire.web.conftest import PAGE, Site

SENTENCE = "Medical Mode does not have Polish: drugs, doses and conditions said in it are recognised less well."


async def page(site: Site, language: str | None, *records: object, state: str = "PRIMED") -> str:
    """The page of a visit whose patient speaks this language by the chart."""
    context = samples.context()
    person = replace(context.patient.items[0], language=language)
    charted = replace(context, patient=replace(context.patient, items=(person,)))
    seat = await site.seat(samples.consent(), Numbered(charted, 2), *records, state=state)
    answer = await site.client.get(seat.path, headers={**seat.cookie, **PAGE})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(("language", "told"), [("pl-PL", True), ("Polish", True), ("en-US", False), (None, False)])
async def test_a_language_without_medical_mode_is_told_of_before_the_recording(
    site: Site, language: str | None, told: bool
) -> None:
    assert (SENTENCE in await page(site, language)) is told


async def test_it_is_not_told_any_more_once_there_is_a_transcript(site: Site) -> None:
    assert SENTENCE not in await page(site, "pl", samples.recording(), samples.transcript(), state="TRANSCRIBED")

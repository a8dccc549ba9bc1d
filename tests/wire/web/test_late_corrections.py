"""A correction that was looked at before a withdrawal and is kept after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import Conflict
from connector.records import Launch, Transcript, TranscriptEdit
from connector.store.visits import Step
from connector.transcript.correcting import apply_edit
from connector.visit.correcting import _keep, _look
from tests.unit.web import samples
from tests.wire.web.conftest import Site


async def test_f06_destroyed_words_do_not_come_back_under_the_number_after_new_ones(site: Site) -> None:
    parts = site.parts
    seat = await site.seat(samples.consent(), samples.transcript(), state="TRANSCRIBED")
    launch = await parts.visits.need(seat.visit_id, Launch)
    seen = await _look(parts, seat.visit_id, "transcript-1")
    edit = TranscriptEdit("e1", "swap", "Practitioner/1", parts.clock(), {"speaker": "A", "other": "B"})
    made = apply_edit(seen.transcript, edit)
    async with parts.visits.engine.begin() as connection:
        await parts.visits.hold_state(connection, seat.visit_id)
        await parts.shredder.destroy(connection, seat.visit_id, words=True)
    later = replace(samples.transcript(), transcript_id="transcript-2")
    again = Step(
        seat.visit_id, ("TRANSCRIBED",), "TRANSCRIBED", "visit.test", "system", parts.clock(), records=(later,)
    )
    await parts.visits.commit(again)
    with pytest.raises(Conflict):
        await _keep(parts, launch, seen, made=made)
    assert await parts.visits.history(seat.visit_id, Transcript) == [later]

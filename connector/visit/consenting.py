"""Who was asked to be recorded and what they said, at any state. In: what the clinician notes. Out: a Consent, kept.

Anything but a yes ends a recording under way.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.consent.answer import record_consent
from connector.records import Consent, ConsentAnswer, Launch, Stamp
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Move, move

_DROPPED = (State.CAPTURING, State.PRIMED)


async def keep_consent(parts: Parts, visit_id: str, *, answer: str, method: str) -> Consent:
    """Records the patient's answer; the newest one counts. Anything but a yes ends a recording under way."""
    launch = await parts.visits.need(visit_id, Launch)
    consent = record_consent(
        answer,
        method,
        consent_id=parts.new_id(),
        wording=parts.rules.consent.wording_id,
        stamp=Stamp(maker="consent.yaml@2", at=parts.clock(), who=launch.practitioner or launch.launch_id),
    )
    detail = {"answer": str(consent.answer), "method": method}
    actor = launch.practitioner or "unidentified"

    async def close(connection: AsyncConnection) -> None:
        await parts.chunks.drop_open(connection, visit_id)

    if (await parts.visits.row(visit_id)).state == State.CAPTURING and consent.answer is not ConsentAnswer.GIVEN:
        await move(parts, visit_id, Move(_DROPPED, records=(consent,), actor=actor, detail=detail, also=close))
    else:
        await move(parts, visit_id, Move((State.PRIMED, State.PRIMED), records=(consent,), actor=actor, detail=detail))
    return consent

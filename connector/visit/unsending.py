"""What was told to a recogniser of a recording that is destroyed. In: a visit. Out: nothing of it is kept.

The list itself stays, as it was before it was sent: it was made from the chart, and a new recording needs it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.records import SpeechHints
from connector.store.records import delete_records, list_numbers
from connector.visit.parts import Parts


async def unsend_keyterms(parts: Parts, connection: AsyncConnection, visit_id: str) -> None:
    """Deletes the lists kept as sent, in the caller's transaction; the newest one goes on as a list not sent yet."""
    history = await parts.visits.history(visit_id, SpeechHints, within=connection)
    numbers = await list_numbers(connection, visit_id, SpeechHints)
    sent = [number for number, hints in zip(numbers, history, strict=True) if hints.sent is not None]
    if not sent:
        return
    await delete_records(connection, visit_id, SpeechHints, numbers=sent)
    if history[0].sent is not None:
        fresh = replace(history[0], sent=None)
        await parts.visits.append_record(connection, visit_id, fresh, at=parts.clock())

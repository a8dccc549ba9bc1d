"""What lapsed before it became a visit. In: parts. Out: nothing: launches under way, searches for a patient, tickets.

A search for a patient holds the EHR's tokens, sealed: they are kept no longer than anybody may use them.
"""

from __future__ import annotations

from connector.launch.callback import PENDING_FOR
from connector.visit.parts import Parts


async def forget_lapsed(parts: Parts) -> None:
    """Deletes launches and searches older than ten minutes, and tickets nobody used in their minute."""
    now = parts.clock()
    await parts.sessions.sweep_pending(before=now - PENDING_FOR)
    await parts.returns.sweep_tickets(before=now)

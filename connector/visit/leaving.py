"""Leaving: a launch's session ends at once and its access is given back. In: a launch. Out: what still has to be done.

A signed note on its way keeps the access until it is filed. Nobody waits for the EHR in order to leave, and no session
that was left is ever opened again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.store.audit import AuditEvent
from connector.store.sessions import LaunchRow, TokenRow
from connector.visit.access import revoke
from connector.visit.parts import Parts
from connector.visit.states import State


@dataclass(frozen=True, slots=True)
class Departure:
    """`waiting`: a signed note still needs the launch's access. Otherwise `tokens` are those to be revoked, if any."""

    waiting: bool
    tokens: TokenRow | None = field(repr=False)


async def leave(parts: Parts, row: LaunchRow, *, actor: str) -> Departure:
    """Ends the session in all its windows, in one transaction with its audit link; the caller revokes afterwards."""
    now = parts.clock()
    async with parts.visits.engine.begin() as connection:
        # With the visit's row held, no signature and no filing comes between looking and leaving.
        waiting = await parts.visits.hold_state(connection, row.visit_id) == State.SIGNED
        await parts.sessions.close_session(connection, row.launch_id, at=now)
        tokens = None if waiting else await parts.sessions.take_tokens(connection, row)
        event = AuditEvent(row.tenant, "visit.left", row.visit_id, actor, now, {"note_waiting": waiting})
        await parts.visits.note_event(event, connection)
    return Departure(waiting, tokens)


async def give_access_back(parts: Parts, visit_id: str) -> None:
    """For sessions that are over and kept their access only for a note: forgets the tokens and revokes them."""
    for row in await parts.sessions.closed_launches(visit_id, at=parts.clock()):
        async with parts.sessions.engine.begin() as connection:
            tokens = await parts.sessions.take_tokens(connection, row)
        await revoke(parts, row, tokens.secrets if tokens else {})

"""A language model service that refuses our account: asked of the operator once, for first drafts and for redrafts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.app import Composition
from connector.clients.gateway import Gateway
from connector.clients.http import Patience, make_client
from connector.examining import tell_notice
from connector.store.reach import Reach, narrowed
from connector.visit.parts import Parts
from connector.visit.vendor_account import wake_waiting
from connector.web.progress_view import build_attention
from connector.worker.workflows import _attempt
from tests.unit.web import samples
from tests.wire.clients_assemblyai.conftest import Peer
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_completions import NOTE
from tests.wire.web.test_redraft import post
from tests.wire.web.test_redraft import seat_of as corrected

GOOD = Peer.answer(
    200,
    {
        "request_id": "r1",
        "model": "one",
        "choices": [{"message": {"role": "assistant", "content": NOTE}, "finish_reason": "stop"}],
    },
)
REFUSALS = {
    "key": Peer.answer(401, {"error": {"message": "Authentication error, API token missing/invalid"}}),
    "quota": Peer.answer(403, {"error": {"message": "Forbidden: the quota has been exceeded"}}),
    "balance": Peer.answer(402, {"error": {"message": "Payment required"}}),
}
STATES = {"draft": "TRANSCRIBED", "redraft": "DRAFTED"}


class World:
    """A service on a socket, parts that speak to it at a time the test holds, and who was woken."""

    def __init__(self, parts: Parts, peer: Peer, gateway: Gateway) -> None:
        self.peer, self.now, self.woken = peer, parts.clock(), list[str]()
        policy = replace(parts.policy, gateway_model="one")
        self.parts = replace(parts, gateway=gateway, policy=policy, clock=lambda: self.now, wake=self._wake)

    async def _wake(self, visit_id: str) -> None:
        self.woken.append(visit_id)

    async def take(self, action: str, seat: Seat) -> dict[str, Any]:
        """The step as the worker takes it."""
        with narrowed(Reach(visit_id=seat.visit_id)):
            return await _attempt(self.parts, action, seat.visit_id, "1")


@pytest.fixture
async def world(product: Composition) -> AsyncIterator[World]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    hurried = Patience(attempts=2, deadline_s=60.0, first_s=0.01, most_s=0.02)
    async with make_client(timeout=60.0) as client:
        one = World(product.parts, peer, Gateway(client, base_url=peer.url, api_key="k", patience=hurried))
        yield one
        await one.parts.notices.close("gateway", at=one.now)
        await wake_waiting(one.parts)
    server.close()


async def seat_of(site: Site, action: str) -> Seat:
    """A visit whose transcript is to be drafted, or whose note is to be drafted again."""
    if action == "draft":
        return await site.seat(samples.consent(), samples.transcript(), state="TRANSCRIBED")
    seat = await corrected(site)
    assert (await post(site, seat, "redraft", revision=1)).status_code == 200
    return seat


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("action", STATES)
async def test_g14_the_operator_is_asked_once_for_the_model_service_and_every_draft_waits(
    world: World, site: Site, action: str, kind: str
) -> None:
    seats = [await seat_of(site, action) for _ in range(3)]
    world.peer.plays(REFUSALS[kind])
    with capture_logs() as lines:
        results = [await world.take(action, seat) for seat in seats]
    assert [(one["slug"], one["retryable"]) for one in results] == [("vendor-account", True)] * 3
    asked = [(line["action"], line["kind"]) for line in lines if line["event"] == "operator.asked"]
    assert asked == [("gateway", kind)]
    assert len(world.peer.requests) == 1, "the others wait without a call"
    (notice,) = await world.parts.notices.open("gateway")
    assert await world.parts.notices.open("speech") == []
    assert (notice.kind, notice.opened_at) == (kind, world.now)
    assert tell_notice(notice).text.startswith("Language model service: ")
    for seat in seats:
        row = await world.parts.visits.row(seat.visit_id)
        assert (row.state, row.attention) == (STATES[action], "vendor-account")
        assert row.attention_action == "wait-for-operator"
        assert "language model service" in (row.attention_text or "")
        flag = {"attention": row.attention, "attention_action": row.attention_action}
        shown = build_attention(samples.facts(row.state, **flag, attention_text=row.attention_text))
        assert shown is not None and shown.button is None
        assert await world.parts.ledger.copies(seat.visit_id) == [], "what was turned away left nothing"


@pytest.mark.parametrize("action", STATES)
async def test_g14_the_first_draft_that_goes_through_wakes_those_that_wait_for_it(
    world: World, site: Site, action: str
) -> None:
    seats = [await seat_of(site, action) for _ in range(3)]
    world.peer.plays(REFUSALS["key"])
    for _ in range(2):
        for seat in seats:
            await world.take(action, seat)
        world.now += timedelta(seconds=61)
    assert len(world.peer.requests) == 2, "one visit in a minute tries"
    assert await wake_waiting(world.parts) == 0
    world.peer.plays(GOOD)
    with capture_logs() as lines:
        assert (await world.take(action, seats[0]))["slug"] is None
    assert [line["action"] for line in lines if line["event"] == "operator.answered"] == ["gateway"]
    assert await world.parts.notices.open("gateway") == []
    assert (await world.parts.visits.row(seats[0].visit_id)).attention is None
    await wake_waiting(world.parts)
    assert set(world.woken) >= {seats[1].visit_id, seats[2].visit_id}
    for seat in seats[1:]:
        assert (await world.take(action, seat))["slug"] is None

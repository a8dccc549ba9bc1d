"""Slices lost, repeated, out of order, late or damaged: what was acknowledged is there, and nothing else.

The model knows which bytes each piece has acknowledged and which pieces still take any; the service is asked over its
routes, as a recorder asks it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from connector.web.application import make_application
from connector.web.reading import settle
from tests.fixtures.product import ORIGIN, Compose
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, Seat, Site

Result = TypeVar("Result")
SLICES = 5
TAKING = ("open", "superseded")


@dataclass
class World:
    """What lives through all examples: the application and the loop it runs in."""

    run: asyncio.Runner
    site: Site


@dataclass
class Piece:
    """One run of a recorder as the model sees it."""

    visit: int
    recording_id: str
    token: str
    state: str = "open"
    held: dict[int, bytes] = field(default_factory=dict)

    def says(self, seq: int) -> bytes:
        """What its microphone heard in slice `seq`."""
        return hashlib.sha256(f"{self.recording_id}|{seq}".encode()).digest() * (seq + 1)


@pytest.fixture(scope="module")
def world(compose_product: Compose) -> Iterator[World]:
    with asyncio.Runner() as runner:
        opening = compose_product()
        composition = runner.run(opening.__aenter__())
        app = make_application(composition.parts, version="0")
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)
        yield World(runner, Site(app, composition.parts, client))
        runner.run(client.aclose())
        runner.run(settle(app))
        runner.run(opening.__aexit__(None, None, None))


class Slices(RuleBasedStateMachine):
    """Two visits, each recorded by one window after another."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.seats: list[Seat] = [self._do(world.site.seat(samples.consent())) for _ in range(2)]
        self.pieces: list[Piece] = []
        self.withdrawn: set[int] = set()

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.world.run.run(work)

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        rest["headers"] = {**JSON, **rest.get("headers", {})}
        return self._do(self.world.site.client.request(method, path, **rest))

    def _change(self, visit: int, path: str, **rest: Any) -> httpx.Response:
        seat = self.seats[visit]
        return self._ask("POST", f"{seat.path}{path}", headers=seat.changing, **rest)

    def _put(self, piece: Piece, seq: int, data: bytes, *, announced: bytes | None = None) -> httpx.Response:
        digest = base64.b64encode(hashlib.sha256(data if announced is None else announced).digest()).decode()
        headers = {"Authorization": f"Upload {piece.token}", "Content-Digest": f"sha-256=:{digest}:"}
        return self._ask("PUT", f"/recordings/{piece.recording_id}/chunks/{seq}", content=data, headers=headers)

    def _live(self, visit: int) -> bool:
        return any(one.visit == visit and one.state == "open" for one in self.pieces)

    @rule(visit=st.integers(0, 1), take_over=st.booleans())
    def begin(self, visit: int, take_over: bool) -> None:
        """A window begins to record; another that records just now has to be taken over."""
        answer = self._change(visit, "/recordings", json={"source": "microphone", "take_over": take_over})
        if visit in self.withdrawn:
            assert answer.status_code == 403
            return
        if self._live(visit) and not take_over:
            assert answer.json()["type"].endswith(":recorded-elsewhere")
            return
        assert answer.status_code == 201, answer.text
        for one in self.pieces:
            if one.visit == visit and one.state == "open":
                one.state = "superseded"
        self.pieces.append(Piece(visit, answer.json()["recording_id"], answer.json()["upload_token"]))

    @precondition(lambda self: self.pieces)
    @rule(
        data=st.data(),
        seq=st.integers(0, SLICES - 1),
        how=st.sampled_from(["whole", "whole", "whole", "whole", "damaged", "crossed", "empty"]),
    )
    def send(self, data: st.DataObject, seq: int, how: str) -> None:
        """A slice arrives: in any order, again, late, damaged on its way, as other bytes, or at another's piece."""
        piece = data.draw(st.sampled_from(self.pieces))
        said = piece.says(seq)
        if how == "damaged":
            answer = self._put(piece, seq, said[:-1] + bytes([said[-1] ^ 1]), announced=said)
            assert answer.status_code == 400, answer.text
        elif how == "empty":
            assert self._put(piece, seq, b"").status_code in (400, 403)
        elif how == "crossed":
            stranger = Piece(piece.visit, piece.recording_id, self.pieces[0].token)
            if stranger.token != piece.token:
                assert self._put(stranger, seq, said).status_code == 403
        else:
            self._expect(piece, seq, said, self._put(piece, seq, said))

    @precondition(lambda self: any(one.held for one in self.pieces))
    @rule(data=st.data(), other=st.booleans())
    def send_again(self, data: st.DataObject, other: bool) -> None:
        """A slice whose answer was lost comes again, or other bytes come under its number."""
        piece = data.draw(st.sampled_from([one for one in self.pieces if one.held]))
        seq = data.draw(st.sampled_from(sorted(piece.held)))
        sent = piece.held[seq] + (b"!" if other else b"")
        self._expect(piece, seq, sent, self._put(piece, seq, sent))

    def _expect(self, piece: Piece, seq: int, sent: bytes, answer: httpx.Response) -> None:
        """What the answer to whole bytes under a number must be."""
        if piece.visit in self.withdrawn:
            assert answer.status_code == 403, answer.text
        elif seq in piece.held:
            assert answer.status_code == (204 if piece.held[seq] == sent else 409), answer.text
        elif piece.state not in TAKING:
            assert answer.status_code == 409, answer.text
        else:
            assert (answer.status_code, answer.headers["recording-state"]) == (204, piece.state), answer.text
            piece.held[seq] = sent

    @precondition(lambda self: self.pieces)
    @rule(data=st.data())
    def reload(self, data: st.DataObject) -> None:
        """The page comes back, asks for a token of its own, and the old one opens nothing any more."""
        piece = data.draw(st.sampled_from(self.pieces))
        answer = self._change(piece.visit, f"/recordings/{piece.recording_id}/token")
        if piece.state not in TAKING or piece.visit in self.withdrawn:
            assert answer.status_code == 404, answer.text
            return
        before, piece.token = piece.token, answer.json()["upload_token"]
        assert self._put(Piece(piece.visit, piece.recording_id, before), 0, piece.says(0)).status_code == 403

    @precondition(lambda self: any(one.state in TAKING and one.held for one in self.pieces))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """A piece has been looked through and takes no more."""
        piece = data.draw(st.sampled_from([one for one in self.pieces if one.state in TAKING and one.held]))
        if piece.visit not in self.withdrawn:
            chunks = self.world.site.parts.chunks
            self._do(chunks.keep_whole(piece.recording_id, chunks=len(piece.held), facts={}))
            piece.state = "whole"

    @precondition(lambda self: len(self.withdrawn) < 1 and len(self.pieces) > 2)
    @rule(visit=st.integers(0, 1))
    def withdraw(self, visit: int) -> None:
        """The patient withdraws: nothing more is taken, and what came is gone."""
        answer = self._change(visit, "/consent", data={"answer": "withdrawn", "method": "verbal", "sure": "yes"})
        assert answer.status_code == 200, answer.text
        self.withdrawn.add(visit)
        for piece in self.pieces:
            if piece.visit == visit:
                piece.held.clear()

    @invariant()
    def what_was_acknowledged_is_there_and_nothing_else(self) -> None:
        chunks = self.world.site.parts.chunks
        for piece in self.pieces:
            held = {one.seq: one.sha256 for one in self._do(chunks.acknowledged(piece.recording_id))}
            assert held == {seq: hashlib.sha256(data).hexdigest() for seq, data in piece.held.items()}

    def teardown(self) -> None:
        """Every byte, in the order of its number."""
        chunks = self.world.site.parts.chunks
        for piece in self.pieces:
            if piece.held:
                row = self._do(chunks.find(piece.recording_id))
                whole = b"".join(data for _, data in sorted(piece.held.items()))
                assert self._do(chunks.read_range(row, 0, len(whole) + 1)) == whole
                assert (row.held_chunks, row.held_bytes) == (len(piece.held), len(whole))


def test_whatever_befalls_slices_what_was_acknowledged_is_kept_and_nothing_else(world: World) -> None:
    calm = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(lambda: Slices(world), settings=calm)

"""A completion stands in the ledger before it is asked for: whatever cuts the call off, no copy is without a row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.app import Composition
from connector.clients.gateway import Gateway, GatewayKind
from connector.clients.http import Patience, make_client
from connector.errors import ConnectorError, DraftUnusable, VendorOutcomeUnknown, VendorRejected, VendorUnavailable
from connector.records import DraftNote
from connector.store.reach import Reach, narrowed
from connector.visit.note import draft_note
from connector.visit.parts import Parts
from connector.visit.vendor_copies import delete_copies, erasure_of
from connector.web.erasure_view import build_erasure
from tests.wire.clients_assemblyai.conftest import Peer, Step
from tests.wire.web.conftest import Seat
from tests.wire.web.test_vendor_gate import seat_of

NOTE = (
    '{"subjective": [{"text": "Back pain for 2 weeks.", "turns": ["t1"], "chart": []}], '
    '"objective": [], "assessment": [], "plan": []}'
)


def _answer(content: str = NOTE, finish: str | None = "stop", **more: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content}
    return {"request_id": "r1", "model": "claude-x", "choices": [{"message": message, "finish_reason": finish}], **more}


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    scripted = Peer()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    yield scripted
    server.close()


@pytest.fixture
async def speaking(product: Composition, peer: Peer) -> AsyncIterator[Callable[[GatewayKind], Parts]]:
    """The product in front of the scripted peer, of either kind; two models, little patience."""
    hurried = Patience(attempts=2, deadline_s=5.0, first_s=0.01, most_s=0.02, retry_after_most_s=0.05)
    policy = replace(product.parts.policy, gateway_model="one", gateway_fallbacks=("two",), gateway_timeout=5.0)
    async with make_client(timeout=2.0) as client:

        def speak(kind: GatewayKind) -> Parts:
            gateway = Gateway(client, base_url=peer.url, api_key="k", kind=kind, patience=hurried)
            return replace(product.parts, gateway=gateway, policy=policy)

        yield speak


@pytest.fixture
def parts(speaking: Callable[[GatewayKind], Parts]) -> Parts:
    return speaking("assemblyai")


async def _draft(parts: Parts, peer: Peer, *steps: Step) -> tuple[Seat, ConnectorError | None]:
    """A transcript that is drafted once against these answers, and what that came to."""
    peer.plays(*steps)
    seat = await seat_of(parts, "TRANSCRIBED")
    with narrowed(Reach(visit_id=seat.visit_id)):
        try:
            await draft_note(parts, seat.visit_id)
        except ConnectorError as error:
            return seat, error
    return seat, None


async def _rows(parts: Parts, seat: Seat) -> list[tuple[str, str]]:
    copies = await parts.ledger.copies(seat.visit_id)
    return [(copy.kind, copy.vendor_id.partition(":")[0]) for copy in copies if copy.kind == "completion"]


@pytest.mark.parametrize(
    ("status", "named"), [(500, True), (502, False), (504, True)], ids=["failing", "failing without a name", "late"]
)
async def test_a_failure_leaves_a_row_by_name_or_as_unknown(parts: Parts, peer: Peer, status: int, named: bool) -> None:
    body = {"code": status, "message": "no"} | ({"request_id": "r9"} if named else {})
    seat, error = await _draft(parts, peer, peer.answer(status, body))
    assert isinstance(error, VendorUnavailable) and not isinstance(error, VendorOutcomeUnknown), "the flag is a draft's"
    assert len(peer.requests) == 1
    assert await _rows(parts, seat) == [("completion", "r9" if named else "unknown")]


async def test_a_lost_answer_leaves_a_row_as_unknown(parts: Parts, peer: Peer) -> None:
    seat, _ = await _draft(parts, peer, peer.hang_up())
    assert await _rows(parts, seat) == [("completion", "unknown")]


@pytest.mark.parametrize(
    ("status", "error"), [(400, VendorRejected), (429, VendorUnavailable), (503, VendorUnavailable)]
)
async def test_what_was_turned_away_leaves_none(
    parts: Parts, peer: Peer, status: int, error: type[ConnectorError]
) -> None:
    seat, raised = await _draft(parts, peer, peer.answer(status, {"code": status, "message": "no"}))
    assert isinstance(raised, error)
    assert await _rows(parts, seat) == []


async def test_an_answer_that_cannot_be_used_leaves_a_row_by_its_name(parts: Parts, peer: Peer) -> None:
    seat, error = await _draft(parts, peer, peer.answer(200, _answer(NOTE[:40], "length")))
    assert isinstance(error, DraftUnusable)
    assert await _rows(parts, seat) == [("completion", "r1")]


async def test_a_good_answer_leaves_one_row_and_names_the_model_that_answered(parts: Parts, peer: Peer) -> None:
    seat, error = await _draft(parts, peer, peer.answer(200, _answer(model="two")))
    assert error is None
    assert await _rows(parts, seat) == [("completion", "r1")]
    draft = await parts.visits.need(seat.visit_id, DraftNote)
    assert draft.stamp.model == "two"
    assert "json-repair" not in draft.stamp.maker


async def test_an_answer_with_a_slip_of_form_is_mended_and_the_draft_says_so(parts: Parts, peer: Peer) -> None:
    seat, error = await _draft(parts, peer, peer.answer(200, _answer(NOTE[:-1])))
    assert error is None
    draft = await parts.visits.need(seat.visit_id, DraftNote)
    assert draft.stamp.maker.endswith("+json-repair")
    assert draft.sections[0].sentences[0].text == "Back pain for 2 weeks."


async def test_an_answer_nobody_called_whole_is_not_mended(parts: Parts, peer: Peer) -> None:
    _, error = await _draft(parts, peer, peer.answer(200, _answer(NOTE[:-1], None)))
    assert isinstance(error, DraftUnusable)


async def test_elsewhere_each_model_that_was_asked_has_a_row(
    speaking: Callable[[GatewayKind], Parts], peer: Peer
) -> None:
    parts = speaking("openai")
    cut_off = _answer(NOTE[:40], "length") | {"request_id": None, "id": "chatcmpl-1"}
    good = _answer(model="two") | {"request_id": None, "id": "chatcmpl-2"}
    seat, error = await _draft(parts, peer, peer.answer(200, cut_off), peer.answer(200, good))
    assert error is None
    assert (await parts.visits.need(seat.visit_id, DraftNote)).stamp.model == "two"
    copies = await parts.ledger.copies(seat.visit_id)
    assert [copy.vendor_id for copy in copies] == ["chatcmpl-1", "chatcmpl-2"]


async def test_elsewhere_no_deletion_is_asked_for_and_none_is_claimed(
    speaking: Callable[[GatewayKind], Parts], peer: Peer
) -> None:
    parts = speaking("openai")
    seat, _ = await _draft(parts, peer, peer.answer(200, _answer()), peer.answer(404, {"error": "not found"}))
    with narrowed(Reach(visit_id=seat.visit_id)):
        assert await delete_copies(parts, seat.visit_id), "nothing is left to do"
    assert [request.method for request in peer.requests] == ["POST"]
    (copy,) = await parts.ledger.copies(seat.visit_id)
    assert (copy.kind, copy.state, copy.answered_at) == ("kept-draft", "held", None)
    view = build_erasure(await erasure_of(parts, seat.visit_id), parts.clock())
    assert view is not None and not view.complete
    assert view.summary == "1 draft is kept by the language model service, which offers no deletion."
    assert [(one.gone, one.standing) for one in view.copies] == [
        (False, "kept by that service's own rule, it offers no deletion")
    ]
    assert seat.visit_id not in await parts.ledger.visits_with_copies(before=parts.clock() + timedelta(days=99))


@pytest.mark.parametrize(
    "strange",
    [
        {"request_id": "r\u0000"},
        {"request_id": "\ud800", "id": "x" * 5000},
        {"model": "claude\u0000x"},
        {"usage": {"input_tokens": 10**40, "output_tokens": -(10**40)}},
    ],
)
async def test_what_cannot_be_kept_of_an_answer_costs_no_draft(
    parts: Parts, peer: Peer, strange: dict[str, object]
) -> None:
    """Trying again would pay for one completion after another, and never keep one."""
    seat, error = await _draft(parts, peer, peer.answer(200, _answer(**strange)))
    assert error is None and len(peer.requests) == 1
    assert await parts.visits.latest(seat.visit_id, DraftNote) is not None
    assert await _rows(parts, seat) == [("completion", "unknown" if "request_id" in strange else "r1")]

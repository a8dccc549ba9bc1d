"""Moves tried in any order: a visit goes along the arrows of the state table only, and each leaves one link."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from connector.app import Composition
from connector.errors import Conflict
from connector.store import schema
from connector.store.audit import verify_all
from connector.store.belonging import Belonging
from connector.visit.states import ARROWS, State, find_arrow
from connector.visit.steps import Move, move

_STATES = st.sampled_from(list(State))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tries=st.lists(st.tuples(_STATES, _STATES) | st.sampled_from([(a.source, a.target) for a in ARROWS]), max_size=25)
)
async def test_a_visit_moves_along_arrows_only_and_every_move_is_audited(
    product: Composition, tries: list[tuple[State, State]]
) -> None:
    parts, visit = product.parts, product.parts.new_id()
    await parts.visits.create(visit, Belonging("clinic"), at=parts.clock())
    stands, expected = State.LAUNCHED, ["visit.launched"]
    for source, target in tries:
        try:
            await move(parts, visit, Move((source, target)))
        except LookupError:
            assert not any((arrow.source, arrow.target) == (source, target) for arrow in ARROWS)
        except Conflict:
            assert source is not stands
        else:
            assert source is stands
            stands = target
            expected.append(find_arrow(source, target).event)
        assert (await parts.visits.row(visit)).state == stands
    table = schema.audit_events
    async with product.engine.connect() as connection:
        query = select(table.c.event).where(table.c.visit_id == visit).order_by(table.c.seq)
        assert list((await connection.execute(query)).scalars()) == expected
    assert all(report.broken_at is None for report in await verify_all(product.engine))

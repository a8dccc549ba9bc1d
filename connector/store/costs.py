"""What visits cost at the vendors. In: one use at a time. Out: sums by visit, by tenant, by month.

No patient data: kinds, models, seconds, tokens and money. A use is kept once, however often it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Update, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.database import for_reading
from connector.store.jobs import ACTIVE, PLANNED, joined_to_asked
from connector.store.reach import Reach, narrowed

ASIDE = "micros_aside"
"""What is set aside for a job, in what is kept with its row."""
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 9))")
_COLUMNS = ("cost_id", "visit_id", "tenant", "kind", "model", "units", "micros", "priced_on", "at")


@dataclass(frozen=True, slots=True)
class Cost:
    """One use. `kind`: `sound` or `extra` (units are seconds), `tokens-in` or `tokens-out` (units are tokens).

    `micros` are millionths of a dollar, None where no price is known; `priced_on` the day the price was told.
    """

    cost_id: str
    visit_id: str
    tenant: str
    kind: str
    model: str | None
    units: int
    micros: int | None
    priced_on: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """What one tenant's visits came to: millionths of a dollar, how many visits, and the uses without a price."""

    tenant: str
    micros: int
    visits: int
    uncounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What one tenant's visits may come to in a time: `cap` in millionths of a dollar."""

    tenant: str
    cap: int
    since: datetime
    until: datetime


class CostStore:
    """The table of uses."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._looking = for_reading(engine)

    async def add(self, costs: list[Cost]) -> None:
        """Keeps uses; one that is known by its id changes nothing."""
        if not costs:
            return
        rows = [{name: getattr(cost, name) for name in _COLUMNS} for cost in costs]
        async with self._engine.begin() as connection:
            statement = insert(schema.costs).values(rows)
            await connection.execute(statement.on_conflict_do_nothing(index_elements=["cost_id"]))

    async def of_visit(self, visit_id: str) -> list[Cost]:
        """Every use of one visit, oldest first."""
        table = schema.costs
        query = select(*[table.c[name] for name in _COLUMNS]).where(table.c.visit_id == visit_id)
        async with self._looking.connect() as connection:
            found = await connection.execute(query.order_by(table.c.at, table.c.cost_id))
            return [Cost(*row) for row in found]

    async def spent(self, tenant: str, *, since: datetime, until: datetime) -> int:
        """Millionths of a dollar one tenant's visits came to in that time; uses without a price count as nothing.

        A step meets its own visit's rows only: for this sum, of which nothing but the number is told, the tenant's.
        """
        with narrowed(Reach(tenant=tenant)):
            async with self._engine.connect() as connection:
                return await _sum(connection, tenant, since=since, until=until)

    async def set_aside(self, visit_id: str, micros: int, *, budget: Budget) -> int | None:
        """Sets what a visit's job will come to aside, until its row has ended: for whoever asks next it is spent.

        None where it is, once however often it is asked. Else what was spent, where the cap is reached by that and what
        is aside for others: then nothing is aside for this one. Jobs of one tenant ask one after the other, so that
        many at once do not all find the same money.
        """
        jobs, visits = schema.vendor_jobs, schema.visits
        mine = jobs.c.visit_id == visit_id
        under_way = jobs.c.visit_id == visits.c.visit_id, visits.c.tenant == budget.tenant, jobs.c.state.in_(ACTIVE)
        aside = select(func.coalesce(func.sum(jobs.c.asked[ASIDE].astext.cast(BigInteger)), 0)).where(*under_way, ~mine)
        kept = jobs.update().where(mine, jobs.c.state.in_(ACTIVE)).values(asked=joined_to_asked({ASIDE: micros}))
        with narrowed(Reach(tenant=budget.tenant)):
            async with self._engine.begin() as connection:
                await connection.execute(_ONE_AT_A_TIME, {"tenant": budget.tenant})
                spent = await _sum(connection, budget.tenant, since=budget.since, until=budget.until)
                reached = spent + int((await connection.execute(aside)).scalar_one()) >= budget.cap
                await connection.execute(_given_back(visit_id) if reached else kept)
        return spent if reached else None

    async def give_back(self, visit_id: str) -> None:
        """Nothing is aside any more for a visit's job that was not sent."""
        async with self._engine.begin() as connection:
            await connection.execute(_given_back(visit_id))

    async def by_tenant(self, *, since: datetime, until: datetime) -> list[Spent]:
        """What each tenant's visits came to in that time, by name; for whoever runs the service."""
        table = schema.costs
        within = table.c.at >= since, table.c.at < until
        sums = (
            select(
                table.c.tenant,
                func.coalesce(func.sum(table.c.micros), 0),
                func.count(func.distinct(table.c.visit_id)),
            )
            .where(*within)
            .group_by(table.c.tenant)
            .order_by(table.c.tenant)
        )
        unpriced = select(table.c.tenant, table.c.model).where(*within, table.c.micros.is_(None)).distinct()
        async with self._engine.connect() as connection:
            missing: dict[str, set[str]] = {}
            for tenant, model in await connection.execute(unpriced):
                missing.setdefault(tenant, set()).add(model or "unnamed")
            found = await connection.execute(sums)
            return [Spent(row[0], int(row[1]), row[2], tuple(sorted(missing.get(row[0], ())))) for row in found]


def _given_back(visit_id: str) -> Update:
    jobs = schema.vendor_jobs
    mine = jobs.update().where(jobs.c.visit_id == visit_id, jobs.c.state == PLANNED)
    return mine.values(asked=jobs.c.asked.op("-")(ASIDE))


async def _sum(connection: AsyncConnection, tenant: str, *, since: datetime, until: datetime) -> int:
    table = schema.costs
    query = select(func.coalesce(func.sum(table.c.micros), 0)).where(
        table.c.tenant == tenant, table.c.at >= since, table.c.at < until
    )
    return int((await connection.execute(query)).scalar_one())

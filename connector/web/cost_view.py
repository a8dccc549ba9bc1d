"""What a visit cost at the vendors, in words. In: its uses. Out: a view. Says what it does not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.assets.prices import MILLION
from connector.store.costs import Cost


@dataclass(frozen=True, slots=True)
class CostView:
    """`amount` in dollars, `as_of` the oldest day one of its prices was told, `uncounted` what has no price known."""

    amount: str
    as_of: str | None
    uncounted: tuple[str, ...]


def build_cost(costs: Sequence[Cost]) -> CostView | None:
    """The sum of a visit's uses; None where no vendor was used."""
    if not costs:
        return None
    priced = [cost for cost in costs if cost.micros is not None]
    days = [cost.priced_on for cost in priced if cost.priced_on]
    names = dict.fromkeys(cost.model or cost.kind for cost in costs if cost.micros is None)
    total = sum(cost.micros or 0 for cost in priced)
    return CostView(show_dollars(total), min(days, default=None), tuple(names))


def show_dollars(micros: int) -> str:
    """Millionths of a dollar as dollars and cents; below a dollar in tenths of a cent, and never as nothing."""
    if 0 < micros < 1000:
        return "less than $0.001"
    return f"${micros / MILLION:.3f}" if micros < MILLION else f"${micros / MILLION:,.2f}"

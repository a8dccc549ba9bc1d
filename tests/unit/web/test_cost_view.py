"""What a visit cost is told with the day of its prices, and never without what is not counted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.store.costs import Cost
from connector.web.cost_view import CostView, build_cost, show_dollars

AT = datetime(2026, 11, 27, tzinfo=UTC)


def _cost(kind: str, model: str, micros: int | None, day: str | None = "2026-10-07") -> Cost:
    return Cost(f"{kind}-{model}", "v1", "clinic", kind, model, 91, micros, day, AT)


def test_the_sum_the_oldest_day_and_each_thing_not_counted_once() -> None:
    costs = [
        _cost("sound", "universal-3-5-pro", 5308),
        _cost("extra", "medical-v1", None),
        _cost("tokens-in", "claude-a", 21_000, "2026-09-01"),
        _cost("tokens-in", "claude-b", None, None),
        _cost("tokens-out", "claude-b", None, None),
    ]
    assert build_cost(costs) == CostView("$0.026", "2026-09-01", ("medical-v1", "claude-b"))


def test_nothing_used_is_not_nothing_spent() -> None:
    assert build_cost([]) is None
    assert build_cost([_cost("sound", "odd", None)]) == CostView("$0.000", None, ("odd",))


@pytest.mark.parametrize(
    ("micros", "told"),
    [(0, "$0.000"), (1, "less than $0.001"), (1000, "$0.001"), (999_400, "$0.999"), (12_345_678, "$12.35")],
)
def test_money_is_shown_as_finely_as_it_matters(micros: int, told: str) -> None:
    assert show_dollars(micros) == told

"""Prices are read as they were told, with their day and source; what nobody told stays unknown and is never a guess."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml

from connector.assets.catalogue import load_mapping
from connector.assets.prices import Priced, Prices
from connector.errors import Misconfigured
from connector.proofreading import proofread_mapping
from connector.settings import Settings

DAY = {"as_of": "2026-10-07", "source": "a page"}
FILE: dict[str, Any] = {
    "version": 1,
    "speech": {"good": {"hour": 0.21, **DAY}, "odd": {"hour": None, **DAY}},
    "extras": {"medical-v1": {"hour": None, **DAY}},
    "models": {"claude-a": {"input": 3, "output": 15, **DAY}, "half": {"input": 3, "output": None, **DAY}},
}


def test_sound_is_counted_by_the_second() -> None:
    prices = Prices.from_dict(FILE)
    assert prices.of_sound("good", 3600) == Priced(210_000, "2026-10-07")
    assert prices.of_sound("good", 91) == Priced(5308, "2026-10-07")
    assert prices.of_sound("good", 0) == Priced(0, "2026-10-07")


def test_tokens_are_counted_each_way() -> None:
    prices = Prices.from_dict(FILE)
    assert prices.of_tokens("claude-a", "input", 1000) == Priced(3000, "2026-10-07")
    assert prices.of_tokens("claude-a", "output", 1000) == Priced(15_000, "2026-10-07")


def test_what_nobody_told_is_unknown_and_not_free() -> None:
    prices = Prices.from_dict(FILE)
    assert prices.of_sound("odd", 3600).micros is None
    assert prices.of_sound("never heard of", 3600) == Priced(None, None)
    assert prices.of_extra("medical-v1", 3600).micros is None
    assert prices.of_tokens("half", "output", 5).micros is None
    assert prices.of_tokens("sandbox-offline-drafter", "input", 5) == Priced(None, None)


def test_the_shipped_file_knows_the_models_that_are_set_unless_said() -> None:
    prices = Prices.from_dict(load_mapping("prices.yaml"))
    for model in Settings().speech_models:
        assert prices.of_sound(model, 3600).micros
    assert prices.of_extra("medical-v1", 3600) == Priced(None, "2026-10-07")


def _without(path: str) -> dict[str, Any]:
    changed = deepcopy(FILE)
    *way, last = path.split(".")
    place = changed
    for name in way:
        place = place[name]
    del place[last]
    return changed


def _with(path: str, value: object) -> dict[str, Any]:
    changed = deepcopy(FILE)
    *way, last = path.split(".")
    place = changed
    for name in way:
        place = place[name]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    "wrong",
    [
        _without("version"),
        _without("speech.good.source"),
        _without("speech.good.as_of"),
        _without("models.claude-a.output"),
        _with("more", {}),
        _with("version", True),
        _with("speech", []),
        _with("speech.good.hour", "0.21"),
        _with("speech.good.hour", -1),
        _with("speech.good.hour", True),
        _with("speech.good.as_of", "07.10.2026"),
        _with("speech.good.more", 1),
        _with("extras.medical-v1.source", ""),
    ],
)
def test_a_mistake_is_refused_at_start_and_found_by_the_check(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match=r"prices\.yaml"):
        Prices.from_dict(wrong)
    assert proofread_mapping("prices.yaml", yaml.safe_dump(wrong))


def test_the_check_finds_nothing_in_a_good_file() -> None:
    assert not proofread_mapping("prices.yaml", yaml.safe_dump(FILE))

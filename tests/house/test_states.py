"""The state tables hold together, and the code moves visits only along them."""

import re

import pytest

from connector.visit.states import ARROWS, OWNERS, Owner, State, find_arrow
from tests.house.generated import stale_files
from tests.house.tree import ROOT, python_files


@pytest.mark.parametrize("state", State)
def test_every_state_has_an_owner(state: State) -> None:
    assert OWNERS[state] in Owner


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_reached_and_left_but_for_the_ends(state: State) -> None:
    assert state is State.LAUNCHED or any(arrow.target is state for arrow in ARROWS)
    assert state is State.ERASED or any(arrow.source is state for arrow in ARROWS)


def test_every_pair_of_ends_has_one_event() -> None:
    ends = [(arrow.source, arrow.target) for arrow in ARROWS]
    assert len(ends) == len(set(ends))


def test_every_move_in_the_code_is_an_arrow() -> None:
    moves = []
    for path in python_files("connector"):
        source = (ROOT / path).read_text(encoding="utf-8")
        moves += re.findall(r"\(State\.(\w+), State\.(\w+)\)", source)
    assert len(moves) >= 10
    for source, target in moves:
        assert find_arrow(State[source], State[target]).event


def test_a_missing_arrow_is_refused() -> None:
    with pytest.raises(LookupError):
        find_arrow(State.FILED, State.LAUNCHED)


def test_generated_documents_are_up_to_date() -> None:
    assert stale_files() == []

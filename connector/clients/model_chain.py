"""Language models by preference, and what to do where one fails. In: names, a depth, one attempt. Out: a whole answer.

Never goes on after a refusal that settings or the operator have to mend: another model would only hide it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from connector.errors import DraftUnusable, VendorAccount, VendorUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelChain:
    """The model to ask first, and those to go on with where it fails: at most `depth` of them, in order."""

    first: str
    fallbacks: tuple[str, ...] = ()
    depth: int = 2

    @property
    def others(self) -> tuple[str, ...]:
        """The fallbacks that are used, each name once."""
        named = dict.fromkeys(one for one in self.fallbacks if one != self.first)
        return tuple(named)[: self.depth]

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that may answer, the first one first."""
        return (self.first, *self.others)


async def ask_in_turn(links: Sequence[ModelChain], attempt: Callable[[ModelChain], Awaitable[T]]) -> T:
    """The first answer of `attempt`, link by link; a link is gone on from where it is away, or its answer unusable.

    Where none answers, raises what waiting may mend before what it may not: the first link's being away counts more
    than the last one's answer that was cut off.
    """
    away: VendorUnavailable | None = None
    unusable: DraftUnusable | None = None
    for link in links:
        try:
            return await attempt(link)
        except VendorAccount:
            raise
        except VendorUnavailable as error:
            away = away or error
        except DraftUnusable as error:
            unusable = error
    last = away or unusable
    if last is None:
        raise ValueError("there is nobody to ask")
    raise last

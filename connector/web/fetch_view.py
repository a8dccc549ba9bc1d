"""A recording on its way from an address, as the page shows it. In: how far it has come. Out: words and a share.

Never holds the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from connector.store.fetches import FetchProgress


class FetchJson(TypedDict):
    """How far a fetch has come as the page polls it; `share` from 0 to 1, None where nobody told the size."""

    text: str
    share: float | None


@dataclass(frozen=True, slots=True)
class FetchView:
    """`text` in words, such as "12.0 MB of 40.0 MB"."""

    text: str
    share: float | None


def build_fetch(progress: FetchProgress | None) -> FetchView | None:
    """None where nothing is being fetched."""
    if progress is None:
        return None
    if not progress.size:
        return FetchView(_describe(progress.held), None)
    return FetchView(f"{_describe(progress.held)} of {_describe(progress.size)}", progress.held / progress.size)


def build_fetch_json(progress: FetchProgress | None) -> FetchJson | None:
    """The same for polling."""
    view = build_fetch(progress)
    return None if view is None else FetchJson(text=view.text, share=view.share)


def _describe(size: int) -> str:
    return f"{round(size / 1e3)} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"

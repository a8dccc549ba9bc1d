"""Who is connected to. In: nothing. Out: the network address of every connection begun while it watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_watching: list[list[object]] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _watching and isinstance(arguments[1], tuple):
        for seen in _watching:
            seen.append(arguments[1])


_installed: list[bool] = []


@contextmanager
def connections() -> Iterator[list[object]]:
    """A list that grows with every connection this process begins over the network; unix sockets do not count."""
    if not _installed:
        sys.addaudithook(_note)
        _installed.append(True)
    seen: list[object] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)

"""The product's own logging with every logger turned up. In: the captured stderr. Out: two streams, and all as before.

`raw` hears the same records as a careless setting would write them: the control that there was something to leak.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from connector.logs import start_logging


@contextmanager
def kept_logging() -> Iterator[None]:
    """Puts logging back as it was, whatever is configured inside."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    loggers = [one for one in logging.Logger.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    states = [(one, one.disabled, one.level) for one in loggers]
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for one, disabled, was in states:
            one.disabled, one.level = disabled, was
        structlog.configure(**before)


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """Logging as the product starts it, then every logger at DEBUG and none silenced."""
    with kept_logging():
        start_logging()
        raw = io.StringIO()
        root = logging.getLogger()
        root.setLevel(logging.DEBUG)
        root.addHandler(logging.StreamHandler(raw))
        names = ["httpx", "httpcore", "uvicorn", "uvicorn.access", "uvicorn.error", "authlib", "sqlalchemy.engine"]
        for name in {*names, *logging.Logger.manager.loggerDict}:
            one = logging.getLogger(name)
            one.disabled = False
            if not name.startswith("sqlalchemy"):
                one.setLevel(logging.DEBUG)
        yield raw

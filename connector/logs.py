"""Log lines as JSON with an allow-list of keys. In: events. Out: one line each on stderr. Values of other keys vanish.

A key that is not on the list is dropped, so that a careless line can never carry what a patient said.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "action", "event", "executor", "executors", "kind", "level", "method", "port", "route", "seconds", "slug",
        "state", "status", "support_code", "tenant", "timestamp", "visit_id", "where",
    }
)  # fmt: skip


def keep_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drops every key that is not on the list."""
    return {key: value for key, value in event.items() if key in ALLOWED}


def start_logging() -> None:
    """Sends our events to stderr as JSON lines and quietens everybody else's to warnings without arguments."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter('{"event": "library", "logger": "%(name)s", "level": "%(levelname)s"}'))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).disabled = True

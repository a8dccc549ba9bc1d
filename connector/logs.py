"""Log lines as JSON with an allow-list of keys. In: events. Out: one line each on stderr. Values of other keys vanish.

A key that is not on the list is dropped, so that a careless line can never carry what a patient said.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "action", "count", "event", "executor", "executors", "kind", "level", "method", "port", "route", "seconds",
        "slug", "state", "status", "support_code", "tenant", "timestamp", "visit_id", "where",
    }
)  # fmt: skip


def keep_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drops every key that is not on the list."""
    return {key: value for key, value in event.items() if key in ALLOWED}


class LibraryLines(logging.Formatter):
    """What libraries log, as one JSON line: who spoke and how loud, an exception's type and place, never a text.

    Messages, arguments and tracebacks of code that is not ours could hold anything.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line = {"event": "library", "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"kind": type(record.exc_info[1]).__name__, "where": where_raised(record.exc_info[1])}
        return json.dumps(line)


def where_raised(error: BaseException) -> str:
    """File and line of the innermost frame: enough to find a bug, and no value of any variable."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    path = trace.tb_frame.f_code.co_filename.replace("\\", "/").rsplit("/", 2)
    return f"{'/'.join(path[-2:])}:{trace.tb_lineno}"


def name_failure(error: BaseException) -> str:
    """An exception's type and the place that raised it, in words without a value; the first one of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__} at {where_raised(error)}"


def tell_no_tracebacks() -> None:
    """What Python itself would print of exceptions nobody caught, and of warnings, goes to the log as a library's."""
    logging.captureWarnings(True)
    python = logging.getLogger("python")

    def tell(error: BaseException | None, trace: TracebackType | None = None) -> None:
        if error is not None and not isinstance(error, KeyboardInterrupt):
            python.critical("", exc_info=(type(error), error, trace or error.__traceback__))

    sys.excepthook = lambda _, error, trace: tell(error, trace)
    sys.unraisablehook = lambda told: tell(told.exc_value)
    threading.excepthook = lambda told: tell(told.exc_value)


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
    handler.setFormatter(LibraryLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).disabled = True

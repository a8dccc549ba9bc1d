"""Case D9: no library of ours tells what it carries, at whatever level somebody sets it.

The product runs in a process of its own; every logger there is set to DEBUG once it serves. What is planted in
addresses, bodies, exceptions and their locals must not be on its streams; without our formatter it would be.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_MARKER = "Qzwaldtraut"
_SCRIPT = """
import asyncio, logging, socket, sys, threading, warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
import httpx, uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from connector.logs import start_logging, tell_no_tracebacks

marker, guarded = sys.argv[1], sys.argv[2] == "guarded"
if guarded:
    start_logging()
    tell_no_tracebacks()
else:
    logging.basicConfig(level=logging.DEBUG)

def raise_it(*_):
    raise ValueError(f"in a thread: {marker}")

class Kept:
    def __del__(self):
        raise ValueError(f"too late: {marker}")

async def fail(request):
    patient = f"told by {marker}"
    raise ValueError(f"cannot store {patient}")

async def main():
    application = Starlette(routes=[Route("/{rest:path}", fail, methods=["GET", "POST"])])
    listening = socket.create_server(("127.0.0.1", 0))
    options = {"log_config": None, "access_log": not guarded}
    server = uvicorn.Server(uvicorn.Config(application, **options))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    for name in ("", *logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{base}/{marker}?name={marker}", headers={"x-name": marker}, content=marker.encode())
    try:
        words = marker
        raise RuntimeError(words)
    except RuntimeError:
        logging.getLogger("dbos").exception("step failed: %s", words)
    task = asyncio.create_task(fail(None))
    await asyncio.wait([task])
    del task
    server.should_exit = True
    await serving
    threading.Thread(target=raise_it, name=marker).start()
    Kept()
    warnings.warn(f"unexpected value {marker}")

asyncio.run(main())
raise RuntimeError(f"at the very end: {marker}")
"""


def _run(how: str) -> str:
    told = subprocess.run(
        [sys.executable, "-c", _SCRIPT, _MARKER, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONASYNCIODEBUG": "1"},
        text=True,
        timeout=60,
    )
    assert told.returncode == 1
    return told.stdout


def test_d09_no_library_tells_what_it_carries_at_any_level() -> None:
    """uvicorn with its traceback, its access log, httpx, httpcore, asyncio, the durable engine, Python itself."""
    told = _run("guarded")
    assert _MARKER not in told
    for logger in ("uvicorn.error", "httpcore.connection", "dbos", "asyncio", "py.warnings"):
        assert f'"logger": "{logger}"' in told, f"{logger} was heard, and said nothing"
    python = [line for line in told.splitlines() if '"logger": "python"' in line]
    assert len(python) == 3 and all('"where": "<string>:' in line for line in python)


_TEXTS = ("cannot store told by", "step failed:", "in a thread:", "too late:", "unexpected value", "at the very end:")


@pytest.mark.parametrize("planted", [f"/{_MARKER}?name=", *(f"{text} {_MARKER}" for text in _TEXTS)])
def test_d09_without_our_formatter_they_would_tell(planted: str) -> None:
    assert planted in _run("open")

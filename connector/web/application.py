"""The ASGI application. In: Parts. Out: a FastAPI app with every route, header and error answer in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from connector.visit.parts import Parts
from connector.web import (
    capturing,
    correcting,
    deciding,
    fetching,
    hooks,
    knowing,
    launching,
    listening,
    picking,
    recorder,
    returning,
    visiting,
)
from connector.web.bodies import PlainForms
from connector.web.headers import SecurityHeaders
from connector.web.pages import Pages
from connector.web.problems import install_problems
from connector.web.reading import settle
from connector.web.session import ReachNothing
from connector.web.throttling import make_throttles

# Routes that need no session, and why. tests/house holds the router to this list.
OPEN_ROUTES: dict[str, str] = {
    "/launch": "the EHR sends the browser here; nothing is told",
    "/launch/standalone/{tenant}": "sends the browser to that EHR; nothing is told",
    "/launch/framed/{reference}": "goes on with the pending launch's cookie, or offers a window; nothing is told",
    "/launch/window/{reference}": "goes on only with its single-use ticket",
    "/pick/{pick_id}": "bound to the browser by the waiting launch's cookie; tells nothing",
    "/pick/{pick_id}/search": "the same cookie, and the form's token",
    "/pick/{pick_id}/look": "the same cookie, and the form's token",
    "/pick/{pick_id}/confirm": "the same cookie, and the form's token",
    "/launch/callback": "bound to the browser by the pending launch's cookie and state",
    "/launch/callback/{tenant}": "the same, with a redirect URI of its own for each EHR",
    "/ehr/{tenant}/jwks.json": "public keys, which are there to be read",
    "/recordings/{recording_id}": "needs the recording's upload token",
    "/recordings/{recording_id}/chunks/{seq}": "the same",
    "/recordings/{recording_id}/marks/{number}": "the same",
    "/recordings/{recording_id}/close": "the same",
    "/hooks/assemblyai/{job_key}": "needs the secret of the job; tells nothing, believes nothing",
    "/enter": "opens only what its single-use ticket carries",
    "/health/live": "says only that the process answers",
    "/health/ready": "says only that the database answers",
    "/static": "files of the product",
}


def make_application(parts: Parts, *, version: str) -> FastAPI:
    """The application; `parts` stay the caller's to close. Telemetry of the framework is off: spans would hold URLs."""
    app = FastAPI(
        title="SMART Scribe Connector",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_live_and_settle,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    pages = Pages(version, synthetic=not parts.policy.phi.on)
    app.state.parts, app.state.pages, app.state.priming = parts, pages, {}
    app.state.throttles = make_throttles(parts.policy)
    address = urlsplit(parts.policy.public_base_url)
    app.state.origin = f"{address.scheme}://{address.netloc}"
    rooms = (
        launching,
        picking,
        visiting,
        correcting,
        knowing,
        listening,
        capturing,
        deciding,
        fetching,
        recorder,
        returning,
        hooks,
    )
    for room in rooms:
        app.include_router(room.router)
    app.add_api_route("/health/live", _live, methods=["GET"])
    app.add_api_route("/health/ready", _ready, methods=["GET"])
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_middleware(PlainForms)
    install_problems(app, pages)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ReachNothing)
    return app


@asynccontextmanager
async def _live_and_settle(app: FastAPI) -> AsyncIterator[None]:
    """Nothing to begin; at the end the charts being read are read to the end, or left."""
    yield
    await settle(app)


async def _live() -> Response:
    return JSONResponse({"status": "live"})


async def _ready(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    async with parts.visits.engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    return JSONResponse({"status": "ready"})

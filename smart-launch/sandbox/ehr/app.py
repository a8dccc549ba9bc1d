"""In: a configuration. Out: the sandbox EHR as an ASGI app, faults outermost.
Never reads a file or an environment variable by itself and keeps nothing between two apps."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from .authorization import build_oauth_router
from .client_keys import open_keys_client
from .configuration import EhrConfig
from .fhir_routes import build_fhir_router
from .pages import build_pages_router
from .parts import HERE, EhrParts, assemble_parts
from .refusals import Refusal
from .sandbox_routes import build_sandbox_router
from .token_desk import build_token_router
from .upstream import open_upstream_client
from .wire_faults import FaultInjector

_PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "frame-src 'self' http: https:",
        "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'none'",
    )
)


def create_app(config: EhrConfig, *, clock: Callable[[], float] = time.time) -> FaultInjector:
    """The ASGI app of one sandbox EHR. It starts even when the FHIR server is not up yet."""
    http, keys_http = open_upstream_client(config.fhir_upstream), open_keys_client()
    parts = assemble_parts(config, clock, http=http, keys_http=keys_http)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            await parts.clinicians.ensure_own()
        except Refusal:
            pass  # tried again at every use and by GET /health
        yield
        await http.aclose()
        await keys_http.aclose()

    app = FastAPI(title="Sandbox EHR", lifespan=lifespan, openapi_url=None, redirect_slashes=False)

    @app.exception_handler(Refusal)
    async def answer_refusal(request: Request, refusal: Refusal) -> Response:
        """An OperationOutcome for programs, a page for browsers."""
        if request.url.path.startswith("/fhir") or "text/html" not in request.headers.get("Accept", ""):
            return refusal.respond()
        context = {"title": "Sandbox EHR cannot do this", "text": refusal.text}
        return parts.templates.TemplateResponse(request, "refusal.html", context, status_code=refusal.status)

    app.middleware("http")(_add_page_headers)
    _include_routes(app, parts)
    return FaultInjector(app, faults=parts.faults, journal=parts.journal)


def _include_routes(app: FastAPI, parts: EhrParts) -> None:
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.include_router(build_sandbox_router(parts))
    app.include_router(build_oauth_router(parts))
    app.include_router(build_token_router(parts))
    app.include_router(build_fhir_router(parts))
    app.include_router(build_pages_router(parts))


async def _add_page_headers(request: Request, call_next: Callable[..., object]) -> Response:
    response: Response = await call_next(request)  # type: ignore[misc]
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
    return response

"""In: a test's wishes. Out: fault rules, mischief, settings, the request journal, health.
Never part of what a real EHR offers: everything here is under /sandbox, but for /health."""

import json
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from .faults import FaultRefused
from .mischief import MischiefRefused
from .origins import refuse_foreign_origin
from .parts import EhrParts
from .refusals import Refusal
from .switchboard import SettingsRefused


def build_sandbox_router(parts: EhrParts) -> APIRouter:
    """The routes /health, /sandbox/faults, /sandbox/mischief, /sandbox/settings and /sandbox/requests."""
    router = APIRouter()
    desk = SandboxDesk(parts)
    router.add_api_route("/health", desk.health, methods=["GET"])
    router.add_api_route("/sandbox/faults", desk.list_faults, methods=["GET"])
    router.add_api_route("/sandbox/faults", desk.add_faults, methods=["POST"])
    router.add_api_route("/sandbox/faults", desk.clear_faults, methods=["DELETE"])
    router.add_api_route("/sandbox/mischief", desk.list_mischief, methods=["GET"])
    router.add_api_route("/sandbox/mischief", desk.add_mischief, methods=["POST"])
    router.add_api_route("/sandbox/mischief", desk.clear_mischief, methods=["DELETE"])
    router.add_api_route("/sandbox/settings", desk.list_settings, methods=["GET"])
    router.add_api_route("/sandbox/settings", desk.change_settings, methods=["PATCH"])
    router.add_api_route("/sandbox/settings", desk.reset_settings, methods=["DELETE"])
    router.add_api_route("/sandbox/requests", desk.list_requests, methods=["GET"])
    return router


class SandboxDesk:
    """What a test may ask for."""

    def __init__(self, parts: EhrParts) -> None:
        self._parts = parts

    async def health(self) -> Response:
        """`ready` is true once the FHIR server has answered and holds the sandbox's clinicians."""
        parts = self._parts
        try:
            await parts.clinicians.ensure_own()
        except Refusal:
            pass
        return JSONResponse({"status": "ok", "name": parts.config.name, "ready": parts.clinicians.ready})

    async def list_faults(self) -> Response:
        """The rules in force and how often each has struck."""
        return JSONResponse(self._describe_faults())

    async def add_faults(self, request: Request) -> Response:
        """Add one rule or a list of rules; 422 when one of them cannot be understood."""
        return await self._take(request, self._parts.faults.add, self._describe_faults)

    async def clear_faults(self, request: Request) -> Response:
        """Forget all rules."""
        refuse_foreign_origin(request, self._parts.config.base_url)
        self._parts.faults.clear()
        return Response(status_code=204)

    async def list_mischief(self) -> Response:
        """What is in force, and everything there is."""
        return JSONResponse(self._parts.mischief.describe())

    async def add_mischief(self, request: Request) -> Response:
        """Add mischief to the server, or to one launch: {"launch": ID, "mischief": …}; 422 when not understood."""
        return await self._take(request, self._add_mischief, self._parts.mischief.describe)

    async def clear_mischief(self, request: Request) -> Response:
        """Forget all mischief, of every launch too."""
        refuse_foreign_origin(request, self._parts.config.base_url)
        self._parts.mischief.clear()
        return Response(status_code=204)

    async def list_settings(self) -> Response:
        """The settings in force."""
        return JSONResponse(self._parts.switches.describe())

    async def change_settings(self, request: Request) -> Response:
        """Change some settings; 422 when they cannot be understood."""
        return await self._take(request, self._parts.switches.change, self._parts.switches.describe, status=200)

    async def reset_settings(self, request: Request) -> Response:
        """As the configuration has them."""
        refuse_foreign_origin(request, self._parts.config.base_url)
        self._parts.switches.reset()
        return Response(status_code=204)

    async def list_requests(self, after: int = 0, detail: bool = False) -> Response:
        """The journal's entries numbered higher than `after`, with their evidence when `detail` is 1."""
        return JSONResponse({"requests": self._parts.journal.list_after(after, with_evidence=detail)})

    async def _take(
        self, request: Request, take: Callable[[Any], None], describe: Callable[[], Any], *, status: int = 201
    ) -> Response:
        refuse_foreign_origin(request, self._parts.config.base_url)
        try:
            take(json.loads(await request.body()))
        except (FaultRefused, MischiefRefused, SettingsRefused) as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        except ValueError:
            return JSONResponse({"detail": "the body is not JSON"}, status_code=422)
        return JSONResponse(describe(), status_code=status)

    def _add_mischief(self, raw: Any) -> None:
        if isinstance(raw, dict) and "launch" in raw:
            launch_id = raw["launch"]
            if set(raw) != {"launch", "mischief"} or not self._parts.oauth.launches.knows(str(launch_id)):
                raise MischiefRefused("launch is a launch of this server, and mischief goes with it")
            self._parts.mischief.add(raw["mischief"], launch_id=launch_id)
        else:
            self._parts.mischief.add(raw)

    def _describe_faults(self) -> dict[str, Any]:
        return {"faults": [rule.describe() for rule in self._parts.faults.rules]}

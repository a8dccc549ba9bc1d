"""In: a reason to refuse. Out: the vendor's error bodies for /v2 and for the LLM Gateway. Never names a patient."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

UNAUTHORIZED = "Authentication error, API token missing/invalid"


class Refused(Exception):
    """An error answer of the /v2 endpoints: `{"error": text}`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers: dict[str, str] = {}

    def body(self, *, nested: bool = False) -> dict[str, Any]:
        """The JSON the vendor would send; `nested` makes no difference here."""
        return {"error": self.text}


class GatewayRefused(Refused):
    """An error answer of the LLM Gateway: 401 has an envelope of its own."""

    def __init__(
        self, status: int, text: str, *, errors: tuple[str, ...] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, text)
        self.errors = errors
        self.headers = dict(headers or {})

    def body(self, *, nested: bool = False) -> dict[str, Any]:
        """`{code, message, request_id, metadata{errors}}`, or for 401 `{error, status, request_id}`.

        `nested` is the older way: `{error: {code, message, metadata}}`, whatever the status.
        """
        if nested:
            return {"error": {"code": self.status, "message": self.text, "metadata": {"errors": list(self.errors)}}}
        request_id = str(uuid.uuid4())
        if self.status == 401:
            return {"error": self.text, "status": "error", "request_id": request_id}
        metadata = {"errors": list(self.errors)}
        return {"code": self.status, "message": self.text, "request_id": request_id, "metadata": metadata}


async def answer_refusal(request: Request, refusal: Exception) -> JSONResponse:
    """FastAPI's handler for both kinds."""
    if not isinstance(refusal, Refused):
        raise refusal
    nested = request.app.state.sandbox.controls.gateway_envelope == "nested"
    return JSONResponse(refusal.body(nested=nested), status_code=refusal.status, headers=refusal.headers)

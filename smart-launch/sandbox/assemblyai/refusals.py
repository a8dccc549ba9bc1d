"""In: a reason to refuse. Out: the vendor's error bodies for /v2 and for the LLM Gateway. Never names a patient."""

from __future__ import annotations

import uuid
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

    def body(self) -> dict[str, Any]:
        """The JSON the vendor would send."""
        return {"error": self.text}


class GatewayRefused(Refused):
    """An error answer of the LLM Gateway: 401 has an envelope of its own."""

    def __init__(self, status: int, text: str, *, errors: tuple[str, ...] = ()) -> None:
        super().__init__(status, text)
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """`{code, message, request_id, metadata{errors}}`, or for 401 `{error, status, request_id}`."""
        request_id = str(uuid.uuid4())
        if self.status == 401:
            return {"error": self.text, "status": "error", "request_id": request_id}
        metadata = {"errors": list(self.errors)}
        return {"code": self.status, "message": self.text, "request_id": request_id, "metadata": metadata}


async def answer_refusal(_request: Request, refusal: Exception) -> JSONResponse:
    """FastAPI's handler for both kinds."""
    if not isinstance(refusal, Refused):
        raise refusal
    return JSONResponse(refusal.body(), status_code=refusal.status)

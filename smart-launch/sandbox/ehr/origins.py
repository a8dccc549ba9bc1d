"""In: a request that changes something in the sandbox EHR itself. Out: nothing, or a refusal.
Never lets another web page open launches or set faults through the user's browser."""

from fastapi import Request

from .refusals import Refusal


def refuse_foreign_origin(request: Request, base_url: str) -> None:
    """Raises Refusal 403 when a browser says the request comes from another origin. Programs send no Origin."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != base_url:
        raise Refusal(403, "forbidden", "this request comes from another site.")

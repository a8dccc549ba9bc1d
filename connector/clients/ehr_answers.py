"""How an EHR's answer is read from the wire. In: a client and a request. Out: bytes or a JSON object, within a size.

It never follows a redirect, never reads on beyond the size, and never puts what was read into an exception's text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx


class AnswerTooLarge(Exception):
    """The body is larger than the caller allows; nothing of it is kept."""


class AnswerNotJson(Exception):
    """The body is not one JSON object."""


@asynccontextmanager
async def open_answer(client: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    """Send `request` and hand out the answer before its body is read. Raises the errors of httpx.

    Cookies an EHR set in another launch are not sent: the client is shared, launches are not.
    """
    request.headers.pop("cookie", None)
    response = await client.send(request, stream=True, auth=None, follow_redirects=False)
    try:
        yield response
    finally:
        await response.aclose()


async def read_bytes(response: httpx.Response, *, limit: int) -> bytes:
    """Read a streamed body of at most `limit` bytes after decompression.

    Raises AnswerTooLarge beyond that, AnswerNotJson when it cannot be decompressed, the errors of httpx when it breaks.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and len(declared) < 19 and int(declared) > limit:
        raise AnswerTooLarge
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > limit:
                raise AnswerTooLarge
    except httpx.DecodingError:
        raise AnswerNotJson from None
    return bytes(body)


def is_json(response: httpx.Response) -> bool:
    """Whether the media type is JSON: application/json, or a structured type such as application/fhir+json."""
    media_type: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    subtype = media_type.partition("/")[2]
    return subtype == "json" or subtype.endswith("+json") or subtype.startswith("json+")


def wrap_text(response: httpx.Response, content: bytes) -> Mapping[str, object] | None:
    """Plain text as the Binary resource it stands for: a server may answer a read of a Binary with its bytes as they
    are (FHIR R4, section 2.41.3, Binary: Serving Binary Resources). None for any other type: a page is no document.
    """
    kind: str = response.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "text/plain" or not content:
        return None
    return {"resourceType": "Binary", "contentType": kind, "data": base64.b64encode(content).decode("ascii")}


def parse_object(body: bytes) -> Mapping[str, object]:
    """One JSON object out of UTF-8 bytes; AnswerNotJson for anything else, NaN and endless nesting included."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise AnswerNotJson from None
    if not isinstance(value, dict):
        raise AnswerNotJson
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError("not a number of JSON")

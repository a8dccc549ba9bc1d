"""What an answer over HTTP means in the words of the house. In: a response. Out: its JSON object, or an error.

Never passes on a word of the answer's body: an error text may quote what was sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from connector.clients.http import Peer, read_json, retry_after
from connector.errors import ConnectorError, Misconfigured, VendorAccount, VendorRejected

_LONGEST_RETRY_AFTER = 3600.0


def require_success(response: httpx.Response, *, peer: Peer, of_upload: bool = False) -> None:
    """Pass a 2xx answer; raise what any other one stands for.

    `peer.unavailable` for 408, 429 and 5xx, with the Retry-After in seconds (at most an hour); VendorAccount for a
    refused key, a quota that is used up, an account without balance, or a 403 without a word of the vendor's own;
    Misconfigured for a redirect; VendorRejected for every other refusal. `of_upload`: the call names an upload, right
    after another call was let in, so a 403 without a word is about that upload, which another project may have made.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    if status in (408, 429) or status >= 500:
        asked = retry_after(response, datetime.now(UTC))
        wait = None if asked is None else min(asked, _LONGEST_RETRY_AFTER)
        words = "asks to wait" if status == 429 else f"is failing (HTTP {status})"
        raise peer.unavailable(f"{peer.name} {words}. Nothing is lost; it can be tried again.", retry_after=wait)
    kind = _account_trouble(response, of_upload=of_upload)
    if kind is not None:
        raise VendorAccount(f"{peer.name} does not accept the account: {_ACCOUNT[kind]}.", kind=kind)
    raise _refusal(status, peer.name)


_ACCOUNT = {
    "key": "check API key and region in the settings",
    "quota": "its quota is used up",
    "balance": "it has no balance left",
    "unexplained": "it gives no reason, whatever is asked",
}
_TROUBLE = {
    400: (("balance", ("balance", "insufficient funds", "insufficient credit", "payment")),),
    402: (("balance", ("",)),),
    401: (("key", ("",)),),
    403: (
        ("balance", ("balance", "insufficient funds", "insufficient credit", "payment")),
        ("quota", ("quota", "rate limit", "too many", "exceeded")),
        ("key", ("api key", "api token", "token missing", "invalid token", "account is disabled", "suspended")),
    ),
}
"""What tells by the status and a word of the answer that the account is refused, whatever is sent."""


def _account_trouble(response: httpx.Response, *, of_upload: bool) -> str | None:
    said = response.content[:2000].decode("utf-8", "replace").lower()
    for kind, marks in _TROUBLE.get(response.status_code, ()):
        if any(mark in said for mark in marks):
            return kind
    return "unexplained" if response.status_code == 403 and not of_upload and not _has_words(response) else None


def _has_words(response: httpx.Response) -> bool:
    """Whether a refusal says something as the vendor does, in JSON. What stands before it (a proxy, a limit of
    requests) answers in HTML or not at all, whatever is asked: it says nothing of the data that were sent."""
    try:
        body = read_json(response)
    except ValueError:
        return False
    while isinstance(body, dict):
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), None)
    return isinstance(body, str) and bool(body.strip())


def _refusal(status: int, name: str) -> ConnectorError:
    """Return the error for a refusal, saying who can mend it."""
    if status < 400:
        return Misconfigured(f"{name} has another address than the one set: check its base URL in the settings.")
    if status == 403:
        return VendorRejected(f"{name} does not allow this: the data belong to another project or region.")
    if status == 413:
        return VendorRejected(f"{name} does not take this much: shorten or compress the recording.")
    return VendorRejected(f"{name} refused the request (HTTP {status}): check models, domain and language settings.")


def read_object(response: httpx.Response, *, peer: Peer, error: type[ConnectorError] | None = None) -> dict[str, Any]:
    """Return the JSON object of an answer; raise `error` (unless told, `peer.unavailable`) when it holds none."""
    try:
        value = read_json(response)
    except ValueError as cause:
        raise (error or peer.unavailable)(f"{peer.name} gave an answer that could not be read.") from cause
    if not isinstance(value, dict):
        raise (error or peer.unavailable)(f"{peer.name} gave an answer that could not be read.")
    return value


_LONGEST_NAME = 1000


def read_name(value: object) -> str | None:
    """An id, an address or a model's name that can be kept and sent back: a short text of visible characters without
    blanks at its ends; None for anything else."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return None
    return value if value.isprintable() and value == value.strip() else None


def is_missing(response: httpx.Response) -> bool:
    """Say whether an answer means that the thing asked for is not there: 404, 410, or the older 400 that says so."""
    return response.status_code in (404, 410) or (
        response.status_code == 400 and b"not found" in response.content.lower()
    )

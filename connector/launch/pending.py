"""A launch between authorize and callback. In: nothing, or JSON that was kept. Out: a frozen PendingLaunch.

It pins the endpoints, so that the callback never looks them up again. It holds secrets: it is never kept unsealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from connector.launch.discovery import Endpoints


@dataclass(frozen=True, slots=True)
class PendingLaunch:
    """A launch between authorize and callback, to be consumed once, by its state.

    `browser_hash` is the SHA-256 (hex) of the cookie value the same browser must bring back.
    `standalone`: begun outside the EHR, without its launch handle.
    """

    tenant: str
    fhir_base: str
    client_id: str
    redirect_uri: str
    scope: str
    endpoints: Endpoints
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    browser_hash: str
    created_at: datetime
    standalone: bool = False


def hash_browser(browser: str) -> str:
    """SHA-256 in hex of the launch cookie's value."""
    return hashlib.sha256(browser.encode("utf-8", "surrogatepass")).hexdigest()


def write_pending(pending: PendingLaunch) -> dict[str, object]:
    """The pending launch as a JSON object, to be sealed and kept; `created_at` in ISO 8601 with its offset."""
    return {**asdict(pending), "created_at": pending.created_at.isoformat()}


def read_pending(body: Mapping[str, object]) -> PendingLaunch:
    """The pending launch that write_pending wrote; KeyError, TypeError or ValueError for anything else."""
    kept: dict[str, Any] = dict(body)
    endpoints: dict[str, Any] = dict(kept.pop("endpoints"))
    for name in ("capabilities", "challenge_methods"):
        endpoints[name] = tuple(endpoints[name])
    created_at = datetime.fromisoformat(kept.pop("created_at"))
    return PendingLaunch(**kept, endpoints=Endpoints(**endpoints), created_at=created_at)

"""In: a client registration and a key id. Out: that client's public keys, from the registration or its jwks_url.
Never follows a redirect, never reads more than 256 KiB, and never asks an address that is not registered."""

import re
from collections.abc import Callable
from typing import Any

import httpx

from .registrations import ClientRegistration, find_jwks_flaw
from .wire_json import NotJson, parse_json

MAX_BYTES = 256 * 1024
DEFAULT_SECONDS = 300.0
_MAX_AGE = re.compile(r"max-age=(\d{1,6})")


class KeysUnreadable(Exception):
    """The client's key set cannot be had; the message says why, without its content."""


def open_keys_client() -> httpx.AsyncClient:
    """The HTTP client for the apps' key sets."""
    return httpx.AsyncClient(timeout=5.0, trust_env=False, follow_redirects=False)


class ClientKeys:
    """Key sets by address, kept as long as their Cache-Control says and asked for again for an unknown key id."""

    def __init__(self, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        self._http = http
        self._clock = clock
        self._kept: dict[str, tuple[float, list[dict[str, Any]]]] = {}

    async def find_keys(self, registration: ClientRegistration, kid: str) -> list[dict[str, Any]]:
        """The keys with this id, as JSON Web Keys; more than one only of different kty. Raises KeysUnreadable."""
        if registration.jwks is not None:
            return _with_kid(registration.jwks["keys"], kid)
        url = registration.jwks_url or ""
        until, keys = self._kept.get(url, (0.0, []))
        found = _with_kid(keys, kid) if until > self._clock() else []
        return found or _with_kid(await self._fetch(url), kid)

    async def _fetch(self, url: str) -> list[dict[str, Any]]:
        try:
            async with self._http.stream("GET", url, headers={"Accept": "application/json"}) as response:
                if response.status_code != 200:
                    raise KeysUnreadable(f"the key set of the app answers {response.status_code}")
                content = b""
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise KeysUnreadable("the key set of the app is too large")
            jwks = parse_json(content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise KeysUnreadable("the key set of the app cannot be reached") from error
        except NotJson as error:
            raise KeysUnreadable("the key set of the app is not JSON") from error
        flaw = find_jwks_flaw(jwks)
        if flaw:
            raise KeysUnreadable(f"the key set of the app is not usable: {flaw}")
        keys: list[dict[str, Any]] = jwks["keys"]
        self._kept[url] = (self._clock() + _read_age(response.headers.get("Cache-Control", "")), keys)
        return keys


def _read_age(cache_control: str) -> float:
    if "no-store" in cache_control or "no-cache" in cache_control:
        return 0.0
    found = _MAX_AGE.search(cache_control)
    return float(found.group(1)) if found else DEFAULT_SECONDS


def _with_kid(keys: list[dict[str, Any]], kid: str) -> list[dict[str, Any]]:
    return [key for key in keys if key.get("kid") == kid]

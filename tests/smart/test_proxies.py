"""The limits of the open routes behind a proxy, through the server as the product starts it. Case D8."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from connector.app import Composition
from connector.serving import serve_web
from tests.smart.loud import kept_logging

LAUNCH = "/launch?iss=https://nobody.example/fhir&launch=1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def served(composition: Composition, *trusted: str) -> AsyncIterator[httpx.AsyncClient]:
    """The web server on a port of its own, and who calls it."""
    port, stop = free_port(), asyncio.Event()
    changes = {"port": port, "trusted_proxies": trusted, "launches_per_minute": 30}
    settings = composition.settings.model_copy(update=changes)
    with kept_logging():
        serving = asyncio.create_task(serve_web(settings, stop))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as caller:
            await _await_answer(caller, serving)
            yield caller
        stop.set()
        await serving


async def _await_answer(caller: httpx.AsyncClient, serving: asyncio.Task[None]) -> None:
    for _ in range(200):
        if serving.done():
            await serving
        try:
            await caller.get("/health/live")
            return
        except httpx.ConnectError:
            await asyncio.sleep(0.05)
    raise AssertionError("the server never answered")


async def knock(caller: httpx.AsyncClient, *forwarded: str) -> list[int]:
    return [(await caller.get(LAUNCH, headers={"X-Forwarded-For": one})).status_code for one in forwarded]


MANY = [f"198.51.100.{number}" for number in range(1, 32)]


async def test_d08_without_a_trusted_proxy_a_forwarded_address_counts_for_nothing(composition: Composition) -> None:
    """Thirty-one made-up callers are one."""
    async with served(composition) as caller:
        assert await knock(caller, *MANY) == [400] * 30 + [429]


async def test_d08_behind_a_trusted_proxy_each_client_is_counted_by_itself(composition: Composition) -> None:
    async with served(composition, "127.0.0.1") as caller:
        assert await knock(caller, *MANY) == [400] * 31
        assert await knock(caller, *["203.0.113.5"] * 31) == [400] * 30 + [429]
        assert await knock(caller, "203.0.113.6") == [400]


async def test_d08_what_a_client_writes_in_front_of_the_proxys_word_is_not_believed(composition: Composition) -> None:
    """A proxy adds the address it saw to the right: only that one counts."""
    async with served(composition, "127.0.0.1") as caller:
        assert await knock(caller, *(f"{one}, 203.0.113.7" for one in MANY)) == [400] * 30 + [429]


@pytest.mark.parametrize("proxy", ["192.0.2.1", "10.0.0.0/8"])
async def test_d08_another_proxy_than_the_trusted_one_is_not_believed(composition: Composition, proxy: str) -> None:
    async with served(composition, proxy) as caller:
        assert await knock(caller, *MANY) == [400] * 30 + [429]

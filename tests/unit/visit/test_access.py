"""A launch's access to its EHR: renewed in time, once for all processes, and never given up while the EHR is only away.

The token endpoint is a real server on loopback that rotates its refresh tokens and knows when one is used twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.app import Composition
from connector.errors import AccessWithdrawn, ConnectorError, EhrUnavailable, RelaunchNeeded
from connector.launch.token_answer import GrantedTokens
from connector.store.belonging import Belonging
from connector.store.sessions import LaunchRow, digest
from connector.visit.access import open_ehr, pack_tokens
from connector.visit.parts import Parts
from tests.fixtures.assemblyai import run_thread
from tests.fixtures.product import Compose


@dataclass
class TokenEndpoint:
    """An ASGI application: `good` is the refresh token it takes next, `down` how many requests it fails before."""

    good: str = "refresh-0"
    calls: int = 0
    down: int = 0
    seconds: float = 0.05
    misused: list[str] = field(default_factory=list)

    async def __call__(self, scope: dict, receive: object, send: object) -> None:
        if scope["type"] == "http":
            await (await self._answer(Request(scope, receive)))(scope, receive, send)  # type: ignore[arg-type]

    async def _answer(self, request: Request) -> Response:
        if request.url.path == "/health":
            return Response()
        token = parse_qs((await request.body()).decode())["refresh_token"][0]
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.down:
            self.down -= 1
            return Response(status_code=503)
        if token != self.good:
            self.misused.append(token)
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.good = f"refresh-{self.calls}"
        body = {
            "access_token": f"access-{self.calls}",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/Patient.r",
            "refresh_token": self.good,
            "patient": "1",
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


@pytest.fixture
def endpoint() -> TokenEndpoint:
    return TokenEndpoint()


@pytest.fixture
def token_address(endpoint: TokenEndpoint) -> Iterator[str]:
    with run_thread(endpoint) as base:
        yield f"{base}/token"


@pytest.fixture
async def elsewhere(compose_product: Compose) -> AsyncIterator[Parts]:
    """The parts of another process on the same database."""
    async with compose_product() as composition:
        yield composition.parts


async def launched(parts: Parts, address: str, *, lasts: float, refresh: str | None = "refresh-0") -> LaunchRow:
    """A launch whose access token lasts so many seconds more."""
    now, new = parts.clock(), parts.new_id
    granted = GrantedTokens(
        access_token="access-0",
        refresh_token=refresh,
        expires_at=now + timedelta(seconds=lasts),
        scope="patient/Patient.r",
        patient="Patient/1",
        encounter=None,
        need_patient_banner=True,
        id_token=None,
    )
    row = LaunchRow(new(), new(), "clinic", digest(new()), new(), now, now + timedelta(hours=1), False, now)

    async def open_launch(connection: AsyncConnection) -> None:
        tokens = pack_tokens(granted, address)
        await parts.sessions.open_launch(connection, row, tokens=tokens, expires=granted.expires_at)

    await parts.visits.create(row.visit_id, Belonging("clinic"), at=now, also=open_launch)
    return row


async def token_of(parts: Parts, row: LaunchRow) -> str:
    """The access token this process would send now; the EHR itself is not asked."""
    access = open_ehr(parts, row)
    found: str = await access.server._token_source(False)
    return found


async def test_a_token_that_lasts_is_used_as_it_is(
    product: Composition, endpoint: TokenEndpoint, token_address: str
) -> None:
    row = await launched(product.parts, token_address, lasts=120)
    assert await token_of(product.parts, row) == "access-0"
    assert endpoint.calls == 0


@pytest.mark.parametrize("lasts", [-60, 0, 20])
async def test_a_token_is_renewed_before_it_runs_out_and_the_next_renewal_uses_the_new_one(
    product: Composition, endpoint: TokenEndpoint, token_address: str, lasts: float
) -> None:
    row = await launched(product.parts, token_address, lasts=lasts)
    assert await token_of(product.parts, row) == "access-1"
    assert await token_of(product.parts, row) == "access-1"
    await open_ehr(product.parts, row).renew()
    assert await token_of(product.parts, row) == "access-2"
    assert (endpoint.calls, endpoint.misused) == (2, [])


async def test_many_calls_of_two_processes_renew_once(
    product: Composition, elsewhere: Parts, endpoint: TokenEndpoint, token_address: str
) -> None:
    row = await launched(product.parts, token_address, lasts=0)
    endpoint.seconds = 0.5
    tokens = await asyncio.gather(*(token_of(parts, row) for parts in (product.parts, elsewhere) * 6))
    assert set(tokens) == {"access-1"}
    assert (endpoint.calls, endpoint.misused) == (1, [])


async def test_while_the_ehr_is_only_away_nobody_is_told_to_launch_again(
    product: Composition, elsewhere: Parts, endpoint: TokenEndpoint, token_address: str
) -> None:
    row = await launched(product.parts, token_address, lasts=0)
    endpoint.down = 2
    tries = (token_of(parts, row) for parts in (product.parts, elsewhere) * 3)
    results = await asyncio.gather(*tries, return_exceptions=True)
    failed = [result for result in results if isinstance(result, ConnectorError)]
    assert [type(error) for error in failed] == [EhrUnavailable, EhrUnavailable]
    assert {result for result in results if isinstance(result, str)} == {"access-3"}
    assert endpoint.misused == []


async def test_a_flight_whose_process_died_is_flown_by_the_next(
    product: Composition, endpoint: TokenEndpoint, token_address: str
) -> None:
    row = await launched(product.parts, token_address, lasts=0)
    sessions, now = product.parts.sessions, product.parts.clock()
    assert await sessions.claim_refresh(row.launch_id, generation=1, by="dead", at=now, lease=0.6)
    assert await token_of(product.parts, row) == "access-1"


async def test_a_refusal_ends_the_access_for_all_and_is_not_tried_again(
    product: Composition, elsewhere: Parts, endpoint: TokenEndpoint, token_address: str
) -> None:
    row = await launched(product.parts, token_address, lasts=0, refresh="stolen")
    tries = (token_of(parts, row) for parts in (product.parts, elsewhere) * 3)
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(result) for result in results].count(AccessWithdrawn) == 1
    assert all(isinstance(result, RelaunchNeeded) for result in results)
    assert endpoint.calls == 1
    ended = await product.parts.sessions.find_launch(row.launch_id)
    assert ended is not None and ended.ended
    assert await product.parts.sessions.read_tokens(row) is None


@pytest.mark.parametrize(("lasts", "expected"), [(10, "access-0"), (-1, None)])
async def test_without_a_refresh_token_access_lasts_as_long_as_it_lasts(
    product: Composition, endpoint: TokenEndpoint, token_address: str, lasts: float, expected: str | None
) -> None:
    row = await launched(product.parts, token_address, lasts=lasts, refresh=None)
    if expected is None:
        with pytest.raises(RelaunchNeeded):
            await token_of(product.parts, row)
    else:
        assert await token_of(product.parts, row) == expected
    assert endpoint.calls == 0


async def test_a_launch_that_has_ended_has_no_access(
    product: Composition, endpoint: TokenEndpoint, token_address: str
) -> None:
    row = await launched(product.parts, token_address, lasts=120)
    await product.parts.sessions.end_launch(row.launch_id)
    with pytest.raises(RelaunchNeeded):
        await token_of(product.parts, replace(row, ended=True))

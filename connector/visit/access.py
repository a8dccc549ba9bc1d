"""A launch's way to its EHR: tokens kept fresh in one flight across processes. In: a launch. Out: a FhirServer.

Never refreshes twice with one refresh token, and never holds a transaction open while the EHR is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import TypeAdapter

from connector.assets.registrations import Registration
from connector.clients.assertion import AssertionPlan
from connector.clients.fhir import FhirReadAnswer, FhirServer
from connector.clients.smart import ClientCredentials
from connector.context.answer import ChartReader, FhirAnswer
from connector.errors import AccessWithdrawn, ConnectorError, EhrUnavailable, Misconfigured, RelaunchNeeded
from connector.launch.abilities import may
from connector.launch.token_answer import GrantedTokens, read_refresh_answer
from connector.store.client_keys import choose_key
from connector.store.sessions import LaunchRow, TokenRow
from connector.visit.parts import Parts

_log = structlog.get_logger("connector.visit.access")
_GRANTED = TypeAdapter(GrantedTokens)
_EARLY = timedelta(seconds=30)
# The lease is longer than a refresh may take; whoever waits does so a little longer than that.
_LEASE = 20.0
_WAIT, _WAITS = 0.2, 110
_RELAUNCH = "The EHR's access has run out. Open the scribe from the chart again: nothing is lost."


def pack_tokens(
    granted: GrantedTokens, token_endpoint: str, revocation_endpoint: str | None = None
) -> dict[str, str | None]:
    """Tokens as the store keeps them, sealed, with the endpoints that renew and revoke them."""
    endpoints = {"token_endpoint": token_endpoint, "revocation_endpoint": revocation_endpoint}
    return {"granted": _GRANTED.dump_json(granted).decode(), **endpoints}


def find_registration(parts: Parts, tenant: str) -> Registration:
    """The EHR registration of a tenant; Misconfigured when the operator has taken it away."""
    registration = parts.registrations.by_tenant(tenant)
    if registration is None:
        raise Misconfigured("The registration of this visit's EHR is gone: restore its file and start again.")
    return registration


def credentials_of(parts: Parts, registration: Registration) -> ClientCredentials:
    """How we prove ourselves to that EHR; reads secret or key where the registration says they lie.

    Raises Misconfigured where there is none.
    """
    assertion = _plan_assertion(parts, registration) if registration.auth_method == "private_key_jwt" else None
    secret = parts.client_secret(registration)
    return ClientCredentials(registration.client_id, registration.auth_method, secret, assertion)


def key_set_address(parts: Parts, tenant: str) -> str:
    """Where that EHR finds our public keys."""
    return f"{parts.policy.public_base_url.rstrip('/')}/ehr/{tenant}/jwks.json"


def _plan_assertion(parts: Parts, registration: Registration) -> AssertionPlan:
    settings, tenant = registration.assertion, registration.tenant
    key = choose_key(parts.client_keys(registration), algorithm=settings.algorithm, now=parts.clock())
    if key is None:
        raise Misconfigured(f"There is no key pair for {tenant}: make one with `connector ehr rotate-key {tenant}`.")
    return AssertionPlan(
        key=key.key,
        kid=key.kid,
        algorithm=key.algorithm,
        seconds=settings.seconds,
        audience=registration.pinned.expected_issuer if settings.audience == "issuer" else None,
        type=settings.type,
        jku=key_set_address(parts, tenant) if settings.jku else None,
    )


@dataclass(frozen=True)
class EhrAccess:
    """One launch's EHR: reads of the chart and writes of the note go through `server`."""

    launch: LaunchRow
    server: FhirServer
    base: str
    renew: Callable[[], Awaitable[None]]

    def chart(self, granted_scope: str | None = None) -> ChartReader:
        """The reader the context stage works with; with `granted_scope` it asks for nothing beyond that."""
        return _make_reader(self.server, self.base, granted_scope)


def open_chart(parts: Parts, granted: GrantedTokens, fhir_base: str) -> ChartReader:
    """The chart by a token that was granted just now and is kept nowhere yet; RelaunchNeeded where it is refused."""

    async def token(renew: bool) -> str:
        if renew:
            raise RelaunchNeeded(_RELAUNCH)
        return granted.access_token

    return _make_reader(FhirServer(parts.ehr, fhir_base, token), fhir_base, granted.scope)


def _make_reader(server: FhirServer, base: str, granted_scope: str | None) -> ChartReader:
    async def read(path: str, params: Mapping[str, str]) -> FhirAnswer:
        return _as_answer(await server.read(path, tuple(params.items())))

    async def follow(url: str) -> FhirAnswer:
        return _as_answer(await server.follow(url))

    async def batch(bundle: Mapping[str, Any]) -> FhirAnswer:
        return _as_answer(await server.batch(bundle))

    def allowed(resource: str, letter: str, category: str | None) -> bool:
        return granted_scope is None or may(granted_scope, letter, resource=resource, category=category)

    return ChartReader(base=base, read=read, follow=follow, batch=batch, allowed=allowed)


def open_ehr(parts: Parts, launch: LaunchRow) -> EhrAccess:
    """The EHR as this launch may use it."""
    registration = find_registration(parts, launch.tenant)
    held: GrantedTokens | None = None
    one_by_one = asyncio.Lock()

    async def token(renew: bool) -> str:
        """Kept while it is good: parallel reads ask the store once. Another process may have renewed it already."""
        nonlocal held
        async with one_by_one:
            if not renew and held is not None and not _is_stale(held, parts.clock()):
                return held.access_token
            refused = held.access_token if renew and held is not None else None
            if refused is not None:
                held = await _token(parts, launch, registration, renew=False)
            if refused is None or held is None or held.access_token == refused:
                held = await _token(parts, launch, registration, renew=renew)
            return held.access_token

    async def renew() -> None:
        await token(True)

    server = FhirServer(parts.ehr, registration.fhir_base, token)
    return EhrAccess(launch, server, registration.fhir_base, renew)


def _as_answer(answer: FhirReadAnswer) -> FhirAnswer:
    body: Mapping[str, Any] | None = answer.body
    return FhirAnswer(answer.status, body, answer.failure, answer.size)


async def _token(parts: Parts, launch: LaunchRow, registration: Registration, *, renew: bool) -> GrantedTokens:
    row = await _need_tokens(parts, launch)
    granted = _GRANTED.validate_json(row.secrets["granted"] or "")
    if not renew and not _is_stale(granted, parts.clock()):
        return granted
    if granted.refresh_token is None:
        if renew or (granted.expires_at is not None and granted.expires_at <= parts.clock()):
            raise RelaunchNeeded(_RELAUNCH)
        return granted
    return await _refresh(parts, launch, registration, row)


async def revoke(parts: Parts, launch: LaunchRow, tokens: Mapping[str, str | None]) -> None:
    """Tells the EHR once that these tokens are given back, where it takes that (RFC 7009). Failing is logged only."""
    endpoint, token_endpoint = tokens.get("revocation_endpoint"), tokens.get("token_endpoint")
    if endpoint is None or token_endpoint is None:
        return
    granted = _GRANTED.validate_json(tokens["granted"] or "")
    if granted.refresh_token is None:
        return
    try:
        credentials = credentials_of(parts, find_registration(parts, launch.tenant))
        await parts.smart.revoke(
            endpoint, token=granted.refresh_token, token_endpoint=token_endpoint, credentials=credentials
        )
    except ConnectorError as error:
        _log.warning("launch.not-revoked", tenant=launch.tenant, visit_id=launch.visit_id, slug=error.slug)
    else:
        _log.info("launch.revoked", tenant=launch.tenant, visit_id=launch.visit_id)


async def _need_tokens(parts: Parts, launch: LaunchRow) -> TokenRow:
    row = await parts.sessions.read_tokens(launch)
    if row is None:
        raise RelaunchNeeded(_RELAUNCH)
    return row


def _is_stale(granted: GrantedTokens, now: datetime) -> bool:
    return granted.expires_at is not None and granted.expires_at - _EARLY <= now


async def _refresh(parts: Parts, launch: LaunchRow, registration: Registration, row: TokenRow) -> GrantedTokens:
    """One flight for one generation: whoever does not win the claim waits for the winner's tokens.

    A winner that reached nobody gives the claim back, one that died loses it with its lease: then the next one flies.
    """
    for _ in range(_WAITS):
        current = await _need_tokens(parts, launch)
        if current.generation > row.generation:
            return _GRANTED.validate_json(current.secrets["granted"] or "")
        by = parts.new_id()
        if await parts.sessions.claim_refresh(
            launch.launch_id, generation=row.generation, by=by, at=parts.clock(), lease=_LEASE
        ):
            return await _fly(parts, launch, registration, row=row, by=by)
        await asyncio.sleep(_WAIT)
    raise EhrUnavailable("The EHR's access is being renewed and that takes long. Nothing is lost; try again.")


async def _fly(parts: Parts, launch: LaunchRow, registration: Registration, *, row: TokenRow, by: str) -> GrantedTokens:
    granted = _GRANTED.validate_json(row.secrets["granted"] or "")
    endpoint = row.secrets["token_endpoint"]
    if granted.refresh_token is None or endpoint is None:
        await parts.sessions.drop_refresh_claim(launch.launch_id, by=by)
        raise RelaunchNeeded(_RELAUNCH)
    try:
        body = await parts.smart.refresh(
            endpoint, refresh_token=granted.refresh_token, credentials=credentials_of(parts, registration)
        )
        renewed = read_refresh_answer(body, granted=granted, now=parts.clock())
    except AccessWithdrawn:
        await parts.sessions.end_launch(launch.launch_id)
        raise
    except RelaunchNeeded:
        await parts.sessions.forget_tokens(launch.launch_id)
        raise
    except (EhrUnavailable, Misconfigured):
        # The EHR was not reached, or it is our own registration that is wrong: the tokens are as good as before.
        await parts.sessions.drop_refresh_claim(launch.launch_id, by=by)
        raise
    kept = await parts.sessions.keep_refreshed(
        launch,
        generation=row.generation,
        by=by,
        tokens=pack_tokens(renewed, endpoint, row.secrets.get("revocation_endpoint")),
        expires=renewed.expires_at,
    )
    if not kept:
        if await parts.sessions.read_tokens(launch) is None:
            # Somebody has left meanwhile: what the EHR has just given is given back as well.
            await revoke(parts, launch, {**row.secrets, "granted": _GRANTED.dump_json(renewed).decode()})
        raise EhrUnavailable("The EHR's access was renewed by somebody else meanwhile. Nothing is lost; try again.")
    return renewed

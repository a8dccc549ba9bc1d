"""From the EHR's launch to a primed visit. In: the launch and callback queries. Out: an opened launch, a read chart.

Nobody is called for an EHR that is not registered, and no session exists before the id_token was verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connector.assets.registrations import Registration
from connector.clients.fhir import FhirServer
from connector.errors import LaunchRefused
from connector.launch.authorization import begin, new_secrets
from connector.launch.callback import check_callback, read_callback
from connector.launch.discovery import read_smart_configuration
from connector.launch.ehr import RegisteredEhr
from connector.launch.identity import relative_fhir_user, verify_id_token
from connector.launch.pending import PendingLaunch, read_pending, write_pending
from connector.launch.request import read_launch_request
from connector.launch.token_answer import GrantedTokens, read_token_answer
from connector.store.sessions import digest
from connector.visit.access import credentials_of, find_registration
from connector.visit.arriving import Clinician, OpenedLaunch, arrive
from connector.visit.parts import Parts


@dataclass(frozen=True, slots=True)
class DepartingLaunch:
    """A browser on its way to the EHR: where to, and the cookie it must bring back."""

    url: str
    cookie: str
    browser: str = field(repr=False)


def pending_cookie(state: str) -> str:
    """The name of the cookie that binds one pending launch to its browser."""
    return f"__Host-pending-{digest(state)[:12]}"


async def begin_launch(parts: Parts, query: Iterable[tuple[str, str]]) -> DepartingLaunch:
    """Handles the EHR's launch URL; raises LaunchRefused before any call for an unregistered `iss`."""
    request = read_launch_request(query)
    registration = parts.registrations.by_iss(request.iss)
    if registration is None:
        raise LaunchRefused(
            "This EHR is not registered with the scribe. Its integrator registers the FHIR base address first."
        )
    ehr = _as_launching(parts, registration)
    endpoints = read_smart_configuration(await parts.smart.fetch_configuration(registration.fhir_base), ehr)
    drawn = new_secrets()
    pending, authorize = begin(ehr, endpoints, launch_token=request.launch, drawn=drawn, now=parts.clock())
    await parts.sessions.keep_pending(
        drawn.state,
        browser=drawn.browser,
        tenant=registration.tenant,
        body=write_pending(pending),
        at=parts.clock(),
    )
    return DepartingLaunch(authorize.url(), pending_cookie(drawn.state), drawn.browser)


async def complete_launch(
    parts: Parts, query: Iterable[tuple[str, str]], *, cookies: dict[str, str]
) -> tuple[OpenedLaunch, str]:
    """Handles the redirect back: code exchange, identity, a new visit. Returns it with the cookie that is now spent."""
    answer = read_callback(query)
    cookie = pending_cookie(answer.state)
    browser = cookies.get(cookie)
    body = await parts.sessions.consume_pending(answer.state, browser=browser)
    if body is None:
        raise LaunchRefused(
            "This launch is unknown, was used already, or began in another browser. "
            "Open the scribe from the chart again."
        )
    pending = read_pending(body)
    code = check_callback(answer, pending, browser=browser, now=parts.clock())
    registration = find_registration(parts, pending.tenant)
    token_answer = await parts.smart.exchange_code(
        pending.endpoints.token_endpoint,
        code=code,
        redirect_uri=pending.redirect_uri,
        code_verifier=pending.code_verifier,
        credentials=credentials_of(parts, registration),
    )
    granted = read_token_answer(token_answer, pending=pending, now=parts.clock())
    practitioner, name = await _identify(parts, pending, granted)
    return await arrive(parts, pending, granted, clinician=Clinician(practitioner, name)), cookie


async def _identify(parts: Parts, pending: PendingLaunch, granted: GrantedTokens) -> tuple[str | None, str | None]:
    """Who launched: proven by the id_token, named by the EHR. Without a proof nobody can sign."""
    if granted.id_token is None or pending.endpoints.jwks_uri is None:
        return None, None
    keys = await parts.smart.fetch_jwks(pending.endpoints.jwks_uri)
    identity = verify_id_token(granted.id_token, keys=keys, pending=pending, now=parts.clock())
    if identity.fhir_user is None:
        return None, None
    reference = relative_fhir_user(identity.fhir_user, pending.fhir_base)

    async def token(renew: bool) -> str:
        del renew
        return granted.access_token

    answer = await FhirServer(parts.ehr, pending.fhir_base, token).read(reference)
    return reference, _name_of(answer.body) if answer.body is not None else None


def _name_of(practitioner: object) -> str | None:
    names = practitioner.get("name") if isinstance(practitioner, dict) else None
    for name in names if isinstance(names, list) else []:
        if not isinstance(name, dict):
            continue
        if isinstance(name.get("text"), str) and name["text"].strip():
            return str(name["text"]).strip()
        words = [*_words(name.get("prefix")), *_words(name.get("given")), *_words([name.get("family")])]
        if words:
            return " ".join(words)
    return None


def _words(value: object) -> list[str]:
    return [word for word in value if isinstance(word, str) and word.strip()] if isinstance(value, list) else []


def _as_launching(parts: Parts, registration: Registration) -> RegisteredEhr:
    return RegisteredEhr(
        tenant=registration.tenant,
        fhir_base=registration.fhir_base,
        client_id=registration.client_id,
        redirect_uri=parts.policy.public_base_url.rstrip("/") + registration.redirect_path,
        scopes=registration.scopes,
        plain_http_hosts=registration.plain_http_hosts,
    )

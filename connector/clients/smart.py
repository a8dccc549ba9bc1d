"""Talks to an EHR's authorization server. In: endpoints and secrets as plain values. Out: its JSON, as it came.

It never follows a redirect and never lets a token, code or secret into an exception's text or a log.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import httpx

from connector.clients.assertion import ASSERTION_TYPE, AssertionPlan, write_assertion
from connector.clients.ehr_answers import AnswerNotJson, AnswerTooLarge, open_answer, parse_object, read_bytes
from connector.clients.http import NOT_SENT, Timing, retry_after
from connector.errors import (
    AccessWithdrawn,
    ClientNotAccepted,
    ConnectorError,
    EhrRejected,
    EhrUnavailable,
    LaunchRefused,
    Misconfigured,
    RelaunchNeeded,
)

LARGEST_METADATA = 1 << 20
LARGEST_CAPABILITIES = 24 << 20
LARGEST_TOKEN_ANSWER = 256 << 10
_UNKNOWN_CLIENT = ("invalid_client", "unauthorized_client")


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """How the connector proves itself to one EHR, at the code exchange and at every refresh alike.

    `auth_method` is `public`, `client_secret_basic` or `client_secret_post` (with `secret`), or `private_key_jwt` (with
    `assertion`).
    """

    client_id: str
    auth_method: str = "public"
    secret: str | None = field(default=None, repr=False)
    assertion: AssertionPlan | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Proof:
    """What proves the client in one request: fields of the form, lines of the header."""

    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Mapping[str, object] | None
    retry_after: float | None


class SmartServer:
    """The SMART endpoints of any registered EHR, over one shared client. `deadline` is seconds for a whole answer.

    All methods raise EhrUnavailable when the server cannot be reached, is too slow, fails (5xx) or asks to wait (429).
    """

    def __init__(self, client: httpx.AsyncClient, *, deadline: float = 15.0, timing: Timing | None = None) -> None:
        self._client = client
        self._deadline = deadline
        self._timing = timing or Timing()

    async def fetch_configuration(self, fhir_base: str) -> Mapping[str, object]:
        """GET {fhir_base}/.well-known/smart-configuration (SMART App Launch 2.2, "Using .well-known").

        Raises LaunchRefused when the EHR answers with anything but a JSON object.
        """
        url = f"{fhir_base.removesuffix('/')}/.well-known/smart-configuration"
        return await self._fetch(url, what="SMART configuration")

    async def fetch_openid_configuration(self, issuer: str) -> Mapping[str, object]:
        """GET {issuer}/.well-known/openid-configuration (OpenID Connect Discovery 1.0, section 4)."""
        url = f"{issuer.removesuffix('/')}/.well-known/openid-configuration"
        return await self._fetch(url, what="OpenID configuration")

    async def fetch_capabilities(self, fhir_base: str) -> Mapping[str, object]:
        """GET {fhir_base}/metadata, the CapabilityStatement (FHIR R4, section 3.1.0.9), without a token."""
        url = f"{fhir_base.removesuffix('/')}/metadata"
        return await self._fetch(
            url, what="CapabilityStatement", accept="application/fhir+json", limit=LARGEST_CAPABILITIES
        )

    async def fetch_jwks(self, url: str) -> Mapping[str, object]:
        """GET the issuer's JSON Web Key Set; LaunchRefused when the answer is anything but a JSON object."""
        return await self._fetch(url, what="key set")

    async def exchange_code(
        self,
        token_endpoint: str,
        *,
        code: str,
        redirect_uri: str,
        code_verifier: str,
        credentials: ClientCredentials,
    ) -> Mapping[str, object]:
        """POST an authorization code (RFC 6749, section 4.1.3; RFC 7636, section 4.5), once, never again.

        Raises LaunchRefused when the EHR refuses it. After an EhrUnavailable the code may be used up: launch again.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        answer = await self._post(token_endpoint, form, credentials=credentials)
        if answer.status == 200 and answer.body is not None:
            return answer.body
        raise _explain_exchange(answer)

    async def refresh(
        self,
        token_endpoint: str,
        *,
        refresh_token: str,
        credentials: ClientCredentials,
        scope: str | None = None,
    ) -> Mapping[str, object]:
        """POST a refresh token (RFC 6749, section 6) with the same authentication as the code exchange.

        Raises AccessWithdrawn when the EHR takes this grant back, ClientNotAccepted when it does not know us, which
        says nothing of the grant (RFC 6749, section 5.2), and RelaunchNeeded when it refuses otherwise or the answer
        was lost after sending: the refresh token may then be used up, and using one twice may revoke the whole grant
        (RFC 9700, section 4.14.2).
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if scope is not None:
            form["scope"] = scope
        try:
            answer = await self._post(token_endpoint, form, credentials=credentials)
        except _AnswerLost:
            raise RelaunchNeeded(
                "The EHR's answer to renewing access was lost. Open the scribe from the chart again."
            ) from None
        if answer.status == 200 and answer.body is not None:
            return answer.body
        _raise_if_failing(answer)
        raise _explain_refresh(answer)

    async def revoke(
        self, revocation_endpoint: str, *, token: str, token_endpoint: str, credentials: ClientCredentials
    ) -> None:
        """POST a token that shall be worth nothing any more (RFC 7009, section 2.1), once, never again.

        Authenticates as at the token endpoint, to whom an assertion is addressed. Raises EhrRejected when the EHR
        refuses it, as a server does that revokes no tokens of this kind.
        """
        form = {"token": token, "token_type_hint": "refresh_token"}
        answer = await self._post(revocation_endpoint, form, credentials=credentials, audience=token_endpoint)
        _raise_if_failing(answer)
        if answer.status != 200:
            raise EhrRejected(f"The EHR did not revoke this launch's access (status {answer.status}).")

    async def _fetch(
        self, url: str, *, what: str, accept: str = "application/json", limit: int = LARGEST_METADATA
    ) -> Mapping[str, object]:
        request = self._client.build_request("GET", url, headers={"Accept": accept, "Accept-Encoding": "identity"})
        answer = await self._send(request, limit=limit)
        _raise_if_failing(answer)
        if answer.status != 200 or answer.body is None:
            raise LaunchRefused(
                f"The EHR gave no readable {what} (status {answer.status}). Ask the EHR's integrator to check it."
            )
        return answer.body

    async def _post(
        self, url: str, form: dict[str, str], *, credentials: ClientCredentials, audience: str | None = None
    ) -> _Answer:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        proof = _prove(credentials, token_endpoint=audience or url, now=self._timing.wall())
        request = self._client.build_request(
            "POST", url, data={**form, **proof.form}, headers={**headers, **proof.headers}
        )
        return await self._send(request, limit=LARGEST_TOKEN_ANSWER)

    async def _send(self, request: httpx.Request, *, limit: int) -> _Answer:
        try:
            async with asyncio.timeout(self._deadline), open_answer(self._client, request) as response:
                body = await _read(response, limit)
                return _Answer(response.status_code, body, retry_after(response, self._timing.wall()))
        except NOT_SENT as error:
            raise EhrUnavailable(f"The EHR's sign-in server could not be reached ({type(error).__name__}).") from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _AnswerLost(f"The EHR's sign-in server gave no answer ({type(error).__name__}).") from None


class _AnswerLost(EhrUnavailable):
    """The request may have been received; only a refresh has to know the difference."""


async def _read(response: httpx.Response, limit: int) -> Mapping[str, object] | None:
    try:
        return parse_object(await read_bytes(response, limit=limit))
    except (AnswerTooLarge, AnswerNotJson):
        return None


def _prove(credentials: ClientCredentials, *, token_endpoint: str, now: datetime) -> _Proof:
    """The client's proof for one request: Basic or post (RFC 6749, section 2.3.1) or an assertion (RFC 7523).

    Only a public client, and one that was told to post its secret, sends client_id in the body (SMART App Launch 2.2,
    client requirements 71 and 72).
    """
    method, client_id = credentials.auth_method, credentials.client_id
    if method == "public":
        return _Proof(form={"client_id": client_id})
    if method == "client_secret_basic" and credentials.secret:
        # Form-encoded, with a space as %20: that reads the same where a server decodes "+" and where it does not.
        pair = f"{quote(client_id, safe='')}:{quote(credentials.secret, safe='')}"
        return _Proof(headers={"Authorization": "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")})
    if method == "client_secret_post" and credentials.secret:
        return _Proof(form={"client_id": client_id, "client_secret": credentials.secret})
    if method == "private_key_jwt" and credentials.assertion is not None:
        assertion = write_assertion(
            credentials.assertion,
            client_id=client_id,
            token_endpoint=token_endpoint,
            now=now,
            jti=secrets.token_urlsafe(24),
        )
        return _Proof(form={"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion})
    raise Misconfigured(
        "This EHR's registration names no usable way to authenticate: check auth_method, secret or key."
    )


def _raise_if_failing(answer: _Answer) -> None:
    if answer.status == 429 or answer.status >= 500:
        raise EhrUnavailable(
            f"The EHR's sign-in server is failing or busy (status {answer.status}). Try again in a moment.",
            retry_after=answer.retry_after,
        )


def _explain_refresh(answer: _Answer) -> ConnectorError:
    text = "The EHR no longer renews this launch's access. Open the scribe from the chart again."
    code = answer.body.get("error") if answer.body is not None else None
    if code in ("invalid_grant", "access_denied"):
        return AccessWithdrawn(text)
    if code in _UNKNOWN_CLIENT:
        return ClientNotAccepted(
            "The EHR does not accept the scribe's own credentials. Your scribe's operator has to mend the registration "
            "of this EHR; then try again. Nothing is lost."
        )
    return RelaunchNeeded(text)


def _explain_exchange(answer: _Answer) -> ConnectorError:
    _raise_if_failing(answer)
    code = answer.body.get("error") if answer.body is not None else None
    if code in _UNKNOWN_CLIENT or answer.status == 401:
        return LaunchRefused("The EHR does not accept this client. Its registration's id, method or secret is wrong.")
    if code == "invalid_grant":
        return LaunchRefused(
            "The EHR did not accept this launch's code: it is used, too old, or from another launch. "
            "Open the scribe from the chart again."
        )
    return LaunchRefused(
        f"The EHR gave no access for this launch (status {answer.status}). Open the scribe from the chart again."
    )

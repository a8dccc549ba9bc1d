"""A launch by a bare script: the same requests as the connector's, and nothing else. In: launches. Out: milliseconds.

It keeps nothing, shows nothing and refuses little; it is there to be compared with and must never be taken as a model.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from bench.report import NotMeasured

AT_ONCE = 4


@dataclass(frozen=True)
class BareClient:
    """What the EHR knows the script by: the connector's own registration."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str
    scopes: str


@dataclass(frozen=True)
class Departed:
    """A launch on its way: where the browser goes, and what the script has to remember."""

    url: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    state: str = field(repr=False)


class BareScript:
    """One httpx client with connections kept alive; endpoints and keys are fetched once and kept in memory."""

    def __init__(self, base: str, client: BareClient) -> None:
        self._base = base
        self._client = client
        self._http = httpx.AsyncClient(trust_env=False, timeout=30.0)
        self._endpoints: dict[str, Any] = {}
        self._keys = KeySet([])

    async def warm_up(self) -> None:
        """Discovery and keys, once."""
        self._endpoints = await self._get(f"{self._base}/.well-known/smart-configuration")
        self._keys = KeySet.import_key_set(await self._get(self._endpoints["jwks_uri"]))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    def depart(self, launch: str) -> Departed:
        """The authorization request of one launch."""
        verifier, nonce, state = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": state,
            "aud": self._base,
            "launch": launch,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "nonce": nonce,
        }
        return Departed(f"{self._endpoints['authorization_endpoint']}?{urlencode(asked)}", verifier, nonce, state)

    async def arrive(self, departed: Departed, location: str, reads: list[str]) -> float:
        """Exchanges the code, verifies the id_token and reads the chart, at most four reads at once; milliseconds."""
        begun = time.perf_counter()
        answer = parse_qs(urlsplit(location).query)
        if answer["state"] != [departed.state]:
            raise NotMeasured("the EHR sent the bare script another state back")
        granted = await self._exchange(departed, answer["code"][0])
        token = jwt.decode(granted["id_token"], self._keys, algorithms=["RS256", "RS384", "ES256", "ES384"])
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self._endpoints["issuer"]},
            aud={"essential": True, "value": self._client.client_id},
            nonce={"essential": True, "value": departed.nonce},
            exp={"essential": True},
        )
        rules.validate(token.claims)
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._read(path, granted["access_token"], gate) for path in reads))
        return (time.perf_counter() - begun) * 1000

    async def _exchange(self, departed: Departed, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": departed.verifier,
        }
        proof = httpx.BasicAuth(self._client.client_id, self._client.secret)
        answer = await self._http.post(self._endpoints["token_endpoint"], data=form, auth=proof)
        if answer.status_code != 200:
            raise NotMeasured(f"the EHR answered the bare script's code with {answer.status_code}")
        body: dict[str, Any] = answer.json()
        return body

    async def _read(self, path: str, token: str, gate: asyncio.Semaphore) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
        async with gate:
            answer = await self._http.get(f"{self._base}/{path}", headers=headers)
        if answer.status_code != 200:
            raise NotMeasured(f"the bare script may not read what the connector reads: {answer.status_code}")
        return json.loads(answer.content)

    async def _get(self, url: str) -> Any:
        return (await self._http.get(url)).raise_for_status().json()

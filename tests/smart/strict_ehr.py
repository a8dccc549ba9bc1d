"""An EHR that demands everything SMART App Launch 2.2 demands of an app, and can be told to misbehave itself.

It stands on a loopback socket, remembers every request, and notes as a flaw whatever an app does wrong.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.smart.clock import Clock
from tests.smart.signer import Signer

CODE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_counter = itertools.count(1)


@dataclass(frozen=True)
class Heard:
    """One request; `form` holds the body's fields, header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    body: str = ""


@dataclass
class Client:
    """The app as it is registered here."""

    client_id: str
    redirect_uri: str
    auth_method: str = "public"
    secret: str | None = None
    key_set: Callable[[], Awaitable[dict[str, Any]]] | None = None
    key_set_address: str | None = None
    audience: str | None = None
    assertion_type: str = "JWT"


@dataclass
class Behaviour:
    """What it does otherwise than a good EHR. In every table None takes the entry away.

    `lost` are grant types and paths that are worked at and whose answers break off; token answers take `seconds` more.
    `slow` are words of paths that are looked at only after so many seconds.
    """

    metadata: dict[str, object] = field(default_factory=dict)
    openid: dict[str, object] | None = None
    callback: dict[str, str | None] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=dict)
    token: dict[str, object] = field(default_factory=dict)
    refreshed: dict[str, object] = field(default_factory=dict)
    id_token: Callable[[Signer, dict[str, Any]], str] | None = None
    key_set: dict[str, object] | None = None
    away: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    seconds: float = 0.0
    slow: dict[str, float] = field(default_factory=dict)
    files: bool = False
    forbidden: set[str] = field(default_factory=set)


class StrictEhr:
    """One EHR at `{origin}/{name}/fhir`; its authorization server calls itself `{origin}/{name}/auth`."""

    def __init__(self, origin: str, clock: Clock, client: Client) -> None:
        self.name = f"ehr{next(_counter)}"
        self.base = f"{origin}/{self.name}"
        self.clock = clock
        self.client = client
        self.signer = Signer()
        self.behaviour = Behaviour()
        self.heard: list[Heard] = []
        self.flaws: list[str] = []
        self.records: dict[str, dict[str, Any]] = {
            "Practitioner/7": {"resourceType": "Practitioner", "id": "7", "name": [{"text": "Dr. Ada Okafor"}]}
        }
        self.launches: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.access_tokens: set[str] = set()
        self.refresh_tokens: set[str] = set()
        self.jtis: set[str] = set()

    @property
    def fhir_base(self) -> str:
        return f"{self.base}/fhir"

    @property
    def issuer(self) -> str:
        return f"{self.base}/auth"

    def open_launch(self) -> dict[str, str]:
        """The parameters of one EHR launch."""
        launch = secrets.token_urlsafe(12)
        self.launches.add(launch)
        return {"iss": self.fhir_base, "launch": launch}

    def paths(self) -> list[str]:
        """What was asked of it so far, as `METHOD path`, without this EHR's name."""
        return [f"{one.method} {one.path}" for one in self.heard]

    def paths_of_launch(self) -> list[str]:
        """The same without the reading of the chart, which begins as soon as the clinician is known."""
        kept = ("/fhir/.well-known/", "/fhir/Practitioner")
        return [path for path in self.paths() if " /fhir/" not in path or any(one in path for one in kept)]

    def approve(self, asked: dict[str, str], *, standalone: bool = False) -> dict[str, str]:
        """Check an authorization request and return the callback's query (Inferno: authorization requests)."""
        expected = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "aud": self.fhir_base,
            "code_challenge_method": "S256",
        }
        for name, value in expected.items():
            self._demand(asked.get(name) == value, f"authorize: {name}")
        self._demand(("launch" not in asked) if standalone else asked.get("launch") in self.launches, "launch")
        self._demand(len(base64.urlsafe_b64decode(asked.get("state", "") + "==")) * 8 >= 122, "state: entropy")
        self._demand(len(asked.get("code_challenge", "")) == 43, "authorize: code_challenge")
        self._demand(bool(asked.get("nonce")) and "openid" in asked.get("scope", "").split(), "authorize: nonce")
        self._demand(not {"max_age", "client_secret", "code_verifier"} & set(asked), "authorize: too much")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer: dict[str, str | None] = {"code": code, "state": asked["state"], "iss": self.issuer}
        return _changed(answer, self.behaviour.callback)

    def routes(self) -> list[Route]:
        return [
            Route(f"/{self.name}/fhir/.well-known/smart-configuration", self._answer(self._metadata)),
            Route(f"/{self.name}/auth/.well-known/openid-configuration", self._answer(self._openid)),
            Route(f"/{self.name}/auth/jwks", self._answer(self._jwks)),
            Route(f"/{self.name}/auth/token", self._answer(self._token), methods=["POST"]),
            Route(f"/{self.name}/auth/revoke", self._answer(self._revoke), methods=["POST"]),
            Route(f"/{self.name}/{{rest:path}}", self._answer(self._fhir), methods=["GET", "POST"]),
        ]

    def _answer(self, make: Callable[[Heard], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            body = (await request.body()).decode()
            heard = Heard(
                request.method,
                request.url.path.removeprefix(f"/{self.name}"),
                dict(request.query_params),
                dict(parse_qsl(body, keep_blank_values=True)),
                dict(request.headers),
                body,
            )
            self.heard.append(heard)
            if heard.path in self.behaviour.away:
                return Response("<html>maintenance</html>", 503, media_type="text/html")
            await asyncio.sleep(sum(late for word, late in self.behaviour.slow.items() if word in heard.path))
            answer = await make(heard)
            if heard.path == "/auth/token":
                await asyncio.sleep(self.behaviour.seconds)
            return _Lost() if heard.form.get("grant_type", heard.path) in self.behaviour.lost else answer

        return endpoint

    async def _metadata(self, _: Heard) -> Response:
        good: dict[str, object] = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-ehr", "sso-openid-connect", "authorize-post", "permission-v2"],
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(_changed(good, self.behaviour.metadata))

    async def _openid(self, _: Heard) -> Response:
        if self.behaviour.openid is None:
            return Response("nothing here", 404)
        return JSONResponse(self.behaviour.openid)

    async def _jwks(self, _: Heard) -> Response:
        return JSONResponse(self.behaviour.key_set or self.signer.keys)

    async def _token(self, heard: Heard) -> Response:
        self._demand(heard.headers.get("content-type") == "application/x-www-form-urlencoded", "token: content type")
        if not await self._authenticate(heard):
            return JSONResponse({"error": "invalid_client"}, 401)
        if heard.form.get("grant_type") == "refresh_token":
            return self._refresh(heard)
        asked = self.codes.pop(heard.form.get("code", ""), None)
        verifier = hashlib.sha256(heard.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if (
            asked is None
            or heard.form.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        answer = self._issue(asked["scope"])
        claims = _changed(self._claims(asked["nonce"]), self.behaviour.claims)
        forge = self.behaviour.id_token
        answer |= {"id_token": forge(self.signer, claims) if forge else self.signer.sign(claims)}
        answer |= {"patient": "p1", "encounter": "e1", "need_patient_banner": True}
        return JSONResponse(_changed(answer, self.behaviour.token))

    def _refresh(self, heard: Heard) -> Response:
        token = heard.form.get("refresh_token", "")
        if token not in self.refresh_tokens:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.refresh_tokens.remove(token)
        return JSONResponse(_changed(self._issue(""), self.behaviour.refreshed))

    async def _revoke(self, heard: Heard) -> Response:
        """RFC 7009, section 2: the client proves itself, and a token nobody knows is gone already."""
        if not await self._authenticate(heard):
            return JSONResponse({"error": "invalid_client"}, 401)
        self._demand(heard.form.get("token_type_hint") == "refresh_token", "revoke: token_type_hint")
        self._demand(heard.form.get("token") in self.refresh_tokens, "revoke: token")
        self.refresh_tokens.discard(heard.form.get("token", ""))
        return Response(status_code=200)

    def _issue(self, scope: str) -> dict[str, object]:
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self.access_tokens.add(access)
        self.refresh_tokens.add(refresh)
        issued = {"access_token": access, "token_type": "Bearer", "expires_in": 300, "refresh_token": refresh}
        return {**issued, "scope": scope} if scope else issued

    def _claims(self, nonce: str) -> dict[str, object]:
        at = int(self.clock.now().timestamp())
        return {
            "iss": self.issuer,
            "sub": "user-7",
            "aud": self.client.client_id,
            "exp": at + 300,
            "iat": at,
            "nonce": nonce,
            "fhirUser": f"{self.fhir_base}/Practitioner/7",
        }

    async def _fhir(self, heard: Heard) -> Response:
        bearer = heard.headers.get("authorization", "").removeprefix("Bearer ")
        if not heard.path.startswith("/fhir"):
            return Response("nothing here", 404)
        if bearer not in self.access_tokens:
            return JSONResponse({"resourceType": "OperationOutcome"}, 401)
        if heard.path in self.behaviour.forbidden:
            return JSONResponse({"resourceType": "OperationOutcome"}, 403)
        if heard.method == "POST" and self.behaviour.files:
            return self._file(heard)
        kind = heard.path.removeprefix("/fhir/")
        if self.behaviour.files and kind in ("DocumentReference", "Composition"):
            found = [{"resource": one} for place, one in self.records.items() if place.startswith(f"{kind}/")]
            return JSONResponse({"resourceType": "Bundle", "type": "searchset", "entry": found})
        record = self.records.get(heard.path.removeprefix("/fhir/"))
        missing = {"resourceType": "OperationOutcome"}
        return JSONResponse(record or missing, 200 if record else 404, media_type="application/fhir+json")

    def _file(self, heard: Heard) -> Response:
        """A transaction, each resource of which is stored under a number of its own."""
        entries = []
        for number, entry in enumerate(json.loads(heard.body)["entry"], start=1):
            resource = entry["resource"]
            place = f"{resource['resourceType']}/{number}"
            self.records[place] = {**resource, "id": str(number)}
            entries.append({"response": {"status": "201 Created", "location": place}})
        answer = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
        return JSONResponse(answer, media_type="application/fhir+json")

    async def _authenticate(self, heard: Heard) -> bool:
        """Each method is taken by itself only: no proof too few and none too many (client requirements 63 to 72)."""
        method, form, header = self.client.auth_method, heard.form, heard.headers.get("authorization")
        given = {
            "public": header is None and form.get("client_id") == self.client.client_id and "client_secret" not in form,
            "client_secret_basic": self._is_basic(header) and not {"client_id", "client_secret"} & set(form),
            "client_secret_post": header is None
            and (form.get("client_id"), form.get("client_secret")) == (self.client.client_id, self.client.secret),
            "private_key_jwt": header is None and "client_id" not in form and await self._is_asserted(form),
        }
        self._demand(given[method], f"token: {method}")
        return given[method]

    def _is_basic(self, header: str | None) -> bool:
        if header is None or not header.startswith("Basic "):
            return False
        name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == (self.client.client_id, self.client.secret)

    async def _is_asserted(self, form: dict[str, str]) -> bool:
        """Inferno: token requests of an asymmetric client."""
        if form.get("client_assertion_type") != CODE or self.client.key_set is None:
            return False
        published = await self.client.key_set()
        try:
            token = jwt.decode(form["client_assertion"], KeySet.import_key_set(published), ["RS384", "ES384"])
            header = jws.extract_compact(form["client_assertion"].encode()).headers()
        except (JoseError, ValueError, KeyError):
            return False
        claims, now = token.claims, self.clock.now().timestamp()
        fresh = claims["jti"] not in self.jtis
        self.jtis.add(claims["jti"])
        return (
            header["typ"] == self.client.assertion_type
            and header["kid"] in [key["kid"] for key in published["keys"]]
            and header.get("jku") in (None, self.client.key_set_address)
            and claims["iss"] == claims["sub"] == self.client.client_id
            and claims["aud"] == (self.client.audience or f"{self.issuer}/token")
            and now < claims["exp"] <= now + 300
            and claims["iat"] <= now
            and fresh
        )

    def _demand(self, met: bool, what: str) -> None:
        if not met:
            self.flaws.append(what)


class _Lost(Response):
    """An answer that breaks off: its head promises what never comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"999")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**good, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def make_app(find: Callable[[str], StrictEhr | None]) -> Starlette:
    """One server for many EHRs: the first folder of the path says which."""

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        ehr = find(scope["path"].split("/")[1])
        if ehr is None:
            await Response("nobody here", 404)(scope, receive, send)
        else:
            await Starlette(routes=ehr.routes())(scope, receive, send)

    app = Starlette()
    app.mount("/", dispatch)
    return app


def readable(token: str) -> dict[str, Any]:
    """The claims of a compact JWT, unverified."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims

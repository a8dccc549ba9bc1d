"""In: the app's form posts to /auth/token, /auth/introspect, /auth/revoke. Out: tokens, what they are worth, their end.
Never reads a parameter from the query and never takes two ways of authentication at once."""

import asyncio
import binascii
from base64 import b64decode

from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import APIRouter, Request
from starlette.responses import Response

from .answer_tricks import bend_answer, needs_other_patient, spell_answer
from .discovery_tricks import PAGE
from .evidence import describe_answer, describe_authentication, describe_token_request, show_pairs
from .mischief import ActiveMischief
from .oauth_wire import OAuthReply, SandboxOAuth2Request, read_pairs, send_reply, send_text
from .parts import EhrParts
from .tokens import hash_token
from .wire_faults import NOTE

_FORM = "application/x-www-form-urlencoded"


def build_token_router(parts: EhrParts) -> APIRouter:
    """The routes an app calls without a browser."""
    router = APIRouter(prefix="/auth")
    desk = TokenDesk(parts)
    router.add_api_route("/token", desk.token, methods=["POST"])
    router.add_api_route("/introspect", desk.introspect, methods=["POST"])
    router.add_api_route("/revoke", desk.revoke, methods=["POST"])
    return router


class TokenDesk:
    """The HTTP side of the token endpoint and its two neighbours."""

    def __init__(self, parts: EhrParts) -> None:
        self._parts = parts

    async def token(self, request: Request) -> Response:
        """The token endpoint (RFC 6749 section 3.2). Errors as RFC 6749 section 5.2."""
        asked = await self._read(request)
        if isinstance(asked, Response):
            return asked
        refreshing = asked.payload.grant_type == "refresh_token"
        early = await self._interfere(asked.active)
        if early is not None:
            return early
        if needs_other_patient(asked.active, refreshing=refreshing):
            asked.other_patient = await self._find_other_patient(asked)
        reply = self._parts.oauth.create_token_response(asked)
        note = request.scope[NOTE]
        note.client_id = asked.client.client_id if asked.client else asked.payload.client_id
        note.detail = {
            "grant_type": asked.payload.grant_type or "",
            "client_authentication": asked.auth_method or "",
        }
        note.evidence |= {"authentication": describe_authentication(asked), "answer": describe_answer(reply)}
        if reply.status != 200:
            return send_reply(reply, "POST")
        lost = asked.active.strike("token_lost") or (refreshing and asked.active.strike("refresh_lost"))
        note.drop = bool(lost)
        bend_answer(reply.body, asked.active, refreshing=refreshing)
        return send_text(reply, *spell_answer(reply.body, asked.active))

    async def introspect(self, request: Request) -> Response:
        """Token introspection (RFC 7662)."""
        return await self._answer(request, "introspection")

    async def revoke(self, request: Request) -> Response:
        """Token revocation (RFC 7009)."""
        return await self._answer(request, "revocation")

    async def _answer(self, request: Request, endpoint: str) -> Response:
        if not self._parts.switches.offers(endpoint):
            return send_reply(OAuthReply(404, {"error": "not_found"}), "POST")
        asked = await self._read(request)
        if isinstance(asked, Response):
            return asked
        try:
            reply = self._parts.oauth.create_endpoint_response(endpoint, asked)
        except OAuth2Error as error:
            reply = self._parts.oauth.handle_error_response(asked, error)
        note = request.scope[NOTE]
        note.client_id = asked.client.client_id if asked.client else asked.payload.client_id
        value = asked.payload.data.get("token", "")
        note.evidence |= {
            "kind": endpoint,
            "token_sha256": hash_token(value) if value else None,
            "authentication": describe_authentication(asked),
            "answer": describe_answer(reply),
        }
        return send_reply(reply, "POST")

    async def _read(self, request: Request) -> SandboxOAuth2Request | Response:
        flaw = _find_flaw(request)
        pairs = [] if flaw else await read_pairs(request)
        flaw = flaw or _find_form_flaw(request, [name for name, _ in pairs])
        note = request.scope[NOTE]
        if flaw:
            note.evidence = {"kind": "malformed", "parameters": show_pairs(pairs), "answer": {"status": 400}}
            body = {"error": "invalid_request", "error_description": flaw}
            return send_reply(OAuthReply(400, body, {"Pragma": "no-cache"}), "POST")
        uri = f"{self._parts.config.base_url}{request.url.path}"
        asked = SandboxOAuth2Request(request.method, uri, pairs=pairs, headers=request.headers)
        asked.assertion = await self._parts.assertions.examine(asked.payload.data)
        note.evidence = describe_token_request(self._parts.oauth, asked, pairs)
        launch_id = (note.evidence.get("code") or note.evidence.get("refresh_token") or {}).get("launch")
        asked.active = self._parts.mischief.find(launch_id, note)
        return asked

    async def _interfere(self, active: ActiveMischief) -> Response | None:
        if (options := active.strike("token_slow")) is not None:
            await asyncio.sleep(options["seconds"])
        if (options := active.strike("token_redirect")) is not None:
            headers = {"Location": f"{options['to']}/auth/token", "Cache-Control": "no-store"}
            return Response("", options["status"], headers)
        if (options := active.strike("token_html")) is not None:
            return Response(PAGE, options["status"], {"Cache-Control": "no-store"}, "text/html")
        return None

    async def _find_other_patient(self, asked: SandboxOAuth2Request) -> str:
        form, tokens = asked.payload.data, self._parts.oauth.tokens
        held = tokens.look_at_code(form.get("code", "")) or tokens.look_at_refresh(form.get("refresh_token", ""))
        own = held.approval.patient if held else ""
        found = await self._parts.upstream.search("Patient", query=[("_count", "5")])
        others = [resource["id"] for resource in found if resource.get("resourceType") == "Patient"]
        return next((str(number) for number in others if number != own), "no-such-patient")


def _find_flaw(request: Request) -> str | None:
    if request.url.query:
        return "Parameters belong into the body, not into the query."
    if request.headers.get("Content-Type", "").split(";")[0].strip().lower() != _FORM:
        return f"The body must be {_FORM}."
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            b64decode(credentials.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return "The Authorization header is not well-formed HTTP Basic."
    return None


def _find_form_flaw(request: Request, names: list[str]) -> str | None:
    if len(names) != len(set(names)):
        return "A parameter was sent more than once."
    basic = request.headers.get("Authorization", "").lower().startswith("basic ")
    asserted = bool({"client_assertion", "client_assertion_type"} & set(names))
    if asserted and (basic or "client_secret" in names):
        return "An app authenticates in one way at a time (RFC 6749 section 2.3)."
    if (basic or asserted) and {"client_id", "client_secret"} & set(names):
        return "An app that authenticates sends no client_id and no client_secret in the body (SMART App Launch 2.2)."
    return None

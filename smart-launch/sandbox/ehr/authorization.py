"""In: the browser's authorization requests. Out: the picker's page, redirects with codes or errors, the public keys.
Never asks for a password: this is a sandbox, the clinician is picked from a list, or was signed in at launch."""

import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import APIRouter, Request
from starlette.responses import Response

from .callback_tricks import bend_callback
from .discovery import describe_openid
from .discovery_tricks import serve_document, serve_keys
from .evidence import describe_authorization, describe_redirect
from .launches import Launch, LaunchUnusable
from .oauth_wire import OAuthReply, SandboxOAuth2Request, read_pairs, send_reply
from .parts import EhrParts
from .picking import ANSWERS, PickRefused, Wanted, describe_choices, find_wanted, settle_launch
from .wire_faults import NOTE

Answers = dict[str, str]


def build_oauth_router(parts: EhrParts) -> APIRouter:
    """The routes under /auth that a browser uses, or anyone."""
    router = APIRouter(prefix="/auth")
    desk = AuthorizationDesk(parts)
    router.add_api_route("/authorize", desk.authorize, methods=["GET", "POST"])
    router.add_api_route("/jwks", desk.jwks, methods=["GET"])
    router.add_api_route("/.well-known/openid-configuration", desk.openid_configuration, methods=["GET"])
    return router


class AuthorizationDesk:
    """The HTTP side of the authorization endpoint."""

    def __init__(self, parts: EhrParts) -> None:
        self._parts = parts

    async def authorize(self, request: Request) -> Response:
        """The authorization endpoint (RFC 6749 section 3.1), by GET or POST.

        With a clinician already signed in at launch and a patient named it answers at once; otherwise it shows the
        picker, whose form comes back here with `decision` (approve, deny, search) and what was picked beside the
        original parameters.
        """
        pairs = await read_pairs(request)
        posted = request.method == "POST"
        answers = {name: value for name, value in pairs if name in ANSWERS} if posted else {}
        if posted and "decision" not in answers and not self._parts.switches.offers("authorize-post"):
            return send_reply(OAuthReply(405, {"error": "invalid_request"}, {"Allow": "GET"}), "POST")
        pairs = [pair for pair in pairs if pair[0] not in ANSWERS]
        uri = f"{self._parts.config.base_url}{request.url.path}"
        asked = SandboxOAuth2Request(request.method, uri, pairs=pairs, headers=request.headers)
        note, oauth = request.scope[NOTE], self._parts.oauth
        note.client_id = asked.payload.client_id
        content_type = request.headers.get("Content-Type", "")
        note.evidence = describe_authorization(oauth, asked, pairs, content_type=content_type)
        note.evidence["from_the_page"] = sorted(answers)
        launch = self._find_launch(asked)
        try:
            grant = oauth.get_consent_grant(asked, end_user=launch.practitioner if launch else None)
        except (OAuth2Error, ValueError) as error:
            return self._refuse(request, asked, error)
        wanted = find_wanted(grant.request.scope, launch)
        if answers.get("decision") == "deny":
            return self._send_back(request, oauth.deny(grant), launch)
        if wanted.anything and answers.get("decision") != "approve":
            return await self._show_picker(request, asked, pairs, wanted=wanted, answers=answers)
        try:
            client_id = asked.payload.client_id
            settled, by = await settle_launch(self._parts, launch, answers, wanted=wanted, client_id=client_id)
        except PickRefused as refused:
            return self._show_refusal(request, str(refused))
        return self._send_back(request, oauth.approve(grant, settled, by), settled)

    async def jwks(self, request: Request) -> Response:
        """The public signing key (RFC 7517)."""
        active = self._parts.mischief.find_open(request.scope[NOTE])
        return serve_keys(self._parts.oauth.keys, active, path=request.url.path)

    async def openid_configuration(self, request: Request) -> Response:
        """OpenID Connect Discovery of the issuer."""
        active = self._parts.mischief.find_open(request.scope[NOTE])
        document = describe_openid(self._parts.config, self._parts.switches)
        return serve_document(document, active, path=request.url.path)

    def _find_launch(self, asked: SandboxOAuth2Request) -> Launch | None:
        launches = self._parts.oauth.launches
        try:
            return launches.find_launch(asked.payload.data.get("launch"), asked.payload.client_id or "")
        except LaunchUnusable:
            return None  # the grant finds the same and says so with the state of the request

    def _send_back(self, request: Request, reply: OAuthReply, launch: Launch | None) -> Response:
        """The redirect to the app, with whatever mischief is in force."""
        note = request.scope[NOTE]
        launch_id = launch.launch_id if launch else None
        note.evidence["answer"] = describe_redirect(reply, launch_id)
        active = self._parts.mischief.find(launch_id, note)
        if reply.location is not None:
            code = parse_qs(urlsplit(reply.location).query).get("code", [""])[0]
            if code and active.strike("callback_code_injected") is not None:
                self._parts.oauth.tokens.rebind_code(code, secrets.token_urlsafe(32))
            reply.location = bend_callback(reply.location, active, fhir_base=self._parts.config.fhir_base)
        return send_reply(reply, request.method)

    async def _show_picker(
        self,
        request: Request,
        asked: SandboxOAuth2Request,
        pairs: list[tuple[str, str]],
        *,
        wanted: Wanted,
        answers: Answers,
    ) -> Response:
        today = datetime.fromtimestamp(self._parts.clock(), UTC).date()
        client = self._parts.oauth.clients[asked.payload.client_id].registration
        context = {
            "client_name": client.name,
            "scopes": (asked.payload.scope or "").split(),
            "pairs": pairs,
            **await describe_choices(self._parts, wanted, answers, today=today),
        }
        return self._parts.templates.TemplateResponse(request, "authorize.html", context)

    def _refuse(self, request: Request, asked: SandboxOAuth2Request, error: Exception) -> Response:
        if not isinstance(error, OAuth2Error):
            return self._show_refusal(request, "The request holds characters that are not allowed.")
        reply = self._parts.oauth.refuse(asked, error)
        if reply.location is None:
            return self._show_refusal(request, error.description or error.error, error.error)
        request.scope[NOTE].evidence["answer"] = describe_redirect(reply, None)
        return send_reply(reply, request.method)

    def _show_refusal(self, request: Request, text: str, error: str = "invalid_request") -> Response:
        """An error that must not be sent to an unproven redirect_uri (RFC 6749 section 4.1.2.1)."""
        request.scope[NOTE].evidence["answer"] = {"kind": "refusal", "error": error}
        if "text/html" in request.headers.get("Accept", ""):
            context = {"title": "Authorization refused", "text": text}
            return self._parts.templates.TemplateResponse(request, "refusal.html", context, status_code=400)
        return send_reply(OAuthReply(400, {"error": error, "error_description": text}), request.method)

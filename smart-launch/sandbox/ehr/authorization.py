"""In: the browser's and the app's OAuth requests. Out: the clinician picker, redirects with codes, tokens, keys.
Never asks for a password: this is a sandbox, the clinician is picked from a list, or was signed in at launch."""

import binascii
from base64 import b64decode

from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from .clinicians import Clinician
from .discovery import describe_openid
from .encounters import name_clinician
from .interactions import ID
from .keys import publish_keys
from .launches import Launch, LaunchUnusable
from .oauth_wire import OAuthReply, SandboxOAuth2Request, read_pairs, send_reply
from .parts import EhrParts
from .wire_faults import NOTE

_ANSWERS = ("practitioner", "decision")
_FORM = "application/x-www-form-urlencoded"


def build_oauth_router(parts: EhrParts) -> APIRouter:
    """The routes under /auth."""
    router = APIRouter(prefix="/auth")
    desk = AuthorizationDesk(parts)
    router.add_api_route("/authorize", desk.authorize, methods=["GET", "POST"])
    router.add_api_route("/token", desk.token, methods=["POST"])
    router.add_api_route("/jwks", desk.jwks, methods=["GET"])
    router.add_api_route("/.well-known/openid-configuration", desk.openid_configuration, methods=["GET"])
    return router


class AuthorizationDesk:
    """The HTTP side of the authorization server."""

    def __init__(self, parts: EhrParts) -> None:
        self._parts = parts

    async def authorize(self, request: Request) -> Response:
        """The authorization endpoint (RFC 6749 section 3.1), by GET or POST.

        With a clinician already signed in at launch it answers at once; otherwise it shows the picker, whose form
        comes back here with `practitioner` and `decision` (approve or deny) beside the original parameters.
        """
        pairs = await read_pairs(request)
        asked = self._oauth_request(request, [pair for pair in pairs if pair[0] not in _ANSWERS])
        answers = dict(pair for pair in pairs if pair[0] in _ANSWERS) if request.method == "POST" else {}
        request.scope[NOTE].client_id = asked.payload.client_id
        oauth = self._parts.oauth
        try:
            launch = oauth.launches.find_launch(asked.payload.data.get("launch"), asked.payload.client_id or "")
        except LaunchUnusable:
            launch = None  # the grant finds the same and says so with the state of the request
        try:
            grant = oauth.get_consent_grant(asked, end_user=launch.practitioner if launch else None)
        except (OAuth2Error, ValueError) as error:
            return self._refuse(request, asked, error)
        if launch is None:
            return self._show_refusal(request, "This launch is not known here.")
        if answers.get("decision") == "deny":
            return send_reply(oauth.approve(grant, launch, None), request.method)
        if launch.practitioner is None and answers.get("decision") != "approve":
            return await self._show_picker(request, launch, [pair for pair in pairs if pair[0] not in _ANSWERS])
        clinician = await self._find_clinician(launch, answers.get("practitioner", ""))
        if clinician is None:
            return self._show_refusal(request, "The picked clinician is not known here.")
        return send_reply(oauth.approve(grant, launch, clinician.reference), request.method)

    async def token(self, request: Request) -> Response:
        """The token endpoint (RFC 6749 section 3.2). Errors as RFC 6749 section 5.2."""
        flaw = _find_flaw(request)
        pairs = [] if flaw else await read_pairs(request)
        names = [name for name, _ in pairs]
        if len(names) != len(set(names)):
            flaw = "A parameter was sent more than once."
        basic = request.headers.get("Authorization", "").lower().startswith("basic ")
        if basic and {"client_id", "client_secret"} & set(names):
            flaw = "With HTTP Basic the body carries no client_id and no client_secret (SMART App Launch 2.2)."
        if flaw:
            body = {"error": "invalid_request", "error_description": flaw}
            return send_reply(OAuthReply(400, body, {"Pragma": "no-cache"}), "POST")
        asked = self._oauth_request(request, pairs)
        reply = self._parts.oauth.create_token_response(asked)
        note = request.scope[NOTE]
        note.client_id = asked.client.client_id if asked.client else asked.payload.client_id
        note.detail = {
            "grant_type": asked.payload.grant_type or "",
            "client_authentication": asked.auth_method or "",
        }
        return send_reply(reply, "POST")

    async def jwks(self) -> Response:
        """The public signing key (RFC 7517)."""
        keys = publish_keys(self._parts.oauth.key)
        return JSONResponse(keys, headers={"Cache-Control": "public, max-age=300"})

    async def openid_configuration(self) -> Response:
        """OpenID Connect Discovery of the issuer."""
        return JSONResponse(describe_openid(self._parts.config), headers={"Cache-Control": "public, max-age=300"})

    def _oauth_request(self, request: Request, pairs: list[tuple[str, str]]) -> SandboxOAuth2Request:
        uri = f"{self._parts.config.base_url}{request.url.path}"
        return SandboxOAuth2Request(request.method, uri, pairs=pairs, headers=request.headers)

    async def _find_clinician(self, launch: Launch, picked: str) -> Clinician | None:
        if launch.practitioner is not None:
            return await self._parts.clinicians.find_clinician(launch.practitioner)
        kind, _, number = picked.partition("/")
        if kind != "Practitioner" or not ID.match(number):
            return None
        clinician = await self._parts.clinicians.find_clinician(picked)
        if clinician and launch.encounter:
            await name_clinician(self._parts.upstream, launch.encounter, clinician=clinician)
        return clinician

    async def _show_picker(self, request: Request, launch: Launch, pairs: list[tuple[str, str]]) -> Response:
        client = self._parts.oauth.clients[launch.client_id].registration
        context = {
            "client_name": client.name,
            "scopes": dict(pairs).get("scope", "").split(),
            "clinicians": await self._parts.clinicians.list_clinicians(),
            "pairs": pairs,
        }
        return self._parts.templates.TemplateResponse(request, "authorize.html", context)

    def _refuse(self, request: Request, asked: SandboxOAuth2Request, error: Exception) -> Response:
        if not isinstance(error, OAuth2Error):
            return self._show_refusal(request, "The request holds characters that are not allowed.")
        reply = self._parts.oauth.refuse(asked, error)
        if reply.location is None:
            return self._show_refusal(request, error.description or error.error, error.error)
        return send_reply(reply, request.method)

    def _show_refusal(self, request: Request, text: str, error: str = "invalid_request") -> Response:
        """An error that must not be sent to an unproven redirect_uri (RFC 6749 section 4.1.2.1)."""
        if "text/html" in request.headers.get("Accept", ""):
            context = {"title": "Authorization refused", "text": text}
            return self._parts.templates.TemplateResponse(request, "refusal.html", context, status_code=400)
        return send_reply(OAuthReply(400, {"error": error, "error_description": text}), request.method)


def _find_flaw(request: Request) -> str | None:
    if request.headers.get("Content-Type", "").split(";")[0].strip().lower() != _FORM:
        return f"The body must be {_FORM}."
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            b64decode(credentials.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return "The Authorization header is not well-formed HTTP Basic."
    return None

"""In: authorization and token requests in Authlib's form. Out: codes and tokens that carry the launch context.
Never issues a code without S256, state, the right audience and an unspent launch or a patient picked."""

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge

from .launches import LaunchUnusable
from .registrations import ASSERTION, BASIC, POST
from .scopes import parse_scopes
from .switchboard import Switchboard
from .tokens import CODE_SECONDS, Approval, AuthorizationCode, RefreshToken

AUTH_METHODS = [ASSERTION, BASIC, POST, "none"]
_STANDALONE = ("launch/patient", "launch/encounter")


def authenticate_by_assertion(query_client: Any, request: Any) -> Any:
    """Authlib's hook for private_key_jwt: the finding was made before, because key sets are read over the network."""
    finding = request.assertion
    if finding is None:
        return None
    if finding.refused is not None:
        raise InvalidClientError(description=finding.refused)
    return query_client(finding.client_id)


class LaunchCodeGrant(AuthorizationCodeGrant):
    """RFC 6749 section 4.1 for SMART launches. The "user" of Authlib is the clinician's Approval."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    RESPONSE_TYPES = frozenset({"code"})

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep the code for 60 s and spend the launch."""
        data, now = request.payload.data, self.server.clock()
        self.server.launches.spend_launch(request.user.launch_id)
        self.server.tokens.save_code(
            AuthorizationCode(
                code=code,
                approval=request.user,
                redirect_uri=request.payload.redirect_uri,
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
                nonce=data.get("nonce"),
                issued_at=now,
                expires_at=now + CODE_SECONDS,
            )
        )

    def query_authorization_code(self, code: str, client: Any) -> AuthorizationCode | None:
        """The code, taken out of the store: whatever happens next, it cannot be used again."""
        return self.server.tokens.take_code(code, client.client_id)

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Nothing left to delete: the code was taken when it was looked up."""

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Approval:
        """The approval behind the code."""
        return authorization_code.approval


class RotatingRefreshGrant(RefreshTokenGrant):
    """RFC 6749 section 6 with rotation: each refresh gives a new refresh token and ends the old one."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """The refresh token if it is alive and its user is still there."""
        active = self.request.active
        forgiving = active.is_on("refresh_rotating") and active.strike("refresh_rotating") is not None
        found = self.server.tokens.find_refresh(refresh_token, forgiving=forgiving)
        if found is not None and active.strike("refresh_user_disabled") is not None:
            return None
        active.strike("refresh_reuse_revokes")
        return found

    def authenticate_user(self, refresh_token: RefreshToken) -> Approval:
        """The approval behind the refresh token."""
        return refresh_token.approval

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """End the presented refresh token, unless this server keeps them."""
        if not self.request.keeps_refresh:
            self.server.tokens.spend_refresh(refresh_token.value)


class RequiredS256(CodeChallenge):
    """PKCE (RFC 7636) with S256 and nothing else, for public and confidential clients alike."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Refuses a request without an S256 challenge, then lets Authlib check its form."""
        data = grant.request.payload.data
        if not data.get("code_challenge"):
            raise InvalidRequestError("code_challenge is required (PKCE).")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)


class LaunchRules:
    """What SMART App Launch 2.2 adds to an authorization request: state, aud, a launch scope, the launch."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.check_launch)

    def check_launch(self, grant: Any, _redirect_uri: str) -> None:
        """Raises OAuth errors that are sent to the redirect_uri, which is already known to be the client's own."""
        request, server = grant.request, grant.server
        data = request.payload.data
        if not data.get("redirect_uri"):
            raise InvalidRequestError("redirect_uri is required.")
        if not data.get("state"):
            raise InvalidRequestError("state is required.")
        if data.get("aud") != server.config.fhir_base:
            raise InvalidRequestError(f"aud must be {server.config.fhir_base}")
        for name in ("aud", "launch", "nonce", "code_challenge", "code_challenge_method"):
            if len(request.payload.datalist.get(name, [])) > 1:
                raise InvalidRequestError(f"{name} was sent more than once.")
        asked = (request.payload.scope or "").split()
        if "launch" not in asked and data.get("launch"):
            raise InvalidScopeError("The scope launch is required for an EHR launch.")
        if "launch" not in asked:
            _check_standalone(server.switches, asked, granted=request.scope.split())
            return
        if "launch" not in request.scope.split():
            raise InvalidScopeError("EHR launch is not offered, or not registered for this app.")
        try:
            server.launches.find_launch(data.get("launch"), request.client.client_id)
        except LaunchUnusable as error:
            raise InvalidRequestError(str(error)) from error


def _check_standalone(switches: Switchboard, asked: list[str], *, granted: list[str]) -> None:
    if not set(_STANDALONE) & set(asked):
        raise InvalidScopeError("The scope launch (EHR launch) or launch/patient (standalone) is required.")
    if not switches.offers("launch-standalone"):
        raise InvalidScopeError("Standalone launch is not offered.")
    if "launch/patient" in granted:
        return
    if switches.offers("context-standalone-patient"):
        raise InvalidScopeError("A standalone launch needs launch/patient, and the app must be registered for it.")
    if not any(scope.context == "user" for scope in parse_scopes(" ".join(granted))):
        raise InvalidScopeError("No patient is picked here: a standalone launch needs user/ scopes.")


class LaunchTokenGenerator(BearerTokenGenerator):
    """Opaque bearer tokens with the launch context of SMART App Launch 2.2 beside them."""

    def __init__(self, switches: Switchboard) -> None:
        super().__init__(_make_token, _make_token, lambda _client, _grant_type: switches.token_seconds)
        self._switches = switches

    def generate(self, grant_type: str, client: Any, user: Approval, *details: Any, **named: Any) -> dict[str, Any]:
        """The token response: a refresh token only when it was granted, the context of the launch."""
        token = super().generate(grant_type, client, user, *details, **named)
        if not user.may_refresh:
            token.pop("refresh_token", None)
        return token | self.describe_context(user)

    def describe_context(self, approval: Approval) -> dict[str, Any]:
        """Patient, encounter and the rest, as far as this server's capabilities have them."""
        kind = "standalone" if approval.is_standalone else "ehr"
        context: dict[str, Any] = {}
        if approval.patient and self._switches.offers(f"context-{kind}-patient"):
            context["patient"] = approval.patient
        if approval.encounter and self._switches.offers(f"context-{kind}-encounter"):
            context["encounter"] = approval.encounter
        if approval.patient and self._switches.offers("context-banner"):
            context["need_patient_banner"] = approval.need_patient_banner
        extras = dict(approval.extras)
        if not self._switches.offers("context-style"):
            extras.pop("smart_style_url", None)
        return context | extras


def _make_token(**_ignored: Any) -> str:
    return secrets.token_urlsafe(32)

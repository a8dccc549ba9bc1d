"""In: authorization and token requests in Authlib's form. Out: codes and tokens that carry the launch context.
Never issues a code without S256, state, the right audience and an unspent launch."""

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode

from .launches import LaunchUnusable
from .tokens import CODE_SECONDS, Approval, AuthorizationCode, RefreshToken

_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]


class LaunchCodeGrant(AuthorizationCodeGrant):
    """RFC 6749 section 4.1 for an EHR launch. The "user" of Authlib is the clinician's Approval."""

    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS
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

    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """The refresh token if it is alive."""
        return self.server.tokens.find_refresh(refresh_token)

    def authenticate_user(self, refresh_token: RefreshToken) -> Approval:
        """The approval behind the refresh token."""
        return refresh_token.approval

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """End the presented refresh token."""
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
    """What SMART App Launch 2.2 adds to an authorization request: state, aud, the launch scope, the launch."""

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
        for name in ("aud", "launch", "nonce"):
            if len(request.payload.datalist.get(name, [])) > 1:
                raise InvalidRequestError(f"{name} was sent more than once.")
        if "launch" not in (request.payload.scope or "").split():
            raise InvalidScopeError("The scope launch is required for an EHR launch.")
        try:
            server.launches.find_launch(data.get("launch"), request.client.client_id)
        except LaunchUnusable as error:
            raise InvalidRequestError(str(error)) from error


class ClinicianIdToken(OpenIDCode):
    """The id_token (OIDC Core section 2, SMART fhirUser): RS256, with kid, fhirUser absolute on the gateway's base."""

    def __init__(self, server: Any) -> None:
        super().__init__(require_nonce=False)
        self._server = server

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """True when the same app has been given a code for the same nonce before."""
        return self._server.tokens.nonce_was_used(request.payload.client_id, nonce)

    def resolve_client_private_key(self, client: Any) -> Any:
        """The sandbox EHR's own signing key."""
        return self._server.key

    def get_encode_header(self, client: Any) -> dict[str, str]:
        """RS256 and the kid that the published key set carries."""
        return {"alg": "RS256", "typ": "JWT", "kid": self._server.key.kid}

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        """Issuer, audience and life of the id_token."""
        now = int(self._server.clock())
        life = self._server.config.token_seconds
        return {"iss": self._server.config.issuer, "aud": client.client_id, "iat": now, "exp": now + life}

    def generate_user_info(self, user: Approval, scope: str) -> dict[str, str]:
        """`sub` always; `fhirUser` when that scope was granted."""
        claims = {"sub": user.practitioner.replace("/", "-")}
        if "fhirUser" in scope.split():
            claims["fhirUser"] = f"{self._server.config.fhir_base}/{user.practitioner}"
        return claims


class LaunchTokenGenerator(BearerTokenGenerator):
    """Opaque bearer tokens with the launch context of SMART App Launch 2.2 beside them."""

    def __init__(self, seconds: int) -> None:
        super().__init__(_make_token, _make_token, seconds)

    def generate(self, grant_type: str, client: Any, user: Approval, *details: Any, **named: Any) -> dict[str, Any]:
        """The token response: a refresh token only when it was granted, patient and encounter of the launch."""
        token = super().generate(grant_type, client, user, *details, **named)
        if not user.may_refresh:
            token.pop("refresh_token", None)
        token["patient"] = user.patient
        if user.encounter:
            token["encounter"] = user.encounter
        token["need_patient_banner"] = user.need_patient_banner
        return token


def _make_token(**_ignored: Any) -> str:
    return secrets.token_urlsafe(32)

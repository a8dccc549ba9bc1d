"""In: an approval and the request for its token. Out: the id_token (OIDC Core section 2, SMART fhirUser).
Never signed by anything but RS256 of the published key, unless a test asked for mischief."""

from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.util import create_half_hash

from .forgeries import TRICKS
from .id_token_draft import IdTokenDraft


class ClinicianIdToken(OpenIDCode):
    """The id_token of the code grant: RS256, with kid, fhirUser absolute on the gateway's base."""

    def __init__(self, server: Any) -> None:
        super().__init__(require_nonce=False)
        self._server = server

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """True when the same app has been given a code for the same nonce before."""
        return self._server.tokens.nonce_was_used(request.payload.client_id, nonce)

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        """The signed token; every mischief in force for the launch has its turn."""
        approval = request.user
        draft = IdTokenDraft(
            header={"alg": "RS256", "typ": "JWT", "kid": self._server.keys.current.kid},
            claims=self._build_claims(token, request),
            keys=self._server.keys,
            fhir_base=self._server.config.fhir_base,
            client_secret=request.client.registration.client_secret or request.client.client_id,
            patient=approval.patient,
        )
        for trick, options in request.active.strike_all(TRICKS):
            trick(draft, options)
        return draft.encode()

    def _build_claims(self, token: dict[str, Any], request: OAuth2Request) -> dict[str, Any]:
        config, now = self._server.config, int(self._server.clock())
        life = self._server.switches.token_seconds
        claims: dict[str, Any] = {
            "iss": config.issuer,
            "aud": request.client.client_id,
            "iat": now,
            "exp": now + life,
            "sub": request.user.subject,
            "at_hash": create_half_hash(token["access_token"], "RS256").decode(),
            **self.get_authorization_code_claims(request.authorization_code),
        }
        if "fhirUser" in token["scope"].split():
            claims["fhirUser"] = f"{config.fhir_base}/{request.user.practitioner}"
        return claims

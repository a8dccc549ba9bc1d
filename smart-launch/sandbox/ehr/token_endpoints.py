"""In: an authenticated app and one of its tokens. Out: what the token is good for (RFC 7662), or its end (RFC 7009).
Never tells one app of another's token."""

from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from .grants import AUTH_METHODS
from .tokens import AccessToken, RefreshToken


def _find_token(server: Any, value: str) -> AccessToken | RefreshToken | None:
    refresh = server.tokens.look_at_refresh(value) if server.tokens.is_unspent(value) else None
    return server.tokens.find_access(value) or refresh


class LaunchIntrospection(IntrospectionEndpoint):
    """SMART App Launch 2.2, token introspection, with the launch context. Confidential apps only."""

    CLIENT_AUTH_METHODS = tuple(method for method in AUTH_METHODS if method != "none")

    def query_token(self, token_string: str, token_type_hint: str | None) -> AccessToken | RefreshToken | None:
        """The living token; a hint is only a hint."""
        return _find_token(self.server, token_string)

    def check_permission(self, token: Any, client: Any, request: Any) -> bool:
        """An app may ask about its own tokens; of others it hears that they are not active."""
        return bool(token.check_client(client))

    def introspect_token(self, token: Any) -> dict[str, Any]:
        """active, scope, client_id, exp, sub, iss, token_type, and the context as in the token answer."""
        server, approval = self.server, token.approval
        scope = token.scope if isinstance(token, AccessToken) else approval.scope
        told = {
            "active": True,
            "scope": scope,
            "client_id": approval.client_id,
            "exp": int(token.expires_at),
            "sub": approval.subject,
            "iss": server.config.issuer,
            **server.generator.describe_context(approval),
        }
        if isinstance(token, AccessToken):
            told["token_type"] = "Bearer"
        if "fhirUser" in scope.split():
            told["fhirUser"] = f"{server.config.fhir_base}/{approval.practitioner}"
        return told


class LaunchRevocation(RevocationEndpoint):
    """A refresh token takes every token of its approval with it; an access token ends alone (RFC 7009 section 2.1)."""

    CLIENT_AUTH_METHODS = tuple(AUTH_METHODS)

    def query_token(self, token_string: str, token_type_hint: str | None) -> AccessToken | RefreshToken | None:
        """The living token; a hint is only a hint."""
        return _find_token(self.server, token_string)

    def revoke_token(self, token: Any, request: Any) -> None:
        """End it now."""
        if isinstance(token, AccessToken):
            self.server.tokens.revoke_access(token.value)
        else:
            self.server.tokens.revoke(token.approval.approval_id)

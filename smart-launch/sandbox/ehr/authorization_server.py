"""In: OAuth requests in Authlib's form. Out: replies in ours. The one place where grants, clients and stores meet.
Never talks HTTP and never waits: everything it needs is in memory."""

import secrets
from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc9207 import IssuerParameter
from joserfc.jwk import RSAKey

from .clients import RegisteredClient
from .configuration import EhrConfig
from .grants import (
    ClinicianIdToken,
    LaunchCodeGrant,
    LaunchRules,
    LaunchTokenGenerator,
    RequiredS256,
    RotatingRefreshGrant,
)
from .launches import Launch, LaunchDesk
from .oauth_wire import OAuthReply, SandboxOAuth2Request, make_reply
from .tokens import Approval, TokenStore


class LaunchAuthorizationServer(AuthorizationServer):
    """Authlib's authorization server with the sandbox EHR's stores behind it."""

    def __init__(
        self,
        config: EhrConfig,
        clock: Callable[[], float],
        *,
        clients: dict[str, RegisteredClient],
        launches: LaunchDesk,
        key: RSAKey,
    ) -> None:
        super().__init__()
        self.config = config
        self.clock = clock
        self.clients = clients
        self.launches = launches
        self.tokens = TokenStore(clock)
        self.key = key
        self.register_grant(LaunchCodeGrant, [RequiredS256(), LaunchRules(), ClinicianIdToken(self)])
        self.register_grant(RotatingRefreshGrant)
        self.register_token_generator("default", LaunchTokenGenerator(config.token_seconds))
        self._issuer = _OwnIssuer(config.issuer)
        self.register_extension(self._issuer)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The registered app or None."""
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: SandboxOAuth2Request) -> None:
        """Keep what a token response gives away."""
        self.tokens.save_tokens(
            access=token["access_token"],
            refresh=token.get("refresh_token"),
            approval=request.user,
            scope=token["scope"],
            seconds=token["expires_in"],
        )

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No one listens to Authlib's signals here."""

    def create_oauth2_request(self, request: SandboxOAuth2Request) -> SandboxOAuth2Request:
        """Requests arrive in Authlib's form already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> OAuthReply:
        """Authlib's triple as our reply."""
        return make_reply(status, body, headers)

    def refuse(self, request: SandboxOAuth2Request, error: OAuth2Error) -> OAuthReply:
        """The reply for an error found before consent; a redirect carries `iss` too (RFC 9207 section 2)."""
        reply = self.handle_error_response(request, error)
        self._issuer.add_issuer_parameter(self, reply)
        return reply

    def approve(self, grant: Any, launch: Launch, practitioner: str | None) -> OAuthReply:
        """Redirect with a code for the clinician `Practitioner/ID`, or with access_denied when there is none."""
        approval = None
        if practitioner is not None:
            approval = Approval(
                approval_id=secrets.token_hex(8),
                client_id=launch.client_id,
                launch_id=launch.launch_id,
                practitioner=practitioner,
                patient=launch.patient,
                encounter=launch.encounter,
                need_patient_banner=launch.need_patient_banner,
                scope=grant.request.scope,
            )
        return self.create_authorization_response(grant.request, grant_user=approval, grant=grant)


class _OwnIssuer(IssuerParameter):
    def __init__(self, issuer: str) -> None:
        self._own = issuer

    def get_issuer(self) -> str:
        return self._own

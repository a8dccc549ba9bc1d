"""In: OAuth requests in Authlib's form. Out: replies in ours. The one place where grants, clients and stores meet.
Never talks HTTP and never waits: everything it needs is in memory."""

import secrets
from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc9207 import IssuerParameter

from .answer_tricks import GrantedToken, bend_grant
from .clients import RegisteredClient
from .configuration import EhrConfig
from .grants import (
    LaunchCodeGrant,
    LaunchRules,
    LaunchTokenGenerator,
    RequiredS256,
    RotatingRefreshGrant,
    authenticate_by_assertion,
)
from .id_tokens import ClinicianIdToken
from .keys import SigningKeys
from .launches import Launch, LaunchDesk
from .oauth_wire import OAuthReply, SandboxOAuth2Request, make_reply
from .registrations import ASSERTION
from .switchboard import Switchboard
from .token_endpoints import LaunchIntrospection, LaunchRevocation
from .tokens import Approval, TokenStore


class LaunchAuthorizationServer(AuthorizationServer):
    """Authlib's authorization server with the sandbox EHR's stores behind it."""

    def __init__(
        self,
        config: EhrConfig,
        clock: Callable[[], float],
        *,
        clients: dict[str, RegisteredClient],
        switches: Switchboard,
        keys: SigningKeys,
    ) -> None:
        super().__init__()
        self.config = config
        self.clock = clock
        self.clients = clients
        self.switches = switches
        self.launches = LaunchDesk(clock)
        self.tokens = TokenStore(clock)
        self.keys = keys
        self.generator = LaunchTokenGenerator(switches)
        self.register_client_auth_method(ASSERTION, authenticate_by_assertion)
        self.register_grant(LaunchCodeGrant, [RequiredS256(), LaunchRules(), ClinicianIdToken(self)])
        self.register_grant(RotatingRefreshGrant)
        self.register_token_generator("default", self.generator)
        self.register_endpoint(LaunchIntrospection)
        self.register_endpoint(LaunchRevocation)
        self._issuer = _OwnIssuer(config.issuer, switches)
        self.register_extension(self._issuer)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The registered app or None."""
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: SandboxOAuth2Request) -> None:
        """Keep what a token response gives away, after the mischief in force has changed what is granted."""
        granted = GrantedToken(request.user, token["scope"], token["expires_in"])
        refreshing = request.payload.grant_type == "refresh_token"
        bend_grant(granted, request.active, refreshing=refreshing, other_patient=request.other_patient)
        if granted.approval is not request.user:
            for name in ("patient", "encounter"):
                token.pop(name, None)
            token.update(self.generator.describe_context(granted.approval))
            request.user = granted.approval
        token["scope"], token["expires_in"] = granted.scope, granted.seconds
        request.keeps_refresh = refreshing and request.active.strike("refresh_kept") is not None
        if request.keeps_refresh or request.active.strike("refresh_never") is not None:
            token.pop("refresh_token", None)
        self.tokens.save_tokens(
            access=token["access_token"],
            refresh=token.get("refresh_token"),
            approval=granted.approval,
            scope=granted.scope,
            seconds=granted.seconds,
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

    def deny(self, grant: Any) -> OAuthReply:
        """Redirect with access_denied."""
        return self.create_authorization_response(grant.request, grant_user=None, grant=grant)

    def approve(self, grant: Any, launch: Launch, practitioner: str) -> OAuthReply:
        """Redirect with a code for the clinician `Practitioner/ID`."""
        approval = Approval(
            approval_id=secrets.token_hex(8),
            client_id=launch.client_id,
            launch_id=launch.launch_id,
            practitioner=practitioner,
            patient=launch.patient,
            encounter=launch.encounter,
            need_patient_banner=launch.need_patient_banner,
            scope=grant.request.scope,
            is_standalone=launch.is_standalone,
            extras=launch.extras,
        )
        return self.create_authorization_response(grant.request, grant_user=approval, grant=grant)


class _OwnIssuer(IssuerParameter):
    def __init__(self, issuer: str, switches: Switchboard) -> None:
        self._own = issuer
        self._switches = switches

    def get_issuer(self) -> str | None:
        """The issuer, or None while RFC 9207 is switched off."""
        return self._own if self._switches.offers("rfc9207") else None

"""In: the registered apps of the configuration. Out: the same apps as Authlib's client model, for the OAuth grants.
Never grants more scope than the registration allows and never compares a secret faster for a worse guess."""

import hmac
from collections.abc import Iterable

from authlib.oauth2.rfc6749 import ClientMixin

from .registrations import PUBLIC, ClientRegistration
from .scopes import intersect_scopes
from .switchboard import CAPABILITY_OF, Switchboard


class RegisteredClient(ClientMixin):
    """A registered app behind Authlib's ClientMixin (RFC 6749 section 2): one way to authenticate and no other."""

    def __init__(self, registration: ClientRegistration, switches: Switchboard) -> None:
        self.registration = registration
        self.client_id = registration.client_id
        self._switches = switches

    @property
    def is_public(self) -> bool:
        """True for an app that proves nothing at the token endpoint."""
        return self.registration.auth_method == PUBLIC

    def get_client_id(self) -> str:
        """The client identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: SMART App Launch wants redirect_uri in every authorization request."""
        return

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The requested scopes narrowed to what is registered, spoken and switched on; None when nothing is left."""
        offered = self._switches.offered_scopes(scope or "")
        dialect = self.registration.scope_dialect or self._switches.scope_dialect
        return intersect_scopes(offered, self.registration.scopes, dialect=dialect) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exact comparison, character by character (RFC 9700 section 2.1)."""
        return redirect_uri in self.registration.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Constant-time comparison; always False for an app without a secret."""
        own = self.registration.client_secret
        return own is not None and hmac.compare_digest(own.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """True for the registered method only, at the token endpoint as at every other, while it is switched on."""
        own = self.registration.auth_method
        return method == ("none" if own == PUBLIC else own) and self._switches.offers(CAPABILITY_OF[own])

    def check_response_type(self, response_type: str) -> bool:
        """Only the authorization code flow."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """The code grant and its refresh."""
        return grant_type in ("authorization_code", "refresh_token")


def register_clients(registrations: Iterable[ClientRegistration], switches: Switchboard) -> dict[str, RegisteredClient]:
    """The apps by client_id, in the order of the configuration (the first one is the default)."""
    return {registration.client_id: RegisteredClient(registration, switches) for registration in registrations}

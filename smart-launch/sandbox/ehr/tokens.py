"""In: approvals. Out: authorization codes, opaque access tokens and rotating refresh tokens, all in memory.
Never honours a code or a refresh token twice: a replay kills all tokens of the approval (RFC 9700 4.5, 4.14)."""

from collections.abc import Callable
from dataclasses import dataclass

from authlib.oidc.core import AuthorizationCodeMixin

CODE_SECONDS = 60
REFRESH_SECONDS = 8 * 3600


@dataclass(frozen=True)
class Approval:
    """A clinician's yes to one app, one launch, one scope text. Everything issued later points back to it."""

    approval_id: str
    client_id: str
    launch_id: str
    practitioner: str
    patient: str
    encounter: str | None
    need_patient_banner: bool
    scope: str

    @property
    def may_refresh(self) -> bool:
        """True when a refresh token was asked for and granted."""
        return bool({"online_access", "offline_access"} & set(self.scope.split()))


@dataclass(frozen=True)
class AuthorizationCode(AuthorizationCodeMixin):
    """A code in Authlib's model; bound to redirect_uri, challenge and nonce."""

    code: str
    approval: Approval
    redirect_uri: str
    code_challenge: str
    code_challenge_method: str
    nonce: str | None
    issued_at: float
    expires_at: float

    def get_redirect_uri(self) -> str:
        """The redirect_uri the code was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The granted scope text."""
        return self.approval.scope

    def get_nonce(self) -> str | None:
        """The OpenID nonce of the authorization request."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the clinician approved, in whole seconds since the epoch."""
        return int(self.issued_at)


@dataclass(frozen=True)
class AccessToken:
    """An opaque bearer token; `scope` may be narrower than the approval's after a refresh."""

    approval: Approval
    scope: str
    expires_at: float


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token in Authlib's model (check_client, get_scope)."""

    value: str
    approval: Approval
    expires_at: float

    def check_client(self, client: object) -> bool:
        """True for the app it was issued to."""
        return getattr(client, "client_id", None) == self.approval.client_id

    def get_scope(self) -> str:
        """The scope of the approval: a refresh narrows access tokens, never the refresh token (RFC 6749 section 6)."""
        return self.approval.scope


class TokenStore:
    """All codes and tokens of this process. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: dict[str, AuthorizationCode] = {}
        self._spent_codes: dict[str, str] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._spent_refresh: dict[str, str] = {}
        self._nonces: set[tuple[str, str]] = set()

    def save_code(self, code: AuthorizationCode) -> None:
        """Keep a fresh code until it is taken."""
        self._codes[code.code] = code
        if code.nonce:
            self._nonces.add((code.approval.client_id, code.nonce))

    def take_code(self, value: str, client_id: str) -> AuthorizationCode | None:
        """The code, once, for its own client and within 60 s; None otherwise. A replay revokes what the code gave."""
        if value in self._spent_codes:
            self.revoke(self._spent_codes[value])
            return None
        code = self._codes.get(value)
        if code is None or code.approval.client_id != client_id:
            return None
        del self._codes[value]
        self._spent_codes[value] = code.approval.approval_id
        return code if code.expires_at > self._clock() else None

    def nonce_was_used(self, client_id: str, nonce: str) -> bool:
        """True when a code was issued for this client's nonce before."""
        return (client_id, nonce) in self._nonces

    def save_tokens(self, *, access: str, refresh: str | None, approval: Approval, scope: str, seconds: int) -> None:
        """Keep an access token for `seconds` and a refresh token, if any, for eight hours."""
        now = self._clock()
        self._access = {key: token for key, token in self._access.items() if token.expires_at > now}
        self._access[access] = AccessToken(approval, scope, now + seconds)
        if refresh:
            self._refresh[refresh] = RefreshToken(refresh, approval, now + REFRESH_SECONDS)

    def find_access(self, value: str) -> AccessToken | None:
        """The access token when it is known and not expired."""
        token = self._access.get(value)
        return token if token and token.expires_at > self._clock() else None

    def find_refresh(self, value: str) -> RefreshToken | None:
        """The refresh token when it is alive. Presenting a spent one revokes the approval's tokens."""
        if value in self._spent_refresh:
            self.revoke(self._spent_refresh[value])
            return None
        token = self._refresh.get(value)
        return token if token and token.expires_at > self._clock() else None

    def spend_refresh(self, value: str) -> None:
        """A refresh token has been used: it is dead, its successor lives."""
        token = self._refresh.pop(value)
        self._spent_refresh[value] = token.approval.approval_id

    def revoke(self, approval_id: str) -> None:
        """Kill every token of one approval."""
        self._access = {k: t for k, t in self._access.items() if t.approval.approval_id != approval_id}
        self._refresh = {k: t for k, t in self._refresh.items() if t.approval.approval_id != approval_id}

"""In: approvals. Out: authorization codes, opaque access tokens and rotating refresh tokens, all in memory.
Never honours a code or a refresh token twice: a replay kills all tokens of the approval (RFC 9700 4.5, 4.14)."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from authlib.oidc.core import AuthorizationCodeMixin

CODE_SECONDS = 60
REFRESH_SECONDS = 8 * 3600
MAX_REMEMBERED = 20_000


@dataclass(frozen=True)
class Approval:
    """A clinician's yes to one app, one launch, one scope text. Everything issued later points back to it.

    `patient` is empty when the launch has none; `extras` are further members of the token answer.
    """

    approval_id: str
    client_id: str
    launch_id: str
    practitioner: str
    patient: str
    encounter: str | None
    need_patient_banner: bool
    scope: str
    is_standalone: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """`sub` of the clinician in id_tokens and introspection."""
        return self.practitioner.replace("/", "-")

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
    value: str = field(default="", repr=False)

    def check_client(self, client: object) -> bool:
        """True for the app it was issued to."""
        return getattr(client, "client_id", None) == self.approval.client_id

    def is_expired(self) -> bool:
        """False: the store gives living tokens only."""
        return False

    def is_revoked(self) -> bool:
        """False, as for is_expired."""
        return False


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token in Authlib's model (check_client, get_scope)."""

    value: str
    approval: Approval
    expires_at: float

    def check_client(self, client: object) -> bool:
        """True for the app it was issued to."""
        return getattr(client, "client_id", None) == self.approval.client_id

    def is_expired(self) -> bool:
        """False: the store gives living tokens only."""
        return False

    def is_revoked(self) -> bool:
        """False, as for is_expired."""
        return False

    def get_scope(self) -> str:
        """The scope of the approval: a refresh narrows access tokens, never the refresh token (RFC 6749 section 6)."""
        return self.approval.scope


def hash_token(value: str) -> str:
    """What a log may say of a code or token: SHA-256 in hex."""
    return hashlib.sha256(value.encode()).hexdigest()


class TokenStore:
    """All codes and tokens of this process. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: dict[str, AuthorizationCode] = {}
        self._spent_codes: dict[str, AuthorizationCode] = {}
        self._access: dict[str, AccessToken] = {}
        self._issued: OrderedDict[str, Approval] = OrderedDict()
        self._refresh: dict[str, RefreshToken] = {}
        self._spent_refresh: dict[str, RefreshToken] = {}
        self._nonces: set[tuple[str, str]] = set()

    def save_code(self, code: AuthorizationCode) -> None:
        """Keep a fresh code until it is taken."""
        self._codes[code.code] = code
        if code.nonce:
            self._nonces.add((code.approval.client_id, code.nonce))

    def look_at_code(self, value: str) -> AuthorizationCode | None:
        """The code, spent or not, without using it."""
        return self._codes.get(value) or self._spent_codes.get(value)

    def is_unspent(self, value: str) -> bool:
        """True for a code or refresh token that was issued here and not used yet."""
        return value in self._codes or value in self._refresh

    def rebind_code(self, value: str, code_challenge: str) -> None:
        """Make a code answer to another challenge, as if another browser had asked for it."""
        self._codes[value] = replace(self._codes[value], code_challenge=code_challenge)

    def take_code(self, value: str, client_id: str) -> AuthorizationCode | None:
        """The code, once, for its own client and within 60 s; None otherwise. A replay revokes what the code gave."""
        if value in self._spent_codes:
            self.revoke(self._spent_codes[value].approval.approval_id)
            return None
        code = self._codes.get(value)
        if code is None or code.approval.client_id != client_id:
            return None
        self._spent_codes[value] = self._codes.pop(value)
        return code if code.expires_at > self._clock() else None

    def nonce_was_used(self, client_id: str, nonce: str) -> bool:
        """True when a code was issued for this client's nonce before."""
        return (client_id, nonce) in self._nonces

    def save_tokens(self, *, access: str, refresh: str | None, approval: Approval, scope: str, seconds: int) -> None:
        """Keep an access token for `seconds` and a refresh token, if any, for eight hours."""
        now = self._clock()
        self._access = {key: token for key, token in self._access.items() if token.expires_at > now}
        self._access[access] = AccessToken(approval, scope, now + seconds, access)
        self._issued[hash_token(access)] = approval
        while len(self._issued) > MAX_REMEMBERED:
            self._issued.popitem(last=False)
        if refresh:
            self._refresh[refresh] = RefreshToken(refresh, approval, now + REFRESH_SECONDS)

    def find_access(self, value: str) -> AccessToken | None:
        """The access token when it is known and not expired."""
        token = self._access.get(value)
        return token if token and token.expires_at > self._clock() else None

    def find_issued(self, value: str) -> Approval | None:
        """The approval behind an access token that was issued here, dead or alive."""
        return self._issued.get(hash_token(value))

    def look_at_refresh(self, value: str) -> RefreshToken | None:
        """The refresh token, spent or not, without using it."""
        return self._refresh.get(value) or self._spent_refresh.get(value)

    def find_refresh(self, value: str, *, forgiving: bool = False) -> RefreshToken | None:
        """The refresh token when it is alive. A spent one revokes the approval's tokens, unless forgiving."""
        if value in self._spent_refresh:
            if not forgiving:
                self.revoke(self._spent_refresh[value].approval.approval_id)
            return None
        token = self._refresh.get(value)
        return token if token and token.expires_at > self._clock() else None

    def spend_refresh(self, value: str) -> None:
        """A refresh token has been used: it is dead, its successor lives."""
        self._spent_refresh[value] = self._refresh.pop(value)

    def revoke_access(self, value: str) -> None:
        """Kill one access token."""
        self._access.pop(value, None)

    def revoke(self, approval_id: str) -> None:
        """Kill every token of one approval."""
        self._access = {k: t for k, t in self._access.items() if t.approval.approval_id != approval_id}
        self._refresh = {k: t for k, t in self._refresh.items() if t.approval.approval_id != approval_id}

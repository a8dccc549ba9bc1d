"""The way back from the EHR. In: the query of the redirect URI and the PendingLaunch it names. Out: the code.

It never repeats what the query said, and calls nobody: the state must have been consumed before the code is used.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.errors import LaunchRefused
from connector.launch.pending import PendingLaunch, hash_browser

PENDING_FOR = timedelta(minutes=10)

_REFUSALS = {
    "access_denied": (
        "The EHR did not give the scribe access: it was declined there, or the user may not use it. Nothing of the "
        "chart was read. If you did not decline, tell whoever looks after the EHR."
    ),
    "invalid_scope": "The EHR refused the scopes the scribe asks for. The registration's scopes have to be mended.",
    "unauthorized_client": "The EHR does not let this client launch. The registration with the EHR has to be mended.",
    "invalid_request": (
        "The EHR did not take this launch: it was used already, or the registration with the EHR does not fit. Open "
        "the scribe from the chart again; if this comes back, the registration has to be checked."
    ),
    "unsupported_response_type": "The EHR does not offer the authorization code grant to this client.",
    "login_required": "The EHR asks for a new sign-in. Sign in to the EHR and open the scribe from the chart again.",
    "interaction_required": "The EHR needs an answer from you first. Open the scribe from the chart again.",
    "consent_required": "The EHR needs your agreement first. Open the scribe from the chart again.",
    "temporarily_unavailable": "The EHR cannot launch apps just now. Try again in a few minutes.",
    "server_error": "The EHR failed while it launched the scribe. Try again in a few minutes.",
}
_RELAUNCH = "Open the scribe from the chart again."


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the EHR sent back. `error` is its code as sent, to be mapped and never shown."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    iss: str | None


def read_callback(params: Iterable[tuple[str, str]]) -> CallbackAnswer:
    """Read name and value pairs of the redirect's query; the state in it names the PendingLaunch to consume.

    Raises LaunchRefused without a state, or with any of our four parameters sent twice (RFC 6749, section 3.1).
    """
    found: dict[str, str] = {}
    for name, value in params:
        if name not in ("state", "code", "error", "iss"):
            continue
        if name in found:
            raise LaunchRefused(f"The EHR's answer holds '{name}' twice. {_RELAUNCH}")
        found[name] = value
    if not found.get("state"):
        raise LaunchRefused(f"The EHR's answer holds no 'state', so it belongs to no launch. {_RELAUNCH}")
    return CallbackAnswer(state=found["state"], code=found.get("code"), error=found.get("error"), iss=found.get("iss"))


def check_callback(answer: CallbackAnswer, pending: PendingLaunch, *, browser: str | None, now: datetime) -> str:
    """Return the authorization code, or raise LaunchRefused.

    `browser` is the launch cookie's value. Refused: another state, another browser, older than ten minutes, an `iss`
    that is not the discovered issuer or is missing though promised (RFC 9207, section 2.4), an error, no code.
    """
    if not hmac.compare_digest(answer.state.encode("utf-8", "surrogatepass"), pending.state.encode()):
        raise LaunchRefused(f"The EHR's answer belongs to another launch. {_RELAUNCH}")
    if browser is None or not hmac.compare_digest(hash_browser(browser), pending.browser_hash):
        raise LaunchRefused(f"This launch was begun in another browser, or its cookie was blocked. {_RELAUNCH}")
    if now - pending.created_at > PENDING_FOR:
        raise LaunchRefused(f"This launch took longer than ten minutes. {_RELAUNCH}")
    _check_issuer(answer, pending)
    if answer.error is not None:
        raise LaunchRefused(_REFUSALS.get(answer.error, f"The EHR refused the launch. {_RELAUNCH}"))
    if not answer.code:
        raise LaunchRefused(f"The EHR's answer holds no authorization code. {_RELAUNCH}")
    return answer.code


def _check_issuer(answer: CallbackAnswer, pending: PendingLaunch) -> None:
    if answer.iss is None:
        if pending.endpoints.answers_with_issuer:
            raise LaunchRefused("The EHR promises to name itself in its answer, and did not.")
    elif answer.iss != pending.endpoints.issuer:
        raise LaunchRefused("The answer names another issuer than the EHR that was asked.")

"""In: OAuth and FHIR requests. Out: what a conformance check of the app wants to know, for the request journal.
Never holds a secret, a verifier, a signature, a code or a token: of these only a SHA-256 or a yes or no."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from .authorization_server import LaunchAuthorizationServer
from .oauth_wire import OAuthReply, SandboxOAuth2Request
from .tokens import Approval, hash_token

HIDDEN = "(hidden)"
_SECRETS = frozenset(
    {
        "client_secret",
        "client_assertion",
        "code",
        "code_verifier",
        "refresh_token",
        "token",
        "id_token_hint",
        "password",
    }
)
Evidence = dict[str, Any]
Pairs = list[tuple[str, str]]


def show_pairs(pairs: Pairs) -> list[list[str]]:
    """Every parameter in the order sent, secrets hidden."""
    return [[name, HIDDEN if name in _SECRETS else value] for name, value in pairs]


def describe_authorization(
    oauth: LaunchAuthorizationServer, asked: SandboxOAuth2Request, pairs: Pairs, *, content_type: str
) -> Evidence:
    """kind, method, content_type, parameters, client_known, redirect_uri_registered, launch_issued (or None)."""
    client = oauth.query_client(asked.payload.client_id or "")
    launch = asked.payload.data.get("launch")
    return {
        "kind": "authorization",
        "method": asked.method,
        "content_type": content_type,
        "parameters": show_pairs(pairs),
        "client_known": client is not None,
        "redirect_uri_registered": bool(client and client.check_redirect_uri(asked.payload.redirect_uri or "")),
        "launch_issued": None if launch is None else oauth.launches.knows(launch),
        "answer": {"kind": "page"},
    }


def describe_redirect(reply: OAuthReply, launch_id: str | None) -> Evidence:
    """What a redirect to the app carried: kind code or error, and the launch it belongs to."""
    carried = {name: values[0] for name, values in parse_qs(urlsplit(reply.location or "").query).items()}
    told: Evidence = {"kind": "code" if "code" in carried else "error", "launch": launch_id}
    if "code" in carried:
        told["code_sha256"] = hash_token(carried["code"])
    if "error" in carried:
        told["error"] = carried["error"]
    return told


def describe_token_request(oauth: LaunchAuthorizationServer, asked: SandboxOAuth2Request, pairs: Pairs) -> Evidence:
    """kind, grant_type, parameters and, as far as they were sent, code, redirect_uri, code_verifier, refresh_token."""
    form = asked.payload.data
    told: Evidence = {"kind": "token", "grant_type": form.get("grant_type"), "parameters": show_pairs(pairs)}
    if "code" in form:
        code = oauth.tokens.look_at_code(form["code"])
        told["code"] = {
            "sha256": hash_token(form["code"]),
            "known": code is not None,
            "unspent": oauth.tokens.is_unspent(form["code"]),
            "launch": code.approval.launch_id if code else None,
        }
        told["redirect_uri"] = form.get("redirect_uri")
        told["redirect_uri_matches"] = bool(code and code.redirect_uri == form.get("redirect_uri"))
        verifier = form.get("code_verifier", "")
        told["code_verifier"] = {
            "sent": bool(verifier),
            "length": len(verifier),
            "matches": bool(code and verifier and create_s256_code_challenge(verifier) == code.code_challenge),
        }
    if "refresh_token" in form:
        refresh = oauth.tokens.look_at_refresh(form["refresh_token"])
        told["refresh_token"] = {
            "sha256": hash_token(form["refresh_token"]),
            "known": refresh is not None,
            "unspent": oauth.tokens.is_unspent(form["refresh_token"]),
            "launch": refresh.approval.launch_id if refresh else None,
        }
        told["scope"] = form.get("scope")
    return told


def describe_authentication(asked: SandboxOAuth2Request) -> Evidence:
    """method tried, proven or not, and header and claims of the assertion."""
    told: Evidence = {"method": asked.auth_method or _guess_method(asked), "proven": asked.auth_method is not None}
    if asked.assertion is not None:
        told["assertion"] = asked.assertion.describe()
    return told


def describe_answer(reply: OAuthReply) -> Evidence:
    """status and error, or hashes of the tokens and the members that are no secrets."""
    body = reply.body if isinstance(reply.body, dict) else {}
    told: Evidence = {"status": reply.status, "error": body.get("error")}
    for name in ("access_token", "refresh_token"):
        if name in body:
            told[f"{name}_sha256"] = hash_token(str(body[name]))
    kept = ("token_type", "expires_in", "scope", "patient", "encounter", "active")
    return told | {name: body[name] for name in kept if name in body} | {"id_token": "id_token" in body}


def describe_bearer(value: str, approval: Approval | None, *, alive: bool) -> Evidence:
    """Which issued token a FHIR request carried."""
    return {
        "kind": "fhir",
        "token_sha256": hash_token(value) if value else None,
        "token_issued": approval is not None,
        "token_alive": alive,
        "launch": approval.launch_id if approval else None,
        "approval": approval.approval_id if approval else None,
    }


def _guess_method(asked: SandboxOAuth2Request) -> str:
    if asked.headers.get("Authorization", "").lower().startswith("basic "):
        return "client_secret_basic"
    if asked.assertion is not None:
        return "private_key_jwt"
    return "client_secret_post" if "client_secret" in asked.payload.data else "none"

"""The checks a SMART client suite makes, played over the request journal. In: its entries. Out: what is wrong.

They are those of the Inferno SMART App Launch client suites: authorization requests, token requests, token use.
"""

from __future__ import annotations

from typing import Any

Entry = dict[str, Any]
SYMMETRIC = "client_secret_basic"


def find_flaws(entries: list[Entry], *, client_id: str, method: str, fhir_base: str, token_url: str) -> list[str]:
    """What a suite would hold against an app that authenticates by `method` (none, client_secret_basic, …)."""
    authorizations = [e["evidence"] for e in entries if e["evidence"].get("kind") == "authorization"]
    tokens = [e["evidence"] for e in entries if e["evidence"].get("kind") == "token"]
    uses = [e for e in entries if e["evidence"].get("kind") == "fhir"]
    flaws = [flaw for one in authorizations for flaw in _check_authorization(one, client_id, fhir_base)]
    flaws += [flaw for one in tokens for flaw in _check_token(one, client_id, method)]
    if method == "private_key_jwt":
        flaws += _check_assertions(tokens, client_id, token_url)
    if not any(e["evidence"]["token_issued"] and e["status"] != 401 for e in uses):
        flaws.append("no issued token was used on the FHIR server")
    return flaws


def _check_authorization(evidence: Entry, client_id: str, fhir_base: str) -> list[str]:
    sent = dict(evidence["parameters"])
    rules = {
        "response_type": sent.get("response_type") == "code",
        "client_id": sent.get("client_id") == client_id and evidence["client_known"],
        "redirect_uri": evidence["redirect_uri_registered"],
        "launch": evidence["launch_issued"] is not False,
        "state": bool(sent.get("state")),
        "aud": sent.get("aud") == fhir_base,
        "scope": bool(sent.get("scope")),
        "code_challenge": bool(sent.get("code_challenge")),
        "code_challenge_method": sent.get("code_challenge_method") == "S256",
        "content_type": evidence["method"] == "GET" or "x-www-form-urlencoded" in evidence["content_type"],
    }
    return [f"authorization: {name}" for name, kept in rules.items() if not kept]


def _check_token(evidence: Entry, client_id: str, method: str) -> list[str]:
    sent = dict(evidence["parameters"])
    rules = {
        "grant_type": evidence["grant_type"] in ("authorization_code", "refresh_token"),
        "authentication": evidence["authentication"]["method"] == method and evidence["authentication"]["proven"],
        "client_id": (sent.get("client_id") == client_id) == (method in ("none", "client_secret_post")),
    }
    if evidence["grant_type"] == "authorization_code":
        rules |= {
            "code": evidence["code"]["known"],
            "redirect_uri": evidence["redirect_uri_matches"],
            "code_verifier": evidence["code_verifier"]["matches"],
        }
    else:
        rules["refresh_token"] = evidence.get("refresh_token", {}).get("known", False)
    return [f"token: {name}" for name, kept in rules.items() if not kept]


def _check_assertions(tokens: list[Entry], client_id: str, token_url: str) -> list[str]:
    found = [one["authentication"].get("assertion") for one in tokens]
    flaws = ["token: no assertion" for one in found if one is None]
    seen: set[str] = set()
    for one in filter(None, found):
        header, claims = one["header"] or {}, one["claims"] or {}
        rules = {
            "typ": header.get("typ") == "JWT",
            "kid": bool(header.get("kid")),
            "alg": header.get("alg") in ("RS384", "ES384"),
            "iss": claims.get("iss") == client_id,
            "sub": claims.get("sub") == client_id,
            "aud": claims.get("aud") == token_url,
            "exp": isinstance(claims.get("exp"), int),
            "jti": bool(claims.get("jti")) and claims.get("jti") not in seen,
            "signature": one["signature_verified"],
        }
        seen.add(str(claims.get("jti")))
        flaws += [f"assertion: {name}" for name, kept in rules.items() if not kept]
    return flaws

"""In: the well-known documents and the key set. Out: them as a poisoned, careless or broken server would serve them.
Never cached: what is bent says no-store, so that an honest answer follows once the mischief is over."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from .keys import SigningKeys, make_key, publish_key, publish_keys
from .mischief import ActiveMischief

Document = dict[str, Any]
Options = Mapping[str, Any]
PAGE = "<!doctype html><title>Sandbox EHR</title><p>Please sign in to the hospital network.</p>"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "introspection_endpoint", "revocation_endpoint")


def serve_document(document: Document, active: ActiveMischief, *, path: str) -> Response:
    """A well-known document after every discovery mischief in force."""
    told = dict(document)
    bent = False
    for trick, options in active.strike_all(_FIELDS):
        trick(told, options)
        bent = True
    return _serve(told, active, place="discovery", path=path, bent=bent)


def serve_keys(keys: SigningKeys, active: ActiveMischief, *, path: str) -> Response:
    """The JSON Web Key Set after every JWKS mischief in force."""
    published, bent = [keys.current], False
    if active.strike("jwks_rotated_both") is not None:
        published, bent = [keys.successor, keys.current], True
    if active.strike("jwks_rotated") is not None:
        published, bent = [keys.successor], True
    if active.strike("jwks_empty") is not None:
        published, bent = [], True
    told = publish_keys(published)
    if (options := active.strike("jwks_flood")) is not None:
        told["keys"] = _make_flood(options["keys"]) + told["keys"]
        bent = True
    return _serve(told, active, place="jwks", path=path, bent=bent)


def _serve(told: Document, active: ActiveMischief, *, place: str, path: str, bent: bool) -> Response:
    if active.strike(f"{place}_outage") is not None:
        return Response("Service Unavailable", 503, {"Cache-Control": "no-store"}, "text/plain")
    if (options := active.strike(f"{place}_redirect")) is not None:
        return Response("", 302, {"Cache-Control": "no-store", "Location": f"{options['to']}{path}"})
    if active.strike(f"{place}_html") is not None:
        return Response(PAGE, 200, {"Cache-Control": "no-store"}, "text/html")
    text = json.dumps(told)
    if active.strike(f"{place}_list") is not None:
        text, bent = json.dumps([told]), True
    if (options := active.strike(f"{place}_huge")) is not None:
        text, bent = json.dumps(told | {"filling": "x" * options["bytes"]}), True
    age = "no-store" if bent else "public, max-age=300"
    return Response(text, 200, {"Cache-Control": age}, "application/json")


def _make_flood(count: int) -> list[dict[str, Any]]:
    key = publish_key(make_key())
    return [{**key, "kid": f"flood-{number}"} for number in range(count)]


def _tell(name: str, value: Any) -> Callable[[Document, Options], None]:
    def set_value(told: Document, _options: Options) -> None:
        told[name] = value

    return set_value


def _move(name: str) -> Callable[[Document, Options], None]:
    def change_host(told: Document, options: Options) -> None:
        if name in told:
            told[name] = options["to"] + urlsplit(told[name]).path

    return change_host


def _forget_pkce(told: Document, _options: Options) -> None:
    told.pop("code_challenge_methods_supported", None)


def _rename(told: Document, options: Options) -> None:
    told["issuer"] = options["iss"]


def _leave_out(told: Document, options: Options) -> None:
    for name in options["fields"]:
        told.pop(name, None)


def _make_relative(told: Document, _options: Options) -> None:
    for name in _ENDPOINTS:
        if name in told:
            told[name] = urlsplit(told[name]).path


_FIELDS: Mapping[str, Callable[[Document, Options], None]] = {
    "discovery_pkce_plain": _tell("code_challenge_methods_supported", ["plain"]),
    "discovery_pkce_both": _tell("code_challenge_methods_supported", ["plain", "S256"]),
    "discovery_pkce_none": _tell("code_challenge_methods_supported", []),
    "discovery_pkce_absent": _forget_pkce,
    "discovery_token_moved": _move("token_endpoint"),
    "discovery_token_http": _move("token_endpoint"),
    "discovery_authorize_moved": _move("authorization_endpoint"),
    "discovery_authorize_http": _move("authorization_endpoint"),
    "discovery_jwks_moved": _move("jwks_uri"),
    "discovery_jwks_http": _move("jwks_uri"),
    "discovery_issuer_changed": _rename,
    "discovery_fields_missing": _leave_out,
    "discovery_relative": _make_relative,
}

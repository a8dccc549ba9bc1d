"""In: an answer of the gateway. Out: the same with addresses of another host, to see who follows them with a token.
Never sends anything to that host itself."""

from typing import Any

from starlette.responses import Response

from .mischief import ActiveMischief
from .refusals import refuse_token


def refuse_good_token(active: ActiveMischief) -> None:
    """Raises Refusal 401 when the mischief in force says so."""
    for name in ("fhir_401_once", "fhir_401_always"):
        if active.strike(name) is not None:
            raise refuse_token()


def redirect_away(active: ActiveMischief, path: str) -> Response | None:
    """A redirect to another host, or None."""
    options = active.strike("fhir_redirect")
    if options is None:
        return None
    return Response("", 302, {"Location": f"{options['to']}{path}", "Cache-Control": "no-store"})


def bend_resource(resource: Any, active: ActiveMischief) -> Any:
    """The resource or Bundle after the mischief in force; a copy where it changes."""
    if isinstance(resource, dict) and resource.get("type") == "searchset":
        options = active.strike("fhir_next_foreign")
        if options is not None:
            kept = [link for link in resource.get("link") or [] if link.get("relation") != "next"]
            following = {"relation": "next", "url": f"{options['to']}/fhir?_page=2"}
            resource = {**resource, "link": [*kept, following]}
    options = active.strike("fhir_references_foreign")
    return resource if options is None else _move_references(resource, options["to"])


def _move_references(value: Any, host: str) -> Any:
    if isinstance(value, list):
        return [_move_references(item, host) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {name: _move_references(item, host) for name, item in value.items()}
    if isinstance(value.get("reference"), str) and not value["reference"].startswith("#"):
        moved["reference"] = f"{host}/fhir/{'/'.join(value['reference'].split('/')[-2:])}"
    if "contentType" in value and "url" in value:
        moved["url"] = f"{host}/fhir/Binary/1"
    return moved

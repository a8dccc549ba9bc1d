"""In: method and path of a FHIR request or Bundle entry. Out: which RESTful interaction it is, with its scope letter.
Never guesses: operations, patches and paths of another shape are refused."""

import re
from dataclasses import dataclass

from .refusals import Refusal

TYPE = re.compile(r"^[A-Z][A-Za-z]{1,63}$")
ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")


@dataclass(frozen=True)
class Interaction:
    """`kind` is metadata, page, transaction, read, search, create, update, delete; `letter` one of c r u d s, or ""."""

    kind: str
    letter: str = ""
    resource_type: str = ""
    resource_id: str = ""
    path: str = ""


def parse_interaction(method: str, path: str) -> Interaction:
    """The interaction of FHIR R4 http.html for a path relative to the base. Raises Refusal (404, 405, 501)."""
    segments = [segment for segment in path.strip("/").split("/") if segment]
    if any(segment.startswith("$") for segment in segments):
        raise Refusal(501, "not-supported", "operations are not offered.")
    if not segments:
        return _parse_base(method)
    if segments == ["metadata"] and method == "GET":
        return Interaction("metadata", path="metadata")
    resource_type, rest = segments[0], segments[1:]
    if not TYPE.match(resource_type):
        raise Refusal(404, "not-found", "there is no such path.")
    if method == "POST" and rest == ["_search"]:
        return Interaction("search", "s", resource_type, path=f"{resource_type}/_search")
    if not rest:
        return _parse_type_level(method, resource_type)
    return _parse_instance_level(method, resource_type, rest)


def _parse_base(method: str) -> Interaction:
    if method == "POST":
        return Interaction("transaction")
    if method == "GET":
        return Interaction("page")
    raise Refusal(405, "not-supported", f"{method} is not offered on the base.")


def _parse_type_level(method: str, resource_type: str) -> Interaction:
    if method == "GET":
        return Interaction("search", "s", resource_type, path=resource_type)
    if method == "POST":
        return Interaction("create", "c", resource_type, path=resource_type)
    raise Refusal(405, "not-supported", f"{method} on a type (conditional update or delete) is not offered.")


def _parse_instance_level(method: str, resource_type: str, rest: list[str]) -> Interaction:
    if not ID.match(rest[0]):
        raise Refusal(404, "not-found", "there is no such path.")
    path = f"{resource_type}/{rest[0]}"
    if rest[1:2] == ["_history"] and len(rest) == 3 and ID.match(rest[2]) and method == "GET":
        return Interaction("read", "r", resource_type, rest[0], f"{path}/_history/{rest[2]}")
    kinds = {"GET": ("read", "r"), "PUT": ("update", "u"), "DELETE": ("delete", "d")}
    if len(rest) > 1 or method not in kinds:
        raise Refusal(405, "not-supported", f"{method} is not offered on this path.")
    kind, letter = kinds[method]
    return Interaction(kind, letter, resource_type, rest[0], path)

"""In: SMART scope strings, v1 (`patient/Type.read`) and v2 (`patient/Type.rs?category=…`). Out: what they permit.
Never reads `.read` as the letters r and d, and never widens: what cannot be understood grants nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

LAUNCH_SCOPES = (
    "launch",
    "launch/patient",
    "launch/encounter",
    "openid",
    "fhirUser",
    "profile",
    "online_access",
    "offline_access",
)
_RESOURCE_SCOPE = re.compile(r"^(patient|user|system)/([A-Z][A-Za-z]*|\*)\.([a-z]+|\*)(?:\?(.+))?$")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_V2_LETTERS = re.compile(r"^c?r?u?d?s?$")


@dataclass(frozen=True)
class Scope:
    """One resource scope. `letters` is a part of "cruds"; `categories` are `system|code` tokens, empty for all."""

    context: str
    resource_type: str
    letters: frozenset[str]
    categories: tuple[str, ...] = ()

    def covers(self, resource: dict[str, Any]) -> bool:
        """True when the resource carries one of the granted categories, or the scope names none."""
        return not self.categories or any(_has_category(resource, token) for token in self.categories)

    def spell(self) -> str:
        """The v2 spelling, letters in the order c, r, u, d, s."""
        letters = "".join(letter for letter in "cruds" if letter in self.letters)
        filters = f"?category={','.join(self.categories)}" if self.categories else ""
        return f"{self.context}/{self.resource_type}.{letters}{filters}"


def parse_scope(text: str) -> Scope | None:
    """One resource scope, or None for anything else: a launch scope, letters out of order, another filter."""
    found = _RESOURCE_SCOPE.match(text)
    if not found:
        return None
    context, resource_type, permission, query = found.groups()
    letters = _V1.get(permission) or (permission if _V2_LETTERS.match(permission) else "")
    filters = parse_qsl(query or "", keep_blank_values=True)
    if not letters or (query and [name for name, _ in filters] != ["category"]):
        return None
    categories = tuple(filters[0][1].split(",")) if filters else ()
    return Scope(context, resource_type, frozenset(letters), categories) if all(categories) else None


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """The resource scopes of a space-separated scope text, in order; launch scopes and unknown ones are left out."""
    return tuple(scope for scope in map(parse_scope, text.split()) if scope)


def intersect_scopes(requested: str, allowed: Iterable[str], *, dialect: str = "any") -> str:
    """The requested scopes that the registration allows, narrowed where it allows less; order and spelling kept.

    `dialect` is what the server speaks: any; v1 (.read, .write, .*); v2 (letters); granular (v2 with ?category=).
    What is asked in another dialect is not granted, and what the dialect cannot say of the rest is left out.
    """
    listed = tuple(allowed)
    plain = set(listed) & set(LAUNCH_SCOPES)
    rules = parse_scopes(" ".join(listed))
    granted: list[str] = []
    for text in requested.split():
        wanted = parse_scope(text)
        if wanted is None:
            found = [text] if text in plain else []
        elif not _speaks(text, dialect):
            found = []
        else:
            narrowed = _keep_widest([part for rule in rules if (part := _narrow(wanted, rule))])
            found = [said for part in narrowed for said in ([text] if part == wanted else _say(part, dialect))]
        granted += [scope for scope in found if scope not in granted]
    return " ".join(granted)


def _speaks(text: str, dialect: str) -> bool:
    found = _RESOURCE_SCOPE.match(text)
    if found is None or dialect == "any":
        return found is not None
    is_v1, query = found.group(3) in _V1, found.group(4)
    if dialect == "granular":
        return not is_v1
    return is_v1 == (dialect == "v1") and not query


def _say(scope: Scope, dialect: str) -> list[str]:
    if dialect in ("v1", "v2") and scope.categories:
        return []
    if dialect != "v1":
        return [scope.spell()]
    words = ["*"] if scope.letters == frozenset("cruds") else ["read", "write"]
    return [f"{scope.context}/{scope.resource_type}.{word}" for word in words if scope.letters >= frozenset(_V1[word])]


def permitting(scopes: Iterable[Scope], resource_type: str, letters: str) -> list[Scope]:
    """The scopes that permit at least one of the `letters` on the resource type."""
    return [
        scope
        for scope in scopes
        if scope.resource_type in ("*", resource_type) and scope.letters & set(letters) and scope.context != "system"
    ]


def _narrow(wanted: Scope, rule: Scope) -> Scope | None:
    letters = wanted.letters & rule.letters
    if wanted.context != rule.context or not letters:
        return None
    if "*" not in (wanted.resource_type, rule.resource_type) and wanted.resource_type != rule.resource_type:
        return None
    resource_type = rule.resource_type if wanted.resource_type == "*" else wanted.resource_type
    categories = wanted.categories or rule.categories
    if wanted.categories and rule.categories:
        categories = tuple(token for token in wanted.categories if token in rule.categories)
        if not categories:
            return None
    return Scope(wanted.context, resource_type, letters, categories)


def _keep_widest(parts: list[Scope]) -> list[Scope]:
    def within(inner: Scope, outer: Scope) -> bool:
        return (
            inner != outer
            and outer.resource_type in ("*", inner.resource_type)
            and inner.letters <= outer.letters
            and (not outer.categories or (bool(inner.categories) and set(inner.categories) <= set(outer.categories)))
        )

    return [part for part in dict.fromkeys(parts) if not any(within(part, other) for other in parts)]


def _has_category(resource: dict[str, Any], token: str) -> bool:
    system, bar, code = token.rpartition("|")
    codings = [
        coding
        for concept in resource.get("category") or []
        if isinstance(concept, dict)
        for coding in concept.get("coding") or []
    ]
    return any(c.get("code") == code and (not bar or (c.get("system") or "") == system) for c in codings)

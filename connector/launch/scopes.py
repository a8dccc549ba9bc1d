"""The words a launch is granted in. In: SMART scopes in any spelling. Out: frozen scopes, or the same in one dialect.

What cannot be understood grants nothing, and `.read` is a word of its own, never the letters r and d.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

LETTERS = "cruds"
V1, V2, GRANULAR = "v1", "v2", "granular"
DIALECTS = (GRANULAR, V2, V1)

_SCOPE = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]{0,63}|\*)\.(read|write|\*|[a-z]{1,5})(?:\?(.+))?")
_ORDERED = re.compile(r"c?r?u?d?s?")
_V1_WORDS = {"read": "rs", "write": "cud", "*": LETTERS}
# Appendix "URI representation of scopes": the same scope with a prefix (client requirements 219 and 220).
_PREFIXES = ("http://smarthealthit.org/fhir/scopes/", "http://openid.net/specs/openid-connect-core-1_0#")
_CONTEXT_SCOPES = frozenset({"launch", "launch/patient", "launch/encounter"})


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """One resource scope: `letters` is a part of "cruds" in that order, `filters` the `param=value` pairs after `?`.

    `resource` is a FHIR type or `*`; values are unquoted, a comma in one means "or", as in FHIR search.
    """

    context: str
    resource: str
    letters: str
    filters: tuple[tuple[str, str], ...] = ()

    def covers(self, letter: str, *, resource: str, category: str | None = None, user: bool = False) -> bool:
        """Whether this scope alone allows `letter` on all resources of the type, or on all of one `category` (a code).

        `user` asks for access beyond the launch's patient, which only `user/` scopes give.
        """
        if self.context == "system" or (user and self.context != "user"):
            return False
        if self.resource not in (resource, "*") or letter not in self.letters:
            return False
        return not self.filters or (category is not None and _is_filter_for(self.filters, category))

    def touches(self, letter: str, *, resource: str) -> bool:
        """Whether this scope allows `letter` on at least some resources of the type."""
        return self.context != "system" and self.resource in (resource, "*") and letter in self.letters


def parse_scope(text: str) -> ResourceScope | None:
    """One resource scope in v1, v2 or granular spelling (SMART App Launch 2.2, "Scopes for requesting FHIR Resources").

    None for launch and OpenID scopes, and for letters out of order, unknown words or filters without a value.
    """
    found = _SCOPE.fullmatch(text.removeprefix(_PREFIXES[0]))
    if found is None:
        return None
    context, resource, word, query = found.groups()
    if query is not None and word in _V1_WORDS:
        return None
    letters = _V1_WORDS.get(word) or (word if _ORDERED.fullmatch(word) else "")
    filters = _read_filters(query)
    if not letters or filters is None:
        return None
    return ResourceScope(context, resource, letters, filters)


def parse_scopes(text: str) -> tuple[ResourceScope, ...]:
    """The resource scopes of a scope text, in order; launch and OpenID scopes and unknown ones are left out."""
    return tuple(scope for scope in map(parse_scope, text.split()) if scope is not None)


def holds_word(text: str, word: str) -> bool:
    """Whether a scope text holds a scope that is one word, such as `openid`, in short or in URI form."""
    spelt = {word, *(prefix + word for prefix in _PREFIXES)}
    return not spelt.isdisjoint(text.split())


def render_scopes(scopes: Iterable[str], dialect: str) -> tuple[str, ...]:
    """Scopes written in v2, in the words of `dialect`; order kept, nothing twice.

    `granular` leaves them as they stand, `v2` leaves the filters out, `v1` says .read and .write. The last two may ask
    for more than was written, since they have no words for less; scopes that are no resource scopes stay as they are.
    """
    rendered: dict[str, None] = {}
    for text in scopes:
        scope = parse_scope(text)
        if scope is None or dialect == GRANULAR:
            rendered[text] = None
        elif dialect == V2:
            rendered[f"{scope.context}/{scope.resource}.{scope.letters}"] = None
        else:
            for word in _v1_words(scope.letters):
                rendered[f"{scope.context}/{scope.resource}.{word}"] = None
    return tuple(rendered)


def ask_for_context(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes of a standalone launch: context is asked for (`launch/patient`, `launch/encounter`), not brought."""
    others = [scope for scope in scopes if scope not in _CONTEXT_SCOPES]
    return ("launch/patient", "launch/encounter", *others)


def _v1_words(letters: str) -> list[str]:
    words = []
    if set(letters) & set("rs"):
        words.append("read")
    if set(letters) & set("cud"):
        words.append("write")
    return words


def _read_filters(query: str | None) -> tuple[tuple[str, str], ...] | None:
    if query is None:
        return ()
    pairs = []
    for item in query.split("&"):
        name, _, value = item.partition("=")
        if not name or not value:
            return None
        pairs.append((unquote(name), unquote(value)))
    return tuple(pairs)


def _is_filter_for(filters: tuple[tuple[str, str], ...], category: str) -> bool:
    """Whether the filters let every resource of the category pass: they name it, and nothing beside categories."""
    for name, value in filters:
        codes = [token.rpartition("|")[2] for token in value.split(",")]
        if name != "category" or category not in codes:
            return False
    return True

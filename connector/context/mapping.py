"""What the context mapping may say. In: the parsed YAML of mappings/context.yaml. Out: a ContextMapping.

Never lets an unknown key pass: a misspelt cap would silently read too little of the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from connector.errors import Misconfigured

FILE = "mappings/context.yaml"
SECTIONS = ("medications", "allergies", "problems", "vitals", "labs")


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """One search: FHIR type, parameters, page cap, and which parameters to give up when the server refuses them.

    `newest_first` says that the search asks for the newest first, so that reaching the cap only loses older values.
    """

    resource: str
    parameters: Mapping[str, str]
    pages: int
    optional: tuple[str, ...] = ()
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeCodes:
    """Vendors' OperationOutcome codes inside a searchset: no results, more may exist, or refused by policy."""

    empty: frozenset[str]
    partial: frozenset[str]
    forbidden: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoneKnown:
    """How a chart says "no known allergies": codes (SNOMED CT) and lower-case texts."""

    codes: frozenset[str]
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class ContextMapping:
    """Which parts of the chart are read and how far; `at_once` and `medication_reads` are caps on requests."""

    version: int
    at_once: int
    medication_reads: int
    searches: Mapping[str, SearchPlan]
    outcome_codes: OutcomeCodes
    none_known: NoneKnown

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> ContextMapping:
        """Read the mapping. Raises Misconfigured, naming the key that is unknown, missing or of a wrong kind."""
        top = ("version", "at_once", "medication_reads", "searches", "outcome_codes", "none_known")
        _check_keys(raw, top, where="")
        searches = _object(raw, "searches", where="")
        _check_keys(searches, SECTIONS, where="searches.")
        codes, none_known = _object(raw, "outcome_codes", where=""), _object(raw, "none_known", where="")
        _check_keys(codes, ("empty", "partial", "forbidden"), where="outcome_codes.")
        _check_keys(none_known, ("codes", "texts"), where="none_known.")
        return cls(
            version=_count(raw, "version", where=""),
            at_once=_count(raw, "at_once", where=""),
            medication_reads=_count(raw, "medication_reads", where="", least=0),
            searches={name: _read_plan(_object(searches, name, where="searches."), name) for name in SECTIONS},
            outcome_codes=OutcomeCodes(
                *(frozenset(_texts(codes, key, where="outcome_codes.")) for key in ("empty", "partial", "forbidden"))
            ),
            none_known=NoneKnown(
                codes=frozenset(_texts(none_known, "codes", where="none_known.")),
                texts=frozenset(text.casefold() for text in _texts(none_known, "texts", where="none_known.")),
            ),
        )


def _read_plan(raw: Mapping[str, Any], name: str) -> SearchPlan:
    where = f"searches.{name}."
    _check_keys(raw, ("resource", "parameters", "pages"), where=where, may=("optional", "newest_first"))
    parameters = _object(raw, "parameters", where=where)
    for key, value in parameters.items():
        if isinstance(value, bool) or not isinstance(value, str | int):
            _refuse(f"{where}parameters.{key}", "has to be a text or a whole number")
    optional = _texts(raw, "optional", where=where) if "optional" in raw else ()
    for key in optional:
        if key not in parameters:
            _refuse(f"{where}optional", f"names {key}, which is not among the parameters")
    newest_first = raw.get("newest_first", False)
    if not isinstance(newest_first, bool):
        _refuse(f"{where}newest_first", "has to be true or false")
    if not isinstance(raw["resource"], str) or not raw["resource"].isalpha():
        _refuse(f"{where}resource", "has to be a FHIR resource type")
    return SearchPlan(
        resource=raw["resource"],
        parameters={str(key): str(value) for key, value in parameters.items()},
        pages=_count(raw, "pages", where=where),
        optional=optional,
        newest_first=newest_first,
    )


def _check_keys(raw: Mapping[str, Any], needed: tuple[str, ...], *, where: str, may: tuple[str, ...] = ()) -> None:
    if not isinstance(raw, Mapping):
        _refuse(where.rstrip(".") or "the file", "has to be a table of keys")
    for key in raw:
        if key not in needed and key not in may:
            _refuse(f"{where}{key}", "is not a known key")
    for key in needed:
        if key not in raw:
            _refuse(f"{where}{key}", "is missing")


def _object(raw: Mapping[str, Any], key: str, *, where: str) -> Mapping[str, Any]:
    value = raw[key]
    if not isinstance(value, Mapping):
        _refuse(f"{where}{key}", "has to be a table of keys")
    return value


def _count(raw: Mapping[str, Any], key: str, *, where: str, least: int = 1) -> int:
    value = raw[key]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        _refuse(f"{where}{key}", f"has to be a whole number, {least} or more")
    return value


def _texts(raw: Mapping[str, Any], key: str, *, where: str) -> tuple[str, ...]:
    value = raw[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(f"{where}{key}", "has to be a list of quoted texts")
    return tuple(value)


def _refuse(key: str, why: str) -> NoReturn:
    raise Misconfigured(f"{FILE}: {key} {why}.")

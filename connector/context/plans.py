"""What one search of the chart is. In: its table in a mapping. Out: a SearchPlan. Never lets an unknown key pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, NoReturn

from connector.errors import Misconfigured

SKIP = "skip"
_MAY = ("optional", "newest_first", "since")


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """One search: FHIR type, parameters, page cap, and which parameters to give up when the server refuses them.

    `newest_first` says that the search asks for the newest first and older ones are not wanted beyond the page cap.
    `since` maps date parameters to days: nothing older than that is asked for. `skipped`: this EHR does not offer it.
    """

    resource: str
    parameters: Mapping[str, str]
    pages: int
    optional: tuple[str, ...] = ()
    newest_first: bool = False
    since: Mapping[str, int] = field(default_factory=dict)
    skipped: bool = False

    def query(self, patient_id: str, *, today: date | None = None, plain: bool = False) -> dict[str, str]:
        """The search's parameters; `plain` leaves out those a server may refuse."""
        asked = {key: value for key, value in self.parameters.items() if not plain or key not in self.optional}
        if today is not None and not plain:
            asked |= {key: f"ge{today - timedelta(days=days)}" for key, days in self.since.items()}
        return {"patient": patient_id, **asked}

    @property
    def categories(self) -> tuple[str, ...]:
        """The codes its `category` parameter asks for."""
        tokens = self.parameters.get("category", "").split(",")
        return tuple(token.rpartition("|")[2] for token in tokens if token)


def read_plan(raw: object, *, where: str, file: str) -> SearchPlan:
    """A whole search. Raises Misconfigured, naming the key that is unknown, missing or of a wrong kind."""
    keys = Keys(file)
    table = keys.table(raw, where, needed=("resource", "parameters", "pages"), may=_MAY)
    resource = table["resource"]
    if not isinstance(resource, str) or not resource.isascii() or not resource.isalpha():
        keys.refuse(f"{where}.resource", "has to be a FHIR resource type")
    return _fill(SearchPlan(resource, {}, 1), table, where=where, keys=keys)


def read_change(raw: object, plan: SearchPlan, *, where: str, file: str) -> SearchPlan:
    """A vendor's change of a search: `skip`, or the keys that differ. New parameters bring their own `optional`."""
    if raw == SKIP:
        return replace(plan, skipped=True)
    keys = Keys(file)
    table = keys.table(raw, where, may=("parameters", "pages", *_MAY))
    if "optional" in table and "parameters" not in table:
        keys.refuse(f"{where}.parameters", "is missing: what is optional is said together with the parameters")
    return _fill(plan, table, where=where, keys=keys)


def _fill(plan: SearchPlan, table: Mapping[str, Any], *, where: str, keys: Keys) -> SearchPlan:
    if "parameters" in table:
        parameters = keys.parameters(table["parameters"], f"{where}.parameters")
        optional = keys.texts(table.get("optional", []), f"{where}.optional")
        for key in optional:
            if key not in parameters:
                keys.refuse(f"{where}.optional", f"names {key}, which is not among the parameters")
        plan = replace(plan, parameters=parameters, optional=optional)
    if "pages" in table:
        plan = replace(plan, pages=keys.count(table["pages"], f"{where}.pages"))
    if "newest_first" in table:
        plan = replace(plan, newest_first=keys.flag(table["newest_first"], f"{where}.newest_first"))
    if "since" in table:
        given = keys.table(table["since"], f"{where}.since", any_key=True)
        plan = replace(plan, since={str(key): keys.count(days, f"{where}.since.{key}") for key, days in given.items()})
    return plan


class Keys:
    """Checks of one file's keys and values; each raises Misconfigured naming file and key."""

    def __init__(self, file: str) -> None:
        self._file = file

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raises Misconfigured."""
        raise Misconfigured(f"{self._file}: {key} {why}.")

    def table(
        self,
        raw: object,
        where: str,
        *,
        needed: tuple[str, ...] = (),
        may: tuple[str, ...] = (),
        any_key: bool = False,
    ) -> Mapping[str, Any]:
        """A table that has every needed key and none but those and the ones it may have."""
        if not isinstance(raw, Mapping):
            self.refuse(where or "the file", "has to be a table of keys")
        before = f"{where}." if where else ""
        for key in raw:
            if not any_key and key not in needed and key not in may:
                self.refuse(f"{before}{key}", "is not a known key")
        for key in needed:
            if key not in raw:
                self.refuse(f"{before}{key}", "is missing")
        return raw

    def parameters(self, raw: object, where: str) -> dict[str, str]:
        """Search parameters: texts and whole numbers by name."""
        found = self.table(raw, where, any_key=True)
        for key, value in found.items():
            if isinstance(value, bool) or not isinstance(value, str | int):
                self.refuse(f"{where}.{key}", "has to be a text or a whole number")
        return {str(key): str(value) for key, value in found.items()}

    def count(self, value: object, where: str, *, least: int = 1) -> int:
        """A whole number."""
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.refuse(where, f"has to be a whole number, {least} or more")
        return value

    def flag(self, value: object, where: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.refuse(where, "has to be true or false")
        return value

    def texts(self, value: object, where: str) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(where, "has to be a list of quoted texts")
        return tuple(value)

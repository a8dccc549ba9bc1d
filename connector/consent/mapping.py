"""What is asked before a recording, and who has to agree. In: the parsed mappings/consent.yaml. Out: frozen rules.

Never softens a rule: where nothing is said, everybody present has to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import Misconfigured

DEFAULT_JURISDICTION = "all-party"
RULES = ("one-party", "all-party")
METHODS = ("verbal", "written")

_FILE = "mappings/consent.yaml"


@dataclass(frozen=True, slots=True)
class Wording:
    """One text in the words of the site; `wording_id` changes with it.

    `others` is said to anybody else in the room, `proxy` to who answers for the patient, each empty where the main
    text does. `languages`: the same by language (BCP 47), read out as they stand.
    """

    wording_id: str
    text: str
    others: str = ""
    proxy: str = ""
    languages: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """Who has to agree where a site stands: `rule` is of RULES; `title` is its name, `source` the law, if any."""

    key: str
    title: str
    rule: str
    wording: Wording
    methods: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """The file as a whole; `maker` goes into the stamp of an answer."""

    version: int
    jurisdictions: Mapping[str, Jurisdiction]

    @property
    def maker(self) -> str:
        """Name and version of these rules."""
        return f"consent.yaml@{self.version}"

    def find(self, key: str | None) -> Jurisdiction:
        """The jurisdiction a registration names; the stricter default for None and for one that is gone."""
        return self.jurisdictions.get(key or "", self.jurisdictions[DEFAULT_JURISDICTION])

    @classmethod
    def from_dict(cls, data: object) -> ConsentRules:
        """Reads the parsed file (syntax: mappings/README.md); raises Misconfigured naming the key."""
        table = _read_table(data, "", needed=("version", "wordings", "jurisdictions"))
        version = table["version"]
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise Misconfigured(f"{_FILE}: version must be a whole number from 1.")
        wordings = {
            key: _read_wording(key, one, f"wordings.{key}")
            for key, one in _read_named(table["wordings"], "wordings").items()
        }
        jurisdictions = {
            key: _read_jurisdiction(key, one, wordings)
            for key, one in _read_named(table["jurisdictions"], "jurisdictions").items()
        }
        if DEFAULT_JURISDICTION not in jurisdictions:
            raise Misconfigured(f"{_FILE}: jurisdictions must hold {DEFAULT_JURISDICTION}, which is the default.")
        if jurisdictions[DEFAULT_JURISDICTION].rule != "all-party":
            where = f"jurisdictions.{DEFAULT_JURISDICTION}.rule"
            raise Misconfigured(f"{_FILE}: {where} must be all-party: it is what a site without one gets.")
        return cls(version, jurisdictions)


def _read_wording(key: str, data: object, where: str) -> Wording:
    table = _read_table(data, where, needed=("text",), optional=("others", "proxy", "languages"))
    languages = table.get("languages")
    return Wording(
        wording_id=key,
        text=_read_text(table["text"], f"{where}.text"),
        others=_read_text(table["others"], f"{where}.others") if "others" in table else "",
        proxy=_read_text(table["proxy"], f"{where}.proxy") if "proxy" in table else "",
        languages={
            name: _read_text(text, f"{where}.languages.{name}")
            for name, text in _read_named(languages, f"{where}.languages").items()
        }
        if "languages" in table
        else None,
    )


def _read_jurisdiction(key: str, data: object, wordings: Mapping[str, Wording]) -> Jurisdiction:
    where = f"jurisdictions.{key}"
    table = _read_table(data, where, needed=("title", "rule", "wording", "methods"), optional=("source",))
    rule, named = _read_text(table["rule"], f"{where}.rule"), _read_text(table["wording"], f"{where}.wording")
    if rule not in RULES:
        raise Misconfigured(f"{_FILE}: {where}.rule must be one of {', '.join(RULES)}.")
    if named not in wordings:
        raise Misconfigured(f"{_FILE}: {where}.wording must be one of the wordings.")
    methods = table["methods"]
    if not isinstance(methods, list) or not methods or not all(method in METHODS for method in methods):
        raise Misconfigured(f"{_FILE}: {where}.methods must be a list of {', '.join(METHODS)}.")
    return Jurisdiction(
        key=key,
        title=_read_text(table["title"], f"{where}.title"),
        rule=rule,
        wording=wordings[named],
        methods=tuple(methods),
        source=_read_text(table["source"], f"{where}.source") if "source" in table else "",
    )


def _read_table(
    data: object, where: str, *, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, object]:
    named = f" {where}" if where else ""
    if not isinstance(data, dict):
        raise Misconfigured(f"{_FILE}:{named} must hold {', '.join(needed)}.")
    dotted = f"{where}." if where else ""
    for key in needed:
        if key not in data:
            raise Misconfigured(f"{_FILE}: {dotted}{key} is missing.")
    for key in data:
        if key not in (*needed, *optional):
            raise Misconfigured(f"{_FILE}: {dotted}{key} is unknown.")
    return data


def _read_named(data: object, where: str) -> Mapping[str, object]:
    if not isinstance(data, dict) or not data:
        raise Misconfigured(f"{_FILE}: {where} must be a table with at least one entry.")
    for key in data:
        if not isinstance(key, str) or not _is_name(key):
            raise Misconfigured(f"{_FILE}: {where} must have names of letters, digits and hyphens.")
    return data


def _is_name(key: str) -> bool:
    return key.isascii() and len(key) <= 40 and key[:1].isalnum() and key.replace("-", "").isalnum()


def _read_text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"{_FILE}: {where} must be a text.")
    return " ".join(value.split())

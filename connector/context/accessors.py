"""Single facts out of raw FHIR JSON. In: any JSON value at all. Out: plain Python values, or None.

Never raises, whatever is handed in, and never invents: a partial date is no date, a text is at most shortened.
Raw JSON is read on purpose: models refuse whole resources for one zone-less time (R4 has no such mercy for charts).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from connector.records import Source

LONGEST_TEXT = 1000
_SMALLEST, _LARGEST = Decimal("1e-12"), Decimal("1e15")
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?\s?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_REFERENCE = re.compile(
    r"([A-Z][A-Za-z]{1,60})/(?!\.+(?:/|$))([A-Za-z0-9\-._|]{1,128})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII
)
_UNITS = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "10*3/uL": "10³/µL",
    "10*6/uL": "10⁶/µL",
}


def as_object(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: object) -> tuple[Mapping[str, Any], ...]:
    """The JSON objects of a list; a lone object counts as a list of one, anything else as an empty list."""
    if isinstance(value, Mapping):
        return (value,)
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def as_text(value: object) -> str | None:
    """One line of text without control, format or surrogate characters; None where nothing is left."""
    if not isinstance(value, str):
        return None
    if value.isascii() and value.isprintable():  # as nearly all are: nothing to take out
        return " ".join(value[: 4 * LONGEST_TEXT].split())[:LONGEST_TEXT].rstrip() or None
    spaced = "".join(" " if char.isspace() else char for char in value[: 4 * LONGEST_TEXT])
    kept = "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return " ".join(kept.split())[:LONGEST_TEXT].rstrip() or None


def as_texts(value: object) -> tuple[str, ...]:
    """The readable texts of a list of strings."""
    found = (as_text(item) for item in value) if isinstance(value, list) else ()
    return tuple(text for text in found if text is not None)


def as_number(value: object) -> str | None:
    """A JSON number with every digit it has, no exponent; None for NaN, infinities, booleans and the absurdly long."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(repr(value))
    if not exact.is_finite() or not (exact.is_zero() or _SMALLEST <= abs(exact) < _LARGEST):
        return None
    return "0" if exact.is_zero() else format(exact, "f").removesuffix(".0")


def read_day(value: object) -> date | None:
    """A FHIR date or dateTime with at least year, month and day; partial dates (`1977`, `1977-03`) give None."""
    text = as_text(value)
    match = _INSTANT.fullmatch(text) if text else None
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def read_instant(value: object) -> datetime | None:
    """A FHIR dateTime or instant with its zone; UTC where none is given, midnight where only the day is."""
    text = as_text(value)
    match = _INSTANT.fullmatch(text) if text else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[index] or 0) for index in range(1, 7))
    try:
        fraction = int((match[7] or "0").ljust(6, "0"))
        taken = datetime(year, month, day, hour, minute, min(second, 59), fraction, tzinfo=_read_zone(match[8]))
        taken.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return taken


def _read_zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    digits = str(text)[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if str(text).startswith("-") else offset)


def read_source(resource: object) -> Source | None:
    """Reference and meta.versionId of a resource; None where it has no usable type or id."""
    body = as_object(resource)
    kind, identity = body.get("resourceType"), body.get("id")
    if not isinstance(kind, str) or not isinstance(identity, str):
        return None
    match = _REFERENCE.fullmatch(f"{kind}/{identity}")
    return Source(match[0], as_text(as_object(body.get("meta")).get("versionId"))) if match else None


def read_reference(value: object, *, base: str) -> str | None:
    """The relative form (`Patient/123`) of a literal reference, itself relative or absolute below `base`.

    None for contained (`#x`), logical, urn: and foreign references, which this launch's token must not follow.
    """
    text = as_object(value).get("reference")
    if not isinstance(text, str):
        return None
    match = _REFERENCE.fullmatch(text.removeprefix(base.rstrip("/") + "/"))
    return f"{match[1]}/{match[2]}" if match else None


def read_codes(concept: object) -> tuple[tuple[str | None, str], ...]:
    """(system, code) of each coding of a CodeableConcept."""
    pairs = ((as_text(coding.get("system")), as_text(coding.get("code"))) for coding in read_codings(concept))
    return tuple((system, code) for system, code in pairs if code is not None)


def read_codings(concept: object) -> tuple[Mapping[str, Any], ...]:
    """The codings of a CodeableConcept, the one the user selected first."""
    codings = as_objects(as_object(concept).get("coding"))
    return tuple(sorted(codings, key=lambda coding: coding.get("userSelected") is not True))


def has_code(concept: object, codes: frozenset[str]) -> bool:
    """Whether any coding of the concept has one of these codes, whatever its system."""
    return any(code in codes for _, code in read_codes(concept))


def read_concept(concept: object) -> str | None:
    """What a CodeableConcept says to people: its text, else the first display."""
    text = as_text(as_object(concept).get("text"))
    displays = (as_text(coding.get("display")) for coding in read_codings(concept))
    return text or next((display for display in displays if display is not None), None)


def read_token(concept: object, *, prefer: str | None = None) -> str | None:
    """One code of a CodeableConcept as a search token `system|code`, of the preferred system where it has one."""
    codes = sorted(read_codes(concept), key=lambda pair: pair[0] != prefer)
    return f"{codes[0][0] or ''}|{codes[0][1]}" if codes else None


def read_quantity(quantity: object) -> str | None:
    """A Quantity as people write it: `128 mmHg`, `<0.5 mg/dL`; None where it has no number."""
    body = as_object(quantity)
    number = as_number(body.get("value"))
    if number is None:
        return None
    comparator = body.get("comparator") if body.get("comparator") in ("<", "<=", ">=", ">") else ""
    unit = read_unit(body)
    return f"{comparator}{number}{'' if unit in ('', '%') else ' '}{unit}"


def read_taken(observation: object) -> datetime | None:
    """When an Observation was true of the patient: effective[x] (the end of a period), else when it was issued."""
    body = as_object(observation)
    period = as_object(body.get("effectivePeriod"))
    moments = (body.get("effectiveDateTime"), body.get("effectiveInstant"), period.get("end"), period.get("start"))
    found = (read_instant(moment) for moment in (*moments, body.get("issued")))
    return next((moment for moment in found if moment is not None), None)


def read_unit(quantity: object) -> str:
    """The unit of a Quantity: its text, else its UCUM code, spelt as clinicians do; empty where there is none."""
    body = as_object(quantity)
    unit = as_text(body.get("unit")) or as_text(body.get("code")) or ""
    return re.sub(r"\{[^}]*\}", "", _UNITS.get(unit, unit)).strip()

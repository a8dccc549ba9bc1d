"""Observations to the latest value of each vital sign or laboratory test. In: what a search found. Out: a Section.

Never shows an older value where a newer one is charted, and never a number without the unit it was charted with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.context.accessors import (
    as_number,
    as_object,
    as_objects,
    as_text,
    has_code,
    read_codes,
    read_concept,
    read_quantity,
    read_taken,
    read_unit,
)
from connector.context.searchset import Found
from connector.context.section import name_entry, sift
from connector.records import Measurement, Section, Source

_NOT_TRUE = ("entered-in-error", "cancelled")
_SYSTOLIC, _DIASTOLIC = frozenset({"8480-6"}), frozenset({"8462-4"})
_EVER = datetime.min.replace(tzinfo=UTC)


def read_measurements(found: Found, *, patient: str, base: str) -> Section[Measurement]:
    """One Measurement per code, the latest by when it was taken; of two at the same moment, the first listed."""
    section = sift(found, patient=patient, base=base, read=_read_measurement, name=lambda taken: taken.name)
    codes = {f"{body.get('resourceType')}/{body.get('id')}": _key(body) for body in found.matches}
    latest: dict[str, Measurement] = {}
    for measurement in section.items:
        key = codes.get(measurement.source.reference) or measurement.name.casefold()
        held = latest.get(key)
        if held is None or (measurement.taken or _EVER) > (held.taken or _EVER):
            latest[key] = measurement
    return replace(section, items=tuple(latest.values()))


def pick_category(found: Found, category: str, *, among: tuple[str, ...]) -> Found:
    """The Observations of one category, where a search asked for several; the last takes those without a category."""
    kept = tuple(body for body in found.matches if _read_kind(body, among) == category)
    return replace(found, matches=kept)


def pick_codes(found: Found, codes: frozenset[str]) -> Found:
    """The Observations whose code is one of `codes`; a server may ignore what it was asked for."""
    return replace(found, matches=tuple(body for body in found.matches if has_code(body.get("code"), codes)))


def _read_kind(observation: Mapping[str, Any], among: tuple[str, ...]) -> str | None:
    told = [code for concept in as_objects(observation.get("category")) for _, code in read_codes(concept)]
    return next((code for code in told if code in among), None if told else among[-1])


def _key(observation: Mapping[str, Any]) -> str:
    codes = read_codes(observation.get("code"))
    return "|".join(sorted(f"{system or ''}#{code}" for system, code in codes))


def _read_measurement(observation: Mapping[str, Any], source: Source) -> Measurement | None:
    value = read_value(observation)
    if observation.get("status") in _NOT_TRUE or value is None:
        return None
    pressure = _read_pressure(as_objects(observation.get("component"))) is not None
    name = "Blood pressure" if pressure else name_entry(observation.get("code"))
    return Measurement(source=source, name=name, value=value, taken=read_taken(observation))


def read_value(observation: Mapping[str, Any]) -> str | None:
    """The value as one line: blood pressure as `128/82 mmHg`, other panels as `name value` pairs; None without one."""
    direct = _read_single(observation)
    if direct is not None:
        return direct
    components = as_objects(observation.get("component"))
    pressure = _read_pressure(components)
    if pressure is not None:
        return pressure
    parts = ((read_concept(part.get("code")), _read_single(part)) for part in components)
    return "; ".join(f"{name} {value}" for name, value in parts if name and value) or None


def _read_single(holder: Mapping[str, Any]) -> str | None:
    truth = holder.get("valueBoolean")
    found = (
        read_quantity(holder.get("valueQuantity")),
        read_concept(holder.get("valueCodeableConcept")),
        as_text(holder.get("valueString")),
        as_number(holder.get("valueInteger")),
        _read_pair(holder.get("valueRange"), ("low", "high"), "–"),
        _read_pair(holder.get("valueRatio"), ("numerator", "denominator"), " / "),
        ("yes" if truth else "no") if isinstance(truth, bool) else None,
    )
    return next((value for value in found if value is not None), None)


def _read_pair(value: object, ends: tuple[str, str], joint: str) -> str | None:
    texts = [read_quantity(as_object(value).get(end)) for end in ends]
    return joint.join(text for text in texts if text) or None


def _read_pressure(components: tuple[Mapping[str, Any], ...]) -> str | None:
    """Systolic over diastolic, where both are charted in the same unit."""
    found = []
    for codes in (_SYSTOLIC, _DIASTOLIC):
        quantities = (as_object(part.get("valueQuantity")) for part in components if has_code(part.get("code"), codes))
        found.append(next(quantities, {}))
    upper, lower = (as_number(quantity.get("value")) for quantity in found)
    if upper is None or lower is None or read_unit(found[0]) != read_unit(found[1]):
        return None
    return f"{upper}/{lower} {read_unit(found[0])}".strip()

"""The last look at a Bundle before it is sent. In: the Bundle as a dict. Out: what is wrong with it, by path.

Never changes the Bundle, and never puts one of its values into a fault: paths and rules only, no patient data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from pydantic import BaseModel, ValidationError


def find_faults(bundle: Mapping[str, Any]) -> tuple[str, ...]:
    """What keeps the Bundle from being FHIR R4: fields, codes of required bindings, reference targets, empty values.

    The models are those of R4B, whose resources written here have the shape of R4. They are lax where it matters most
    (codes, targets and empty lists pass), so their own metadata is walked here; and what they would send has to be
    what was meant, field for field.
    """
    try:
        model = Bundle.model_validate(bundle)
    except ValidationError as error:
        return tuple(f"{_name_place(bundle, fault['loc'])}: {fault['type']}" for fault in error.errors())
    types = _entry_types(bundle)
    faults = [*_walk_model(model, "Bundle", types), *_find_empty(bundle, "Bundle")]
    if not faults and json.loads(model.model_dump_json()) != bundle:
        faults.append("Bundle: would be sent otherwise than it was built")
    return tuple(dict.fromkeys(faults))


def _name_place(bundle: Mapping[str, Any], place: tuple[int | str, ...]) -> str:
    """The path of a fault, from its resource on where it is in one."""
    if len(place) > 3 and place[0] == "entry" and place[2] == "resource":
        place = (bundle["entry"][place[1]]["resource"].get("resourceType", "?"), *place[3:])
    return ".".join(map(str, place))


def _entry_types(bundle: Mapping[str, Any]) -> dict[str, str]:
    """Resource types by fullUrl."""
    entries = [entry for entry in bundle.get("entry", []) if "fullUrl" in entry and "resource" in entry]
    return {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in entries}


def _walk_model(model: BaseModel, path: str, types: Mapping[str, str]) -> Iterator[str]:
    """Faults of one model and all below it; `#id` references are looked up among the resource's own contained ones."""
    contained = getattr(model, "contained", None) or ()
    types = {**types, **{f"#{inner.id}": inner.__resource_type__ for inner in contained}}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is None:
            continue
        place = f"{path}.{field.alias or name}"
        rules = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        for item in value if isinstance(value, list) else [value]:
            yield from _check_item(item, place, rules=rules, types=types)
            if isinstance(item, BaseModel):
                start = str(getattr(item, "__resource_type__", place)) if name == "resource" else place
                yield from _walk_model(item, start, types)


def _check_item(item: object, place: str, *, rules: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[str]:
    codes = rules.get("enum_values")
    if codes and isinstance(item, str) and item not in codes:
        yield f"{place}: not one of the codes of the required binding"
    targets = rules.get("enum_reference_types")
    if targets and isinstance(item, BaseModel):
        target = _target_type(item, types)
        if target is None:
            yield f"{place}: refers to nothing that can be found"
        elif "Resource" not in targets and target not in targets:
            yield f"{place}: may not refer to {target}"


def _target_type(reference: BaseModel, types: Mapping[str, str]) -> str | None:
    """The type a reference points at: of a Bundle entry or contained resource, of its path, or as it says itself."""
    literal = getattr(reference, "reference", None)
    if literal is None:
        told = getattr(reference, "type", None)
        return str(told) if told else None
    if literal.startswith(("urn:", "#")):
        return types.get(literal)
    parts = str(literal).split("/")
    return parts[-2] if len(parts) >= 2 and parts[-2].isalpha() and parts[-1] else None


def _find_empty(value: object, path: str) -> Iterator[str]:
    """Lists, objects and texts without content, which FHIR JSON does not allow (R4 §2.6.2)."""
    if isinstance(value, Mapping | list | str) and not value:
        yield f"{path}: empty"
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_empty(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _find_empty(inner, path)

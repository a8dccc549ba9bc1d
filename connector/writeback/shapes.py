"""Objects and lists out of an EHR's JSON. In: any JSON value. Out: a mapping or a list, empty where it is neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_object(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects in a list; anything else is an empty list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []

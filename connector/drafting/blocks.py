"""What an offline drafter may know. In: the chat messages of prompt.py. Out: visit, chart entries, turns.

Never looks anywhere else; raises ValueError where the messages are not of that shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r"^<(visit|chart|transcript)>\n(.*?)\n</\1>$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """One turn as the transcript block shows it."""

    turn_id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Charted:
    """One chart entry: `kind` is the section (`medications`, `allergies`, `problems` …), `name` what it is called."""

    reference: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class VisitData:
    """All three blocks; `sex` is FHIR administrative gender or None."""

    sex: str | None
    turns: tuple[Said, ...]
    chart: tuple[Charted, ...]


def read_blocks(messages: list[dict[str, str]]) -> VisitData:
    """The visit, chart and transcript blocks of the last user message; raises ValueError where one is missing."""
    contents = [message.get("content") for message in messages if message.get("role") == "user"]
    content = contents[-1] if contents else None
    if not isinstance(content, str):
        raise ValueError("there is no user message with text")
    blocks = {name: _json(body) for name, body in _BLOCK.findall(content)}
    if set(blocks) != {"visit", "chart", "transcript"}:
        raise ValueError("the user message does not hold one visit, one chart and one transcript block")
    return VisitData(_sex(blocks["visit"]), _turns(blocks["transcript"]), _entries(blocks["chart"]))


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("a block is not JSON") from None


def _sex(visit: Any) -> str | None:
    patient = visit.get("patient") if isinstance(visit, Mapping) else None
    if not isinstance(patient, Mapping):
        raise ValueError("the visit block names no patient")
    sex = patient.get("sex")
    return sex if isinstance(sex, str) else None


def _turns(listed: Any) -> tuple[Said, ...]:
    if not isinstance(listed, list):
        raise ValueError("the transcript block is not a list")
    return tuple(Said(_text(turn, "id"), _text(turn, "role"), _text(turn, "text")) for turn in listed)


def _text(turn: Any, key: str) -> str:
    value = turn.get(key) if isinstance(turn, Mapping) else None
    if not isinstance(value, str):
        raise ValueError(f"a turn has no {key}")
    return value


def _entries(chart: Any) -> tuple[Charted, ...]:
    if not isinstance(chart, Mapping):
        raise ValueError("the chart block is not a table")
    found: list[Charted] = []
    for kind, section in chart.items():
        entries = section.get("entries") if isinstance(section, Mapping) else None
        if not isinstance(entries, list):
            raise ValueError("a chart section has no entries")
        for entry in entries:
            reference = entry.get("ref") if isinstance(entry, Mapping) else None
            name = (entry.get("name") or entry.get("substance")) if isinstance(entry, Mapping) else None
            if isinstance(reference, str) and isinstance(name, str):
                found.append(Charted(reference, kind, name))
    return tuple(found)

"""What an offline drafter may know. In: the chat messages of prompt.py. Out: visit, chart entries, turns.

Never looks anywhere else; raises ValueError where the messages are not of that shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.drafting.chart_entries import NO_KNOWN, UNNAMED
from connector.drafting.chart_text import FORM_VERSION
from connector.drafting.prior_note import QUOTED
from connector.drafting.quoting import NO_ID, unquote

_BLOCK = re.compile(r"^<(visit|chart|transcript)>\n(.*?)\n</\1>$", re.DOTALL | re.MULTILINE)
_FIRST = re.compile(rf"chart text {FORM_VERSION} \| ")
_HEADER = re.compile(r"== ([a-z ]+): ")
_ENTRY = re.compile(
    rf"(?:(?P<reference>[A-Z][A-Za-z]*/[A-Za-z0-9._-]+)(?: v[A-Za-z0-9._-]+)?|{re.escape(NO_ID)})"
    r"(?: \((?P<marks>[a-z, -]+)\))? \| (?P<name>[^|]*?)(?: \| .*)?"
)
_SEX = "sex: "
MISSING = "missing_before"
"""What a turn's line says of a stretch before it that was not recorded."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn as the transcript block shows it; `after_gap`: something before it was not recorded."""

    turn_id: str
    role: str
    text: str
    after_gap: bool = False


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
    blocks = dict(_BLOCK.findall(content))
    if set(blocks) != {"visit", "chart", "transcript"}:
        raise ValueError("the user message does not hold one visit, one chart and one transcript block")
    if not isinstance(_json(blocks["visit"]), Mapping):
        raise ValueError("the visit block is not a table")
    sex, entries = _read_chart(blocks["chart"])
    return VisitData(sex, _turns(_json(blocks["transcript"])), entries)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("a block is not JSON") from None


def _turns(listed: Any) -> tuple[Said, ...]:
    if not isinstance(listed, list):
        raise ValueError("the transcript block is not a list")
    return tuple(
        Said(_text(turn, "id"), _text(turn, "role"), _text(turn, "text"), bool(turn.get(MISSING))) for turn in listed
    )


def _text(turn: Any, key: str) -> str:
    value = turn.get(key) if isinstance(turn, Mapping) else None
    if not isinstance(value, str):
        raise ValueError(f"a turn has no {key}")
    return value


def _read_chart(body: str) -> tuple[str | None, tuple[Charted, ...]]:
    """Sex and entries out of chart text, line by line; raises ValueError at a line of no known kind."""
    first, *lines = body.split("\n")
    if not _FIRST.match(first):
        raise ValueError("the chart block is no chart text of a version known here")
    sex, kind = None, None
    found: list[Charted] = []
    for line in lines:
        header = _HEADER.match(line)
        if header:
            kind = header[1].replace(" ", "_")
        elif kind == "patient" and line.startswith("patient | "):
            sex = next((field[len(_SEX) :] for field in line.split(" | ") if field.startswith(_SEX)), None)
        elif not line.startswith(QUOTED):
            found += _entry(line, kind)
    return (None if sex is None or sex == "not recorded" else unquote(sex)), tuple(found)


def _entry(line: str, kind: str | None) -> list[Charted]:
    entry = _ENTRY.fullmatch(line)
    if entry is None or kind is None:
        raise ValueError("a line of the chart block is neither section nor entry nor quoted")
    reference, marks, name = entry["reference"], entry["marks"] or "", entry["name"]
    if reference is None or NO_KNOWN in marks.split(", ") or name == UNNAMED:
        return []
    return [Charted(reference, kind, unquote(name))]

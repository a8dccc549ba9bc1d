"""The offline drafter. In: the messages a model would get, and the schema. Out: an answer of that schema.

Works only from the messages; every sentence carries the turns it rests on; never says what was not said.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.drafting.blocks import read_blocks
from connector.drafting.charted import ChartNames
from connector.drafting.dialogue import statements_of
from connector.drafting.statements import composed

_SECTIONS = frozenset({"subjective", "objective", "assessment", "plan"})


def draft_from_messages(messages: list[dict[str, str]], schema: dict[str, object]) -> dict[str, object]:
    """An answer that validates against `schema`, drawn from the messages alone, the same for the same messages.

    Raises ValueError where the messages are not those of prompt.py, or the schema has not the sections subjective,
    objective, assessment and plan.
    """
    keys = _section_keys(schema)
    visit = read_blocks(messages)
    names = ChartNames.of(visit.chart)
    answer: dict[str, object] = {}
    statements = composed(statements_of(visit))
    for key in keys:
        answer[key] = [
            {"text": statement.text, "turns": list(statement.turns), "chart": names.references_in(statement.text)}
            for statement in statements
            if statement.section == key
        ]
    return answer


def _section_keys(schema: Mapping[str, object]) -> tuple[str, ...]:
    properties = schema.get("properties")
    keys = tuple(properties) if isinstance(properties, Mapping) else ()
    if set(keys) != _SECTIONS:
        raise ValueError("the schema has not the sections this drafter writes")
    return keys

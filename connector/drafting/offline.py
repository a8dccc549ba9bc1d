"""The offline drafter. In: the messages a model would get, and the schema. Out: an answer of that schema.

Works only from the messages; every sentence carries the turns it rests on; never says what was not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from connector.drafting.blocks import Said, VisitData, read_blocks
from connector.drafting.charted import ChartNames
from connector.drafting.clinician import background_said, finding_said, judgement_said
from connector.drafting.history import denied_in, told_by_patient
from connector.drafting.orders import phrase_order, split_reason
from connector.drafting.phrases import Pronouns, pronouns_for
from connector.drafting.replies import is_fragment, read_reply
from connector.drafting.shorthand import from_shorthand
from connector.drafting.sorting import section_of, without_command
from connector.drafting.speech import opens_question, sentences, settled, without_opener
from connector.drafting.statements import Statement, composed, denial

_SECTIONS = ("subjective", "objective", "assessment", "plan")
_CLAUSES = re.compile(
    r",?\s+(?:and|but|so)\s+(?=(?:i|i'm|i'll|i'd|we|we'll|we're|let's|you|you're|your|the|it|it's|there|there's|that|that's|if|then|on|for|"
    r"my|he|she|they|no)\b)|;\s+",
    re.IGNORECASE,
)
_LONGEST_WHOLE = 22


def draft_from_messages(messages: list[dict[str, str]], schema: dict[str, object]) -> dict[str, object]:
    """An answer that validates against `schema`, drawn from the messages alone, the same for the same messages.

    Raises ValueError where the messages are not those of prompt.py, or the schema has not the sections subjective,
    objective, assessment and plan.
    """
    keys = _section_keys(schema)
    visit = read_blocks(messages)
    names = ChartNames.of(visit.chart)
    answer: dict[str, object] = {}
    statements = composed(_statements(visit))
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
    if set(keys) != set(_SECTIONS):
        raise ValueError("the schema has not the sections this drafter writes")
    return keys

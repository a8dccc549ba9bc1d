"""The offline drafter. In: the messages a model would get, and the schema. Out: an answer of that schema.

Works only from the messages; every sentence carries the turns it rests on; never says what was not said.
"""

from __future__ import annotations


def draft_from_messages(messages: list[dict[str, str]], schema: dict[str, object]) -> dict[str, object]:
    """Thin."""
    raise ValueError("the messages do not hold the blocks this drafter reads")

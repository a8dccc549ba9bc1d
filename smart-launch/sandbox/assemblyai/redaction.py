"""In: turns, their entities, policies and a way to substitute. Out: the turns, the words of those entities replaced.

Like the vendor it takes a policy nobody knows without a word, and redacts nothing by it; times and speakers stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector_sandbox.assemblyai.entities import Entity
from connector_sandbox.assemblyai.playback import HeardTurn

SUBSTITUTIONS = ("hash", "entity_name")


@dataclass(frozen=True)
class Redaction:
    """What a job wants redacted, and how; `audio` is "mp3" or "wav" where a redacted file is wanted too."""

    policies: tuple[str, ...]
    substitution: str
    returns_unredacted: bool
    audio: str | None
    silences: bool

    def chosen(self, entities: Sequence[Entity]) -> tuple[Entity, ...]:
        """Those of the entities that a policy names."""
        return tuple(entity for entity in entities if entity.entity_type in self.policies)


def redact_turns(
    turns: Sequence[HeardTurn], entities: Sequence[Entity], *, redaction: Redaction
) -> tuple[HeardTurn, ...]:
    """The same turns, each word of a chosen entity substituted: `#` per letter or digit, or `[TYPE]` per word."""
    tags = {
        (entity.turn, place): entity.entity_type
        for entity in redaction.chosen(entities)
        for place in range(entity.first, entity.last)
    }
    return tuple(
        replace(
            turn,
            words=tuple(
                replace(word, text=_substitute(word.text, tags[number, place], redaction.substitution))
                if (number, place) in tags
                else word
                for place, word in enumerate(turn.words)
            ),
        )
        for number, turn in enumerate(turns)
    )


def _substitute(text: str, kind: str, how: str) -> str:
    if how == "hash":
        return re.sub(r"[^\W_]", "#", text)
    ending = re.search(r"\W*$", text)
    return f"[{kind.upper()}]{ending[0] if ending else ''}"

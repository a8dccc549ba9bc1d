"""Chart references. In: chart entries and a statement. Out: references of what it names. Never guesses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.clinical.drug_names import spoken_names
from connector.clinical.problem_names import spoken_problems, spoken_substances
from connector.drafting.blocks import Charted

_SPEAK = {"medications": spoken_names, "allergies": spoken_substances, "problems": spoken_problems}
_SHORTEST = 3
_OTHER_SENSE = {"stress": r"(?!\s+test)", "fish": r"(?!\s+oil)"}


@dataclass(frozen=True, slots=True)
class ChartNames:
    """Every spoken name of the chart's drugs, allergens and problems, with the reference it stands for."""

    names: tuple[tuple[re.Pattern[str], str], ...]

    @classmethod
    def of(cls, entries: Iterable[Charted]) -> ChartNames:
        """Compiles the names of the entries; vitals and laboratory values are not matched by name."""
        found: list[tuple[re.Pattern[str], str]] = []
        for entry in entries:
            speak = _SPEAK.get(entry.kind)
            for name in speak(entry.name) if speak else ():
                if len(name) >= _SHORTEST:
                    ending = _OTHER_SENSE.get(name.casefold(), "")
                    found.append(
                        (re.compile(rf"(?<!\w){re.escape(name)}s?(?!\w){ending}", re.IGNORECASE), entry.reference)
                    )
        return cls(tuple(found))

    def references_in(self, text: str) -> list[str]:
        """References of what the text names, in order of mention; of two names at one place the longer one counts."""
        spans = [
            (match.start(), match.end(), reference)
            for pattern, reference in self.names
            for match in pattern.finditer(text)
        ]
        kept = [span for span in sorted(spans) if not _inside_longer(span, spans)]
        return list(dict.fromkeys(reference for _, _, reference in kept))


def _inside_longer(span: tuple[int, int, str], spans: Sequence[tuple[int, int, str]]) -> bool:
    start, end, _ = span
    return any(other[0] <= start and end <= other[1] and other[1] - other[0] > end - start for other in spans)

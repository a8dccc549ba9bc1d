"""What a benchmark prints. In: figures and their targets. Out: one JSON line that names the figures which miss theirs.

Figures are plain numbers: shares from 0 to 1, ratios, seconds or milliseconds as their names say, sample sizes.
"""

import json
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_HOLDS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


class NotMeasured(Exception):
    """What was to be measured did not take place; says what was missing."""


@dataclass(frozen=True)
class Report:
    """One run. `targets` holds bounds of figures as texts: `<= 1.25`, `>= 0.9` or `== 0`.

    Raises NotMeasured for a target without its figure, ValueError for one that cannot be read.
    """

    name: str
    figures: Mapping[str, float]
    targets: Mapping[str, str]

    def __post_init__(self) -> None:
        for name, target in self.targets.items():
            _read(target)
            if name not in self.figures:
                raise NotMeasured(f"{name} has a target and was not measured")

    @property
    def short(self) -> list[str]:
        """The names of the figures that miss their targets. A figure that is no number misses."""
        return [name for name, target in self.targets.items() if not _is_met(self.figures[name], target)]

    def as_line(self) -> str:
        """The report as one line of JSON."""
        body = {"name": self.name, "figures": dict(self.figures), "targets": dict(self.targets), "short": self.short}
        return json.dumps(body)


def say(line: str) -> None:
    """Progress, for people, on stderr: stdout is the report's."""
    print(line, file=sys.stderr, flush=True)


def _is_met(figure: float, target: str) -> bool:
    holds, bound = _read(target)
    return holds(figure, bound)


def _read(target: str) -> tuple[Callable[[float, float], bool], float]:
    sign, _, bound = target.partition(" ")
    if sign not in _HOLDS:
        raise ValueError(f"no such bound: {target}")
    return _HOLDS[sign], float(bound)

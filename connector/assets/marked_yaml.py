"""YAML that remembers where things stand. In: a file's text. Out: its value, the line of every key, what YAML forbids.

It executes no tag, and reports a key written twice, which YAML forbids and PyYAML lets pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file an operator or clinician writes; `line` counts from 1, `key` may be dotted or empty."""

    file: str
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return f"{where}{self.key}: {self.reason}." if self.key else f"{where}{self.reason}."


@dataclass(frozen=True, slots=True)
class MarkedYaml:
    """One document. `lines` has the line of each key and list entry by its path, `problems` what is no proper YAML."""

    file: str
    value: object
    lines: Mapping[Path, int]
    problems: tuple[Problem, ...]

    def line_of(self, path: Path) -> int:
        """The line of the key or entry at `path`, or of the nearest thing around it that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_marked(text: str, file: str) -> MarkedYaml:
    """Parse one YAML document; `file` names it in the problems. Text that cannot be parsed has the value None."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        return MarkedYaml(file, None, {}, (Problem(file, line, "", error.problem or "not readable as YAML"),))
    except (yaml.YAMLError, ValueError, RecursionError):
        return MarkedYaml(file, None, {}, (Problem(file, 1, "", "not readable as YAML in UTF-8"),))
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    _walk(node, lines=lines, problems=problems, file=file)
    return MarkedYaml(file, value, lines, tuple(sorted(problems, key=lambda one: one.line)))


def _walk(node: yaml.Node | None, *, lines: dict[Path, int], problems: list[Problem], file: str) -> None:
    """Note the line of every node once, however often it is referred to."""
    waiting: list[tuple[Path, yaml.Node]] = [] if node is None else [((), node)]
    seen: set[int] = set()
    while waiting:
        path, one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        lines.setdefault(path, one.start_mark.line + 1)
        if isinstance(one, yaml.SequenceNode):
            waiting += [((*path, place), item) for place, item in enumerate(one.value)]
        elif isinstance(one, yaml.MappingNode):
            names: set[str] = set()
            for key, value in one.value:
                name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
                line = key.start_mark.line + 1
                if name in names:
                    problems.append(Problem(file, line, _dotted((*path, name)), "stands twice"))
                names.add(name)
                lines.setdefault((*path, name), line)
                waiting.append(((*path, name), value))


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)

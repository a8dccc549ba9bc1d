"""Mappings and prompts, looked over before a start. In: a file's text and its schema. Out: every mistake with its line.

It reads and reports; what a file means is decided by the stage that uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from connector.assets.catalogue import read_mapping
from connector.assets.marked_yaml import MarkedYaml, Path, Problem, read_marked

_KINDS = {
    "object": "a table of keys",
    "array": "a list",
    "string": "a text, in quotes if it looks like a number",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
Formats = Mapping[str, Callable[[object], bool]]


def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema that `mappings/schemas/<name>.json` holds."""
    schema: dict[str, Any] = json.loads(read_mapping(f"schemas/{name}.json"))
    return schema


def check_mapping(text: str, file: str, *, schema: Mapping[str, Any], formats: Formats) -> tuple[Problem, ...]:
    """Every place where a mapping departs from its schema, in the order of the lines; `file` names it."""
    marked = read_marked(text, file)
    if marked.problems and marked.value is None:
        return marked.problems
    checker = FormatChecker(formats=())
    for name, holds in formats.items():
        checker.checks(name)(holds)
    try:
        errors = list(_Validator(schema, format_checker=checker).iter_errors(marked.value))
    except RecursionError:
        return (Problem(file, 1, "", "goes deeper than anybody can read"),)
    found = {problem for error in errors for problem in _describe(error, marked)} | set(marked.problems)
    return tuple(sorted(found, key=lambda one: (one.line, one.key, one.reason)))


def check_prompt(text: str, file: str, *, variables: Sequence[str]) -> tuple[Problem, ...]:
    """Where a prompt template is no Jinja2, or asks for something that is not among `variables`."""
    environment = ImmutableSandboxedEnvironment(autoescape=False)
    try:
        tree = environment.parse(text)
        environment.compile(tree)
    except TemplateSyntaxError as error:
        return (Problem(file, error.lineno or 1, "", (error.message or "no template").rstrip(".")),)
    unknown = meta.find_undeclared_variables(tree) - set(variables)
    lines = {name.name: name.lineno for name in reversed(list(tree.find_all(nodes.Name)))}
    problems = [
        Problem(file, lines.get(name, 1), name, _suggest("is no value a prompt is given", name, variables))
        for name in unknown
    ]
    return tuple(sorted(problems, key=lambda one: (one.line, one.key)))


def locate(marked: MarkedYaml, reason: str) -> Problem:
    """A problem out of the sentence a stage refused the file with; its line is that of the first key it names."""
    for word in reason.replace("[", ".").replace("]", "").split():
        path = _as_path(word.strip(":,'\"").rstrip("."))
        if path in marked.lines:
            return Problem(marked.file, marked.lines[path], ".".join(map(str, path)), reason.rstrip("."))
    return Problem(marked.file, 1, "", reason.rstrip("."))


def _as_path(word: str) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in word.split(".") if part)


def _unique_by(
    validator: Draft202012Validator, key: str, instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`uniqueBy`: no two entries of a list have the same value under `key`."""
    del validator, schema
    seen: list[object] = []
    for place, entry in enumerate(instance if isinstance(instance, list) else []):
        value = entry.get(key) if isinstance(entry, dict) else None
        if value is not None and value in seen:
            yield ValidationError(f"'{value}' stands twice", path=[place, key], validator="uniqueBy")
        seen.append(value)


def _names_keys_of(
    validator: Draft202012Validator, rule: Mapping[str, str], instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`namesKeysOf`: every text of one list is a key of the table beside it."""
    del validator, schema
    if not isinstance(instance, dict):
        return
    listed, table = instance.get(rule["list"]), instance.get(rule["table"])
    for place, name in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(name, str) and isinstance(table, dict) and name not in table:
            reason = f"'{name}' is not among the {rule['table']}"
            yield ValidationError(reason, path=[rule["list"], place], validator="namesKeysOf")


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"uniqueBy": _unique_by, "namesKeysOf": _names_keys_of}
)


def _describe(error: ValidationError, marked: MarkedYaml) -> Iterator[Problem]:
    """One or more problems in our own words; a missing key and an unknown one are named themselves."""
    path: Path = tuple(error.absolute_path)
    instance: Any = error.instance
    if error.validator == "required":
        for name in error.validator_value if isinstance(error.validator_value, list) else []:
            if name not in instance:
                yield _problem(marked, (*path, name), "missing")
    elif error.validator == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else []
        for name in instance:
            if name not in known:
                yield _problem(marked, (*path, str(name)), _suggest("unknown key", str(name), known))
    else:
        yield _problem(marked, path, _explain(error))


def _problem(marked: MarkedYaml, path: Path, reason: str) -> Problem:
    return Problem(marked.file, marked.line_of(path), ".".join(map(str, path)), reason)


def _explain(error: ValidationError) -> str:
    rule: Any = error.validator_value
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    match error.validator:
        case "type":
            return "must be " + " or ".join(_KINDS[kind] for kind in ([rule] if isinstance(rule, str) else rule))
        case "enum":
            return f"must be one of {', '.join(map(str, rule))}"
        case "const":
            return f"must be {rule}"
        case "contains":
            return f"must hold {rule.get('const')}"
        case "minimum":
            return f"must be {rule} or more"
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty" if rule == 1 else f"must hold {rule} entries"
        case "uniqueItems":
            return "holds an entry twice"
        case "pattern":
            return f"must be {schema.get('description', 'of another form')}"
        case "format":
            return f"is no {str(rule).upper()} code (check digit included)"
    return error.message


def _suggest(reason: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"{reason}; is {near[0]} meant?" if near else reason

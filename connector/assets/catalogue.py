"""Finds mappings and templates that travel in the wheel. In: a relative name. Out: parsed YAML or text.

Where an operator names a folder of their own, its files come first. Never executes anything it reads.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from connector.errors import Misconfigured


def mappings_folder() -> Traversable:
    """The shipped mappings/."""
    return files("connector_mappings")


def templates_folder() -> Path:
    """The shipped templates/, as a folder on disk."""
    return Path(str(files("connector_templates")))


def load_mapping(name: str) -> dict[str, Any]:
    """The parsed YAML file `name`, such as `ehr/generic.yaml`; raises Misconfigured naming file and line."""
    try:
        parsed = yaml.safe_load(read_mapping(name))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise Misconfigured(f"mappings/{name} is not valid YAML{where}.") from error
    if not isinstance(parsed, dict):
        raise Misconfigured(f"mappings/{name} must hold a mapping at its top level.")
    return parsed


def read_mapping(name: str) -> str:
    """The text of one file of mappings/, such as `ehr/generic.yaml`."""
    return _find(mappings_folder(), name).read_text(encoding="utf-8")


def load_template(name: str) -> str:
    """The text of the template `name`, such as `prompts/soap.system.j2`."""
    return _find(files("connector_templates"), name).read_text(encoding="utf-8")


def list_mappings(folder: str) -> list[str]:
    """Names of the YAML files in one folder of mappings/, without their ending."""
    entries = mappings_folder().joinpath(folder).iterdir()
    return sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))


def list_templates(folder: str) -> list[str]:
    """Names of the files in one folder of templates/."""
    return sorted(path.name for path in (templates_folder() / folder).iterdir() if path.is_file())


def _find(root: Traversable, name: str) -> Traversable:
    found = root
    for part in name.split("/"):
        found = found.joinpath(part)
    if not found.is_file():
        raise Misconfigured(f"The file {name} is missing from the installation.")
    return found

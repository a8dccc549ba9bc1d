"""docker-compose.yml as an engine would see it. In: an environment. Out: the model with its variables put in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
COMPOSE_FOLDER = ROOT / "smart-launch" / "compose"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Z_]+)(?P<rest>:-(?P<default>[^}]*))?\})")
Model = dict[str, Any]


class NoDefault(LookupError):
    """A variable that is not set and has no default."""


def read_model(environ: Mapping[str, str] | None = None) -> Model:
    """The whole model; raises NoDefault for a variable that has neither value nor default."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    model: Model = _fill(raw, environ or {})
    return model


def fill_text(text: str, environ: Mapping[str, str]) -> str:
    """`${NAME:-default}` and `$$` as the Compose Specification reads them; an empty value counts as none."""

    def replace(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        value = environ.get(match["name"], "")
        if not value and match["rest"] is None:
            raise NoDefault(match["name"])
        return value or match["default"]

    return _VARIABLE.sub(replace, text)


def _fill(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return fill_text(value, environ)
    if isinstance(value, list):
        return [_fill(item, environ) for item in value]
    if isinstance(value, dict):
        return {name: _fill(item, environ) for name, item in value.items()}
    return value


def variables() -> set[str]:
    """Every variable the file may be given."""
    return {match["name"] for match in _VARIABLE.finditer(FILE.read_text(encoding="utf-8")) if match["name"]}


def texts(value: Any) -> Iterator[str]:
    """Every text in a piece of the model, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)


def ours(model: Model) -> dict[str, Model]:
    """The services that run our image, by name."""
    return {name: one for name, one in model["services"].items() if one["image"].startswith("smart-scribe:")}


def probe_of(service: Model) -> list[str] | None:
    """The argument list of its health probe; None without one, or where it needs a shell."""
    test = service.get("healthcheck", {}).get("test")
    return list(test[1:]) if test and test[0] == "CMD" else None


def mounts_of(service: Model) -> dict[str, str]:
    """Target to source: a volume's name, or a path relative to the file."""
    pairs = (mount.split(":") for mount in service.get("volumes", []))
    return {pair[1]: pair[0] for pair in pairs}

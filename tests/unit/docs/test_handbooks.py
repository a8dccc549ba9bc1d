"""The handbooks name what there is: every setting, flag, log key and link; and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from connector.logs import ALLOWED
from connector.settings import Settings
from connector.web import (
    capturing,
    correcting,
    deciding,
    fetching,
    hooks,
    knowing,
    launching,
    listening,
    picking,
    progress_view,
    recorder,
    returning,
    visiting,
)
from tests.house.tree import ROOT

OPERATOR = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
CLINICIAN = (ROOT / "docs" / "clinician.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `CONNECTOR_([A-Z_]+)` \| ([^|]+) \|", OPERATOR, re.MULTILINE))
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    assert set(ROWS) == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items(), ids=list(Settings.model_fields))
def test_a_settings_row_tells_its_default(name: str, field: FieldInfo) -> None:
    default = field.default
    told = ROWS[name.upper()]
    if default is None or isinstance(default, SecretStr):
        assert not re.fullmatch(r"`[^`]*`", told.strip()), "there is no fixed default"
    elif isinstance(default, tuple):
        assert re.findall(r'"([^"]+)"', told) == list(default)
    elif isinstance(default, float):
        assert told.strip() == f"`{default:g}`"
    elif isinstance(default, bool):
        assert told.strip() == f"`{str(default).lower()}`"
    else:
        assert told.strip() == f"`{default}`"


def test_every_flag_has_a_row_for_the_operator_and_one_for_the_clinician() -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", OPERATOR, re.MULTILINE))
    assert rows == set(progress_view._ATTENTION)
    untold = [title for title in progress_view._ATTENTION.values() if f"**{title}**" not in CLINICIAN]
    assert not untold


def test_the_log_keys_are_those_of_the_allow_list() -> None:
    section = re.search(r"<!-- log-keys -->(.*?)<!-- end: log-keys -->", OPERATOR, re.DOTALL)
    assert section is not None
    assert set(re.findall(r"`([a-z_]+)`", section[1])) == ALLOWED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        assert target.startswith(("http://", "https://")) or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_code_marks_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:connector|docs|mappings|templates|smart-launch|requirements|tests)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name


def test_every_command_named_is_one() -> None:
    from connector.__main__ import audit_cli, cli

    known = {command.name or command.callback.__name__ for command in cli.registered_commands if command.callback}
    known |= {group.name for group in cli.registered_groups}
    named = {word for page in PAGES for word in re.findall(r"`connector ([a-z]+)", page.read_text(encoding="utf-8"))}
    assert named
    assert named <= known
    assert {command.name for command in audit_cli.registered_commands} == {"verify"}


def test_every_route_is_told_and_every_route_told_is_one() -> None:
    rooms = (
        launching,
        picking,
        visiting,
        correcting,
        knowing,
        listening,
        deciding,
        fetching,
        capturing,
        recorder,
        returning,
        hooks,
    )
    routes = {
        f"{method} {route.path}"
        for room in rooms
        for route in room.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    text = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    told = set(re.findall(r"`((?:GET|POST|PUT|DELETE|PATCH) /[^`]+)`", table))
    assert told == routes | {"GET /health/live", "GET /health/ready"}

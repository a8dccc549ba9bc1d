"""The Dockerfile copies what the wheel is made of, installs what is locked, and ends without root."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch

import pytest

from tests.unit.compose.model import ROOT, Model, mounts_of, ours, read_model

LINES = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.M))
STEPS = [tuple(line.split(maxsplit=1)) for line in LINES.splitlines() if line.strip()]


def _arguments(instruction: str) -> list[str]:
    return [words for name, words in STEPS if name == instruction]


def _copied() -> list[str]:
    return [source for words in _arguments("COPY") if "--from" not in words for source in words.split()[:-1]]


def test_it_ends_as_a_user_of_its_own() -> None:
    last = [name for name, _ in STEPS].index("USER")
    user, _, group = STEPS[last][1].partition(":")
    assert int(user) >= 10_000 and int(group) >= 10_000
    assert f"--uid {user}" in LINES
    assert [name for name, _ in STEPS[last + 1 :]] == ["WORKDIR", "EXPOSE", "CMD"], "nothing runs as root after it"


def test_every_stage_is_the_slim_python_of_the_project() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    stages = [words.split()[0] for words in _arguments("FROM")]
    assert stages == ["python:3.11-slim"] * 2
    assert wanted == ">=3.11"


def test_nothing_is_installed_that_is_not_locked() -> None:
    installs = re.findall(r"pip (?:install|wheel)[^&|\n]*", LINES)
    assert len(installs) == 4
    for command in installs:
        assert "--no-deps" in command
        assert "--require-hashes" in command or "--no-index" in command or "--no-build-isolation" in command, command
    assert not re.search(r"\b(curl|wget|apt-get)\b|https?://", LINES)
    assert not _arguments("ADD")


def test_the_build_tool_is_taken_from_the_lock() -> None:
    """What the awk program picks: the pin and its hashes, and nothing else."""
    assert "/^[^ ]/ { wanted = /^setuptools==/ } wanted" in LINES
    wanted, picked = False, []
    for line in (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            wanted = line.startswith("setuptools==")
        if wanted:
            picked.append(line)
    assert picked[0].startswith("setuptools==")
    assert len(picked) > 1
    assert all("--hash=sha256:" in line for line in picked[1:])


def test_what_the_wheel_is_made_of_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {*project["tool"]["setuptools"]["package-dir"].values(), project["project"]["readme"], "pyproject.toml"}
    needed |= set(project["project"]["license-files"])
    assert needed <= set(_copied())
    assert all((ROOT / source).exists() for source in _copied())


@pytest.mark.parametrize("source", _copied())
def test_what_is_copied_is_not_ignored(source: str) -> None:
    ignored = True
    for rule in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not rule or rule.startswith("#"):
            continue
        pattern, kept = rule.removeprefix("!"), rule.startswith("!")
        parents = ["/".join(source.split("/")[:count]) for count in range(1, source.count("/") + 2)]
        if any(fnmatch(parent, pattern) and parent.count("/") == pattern.count("/") for parent in parents):
            ignored = not kept
    assert not ignored


def test_nothing_local_travels_into_the_image() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert rules[1] == "*", "everything is left out but what is named"
    assert "**/__pycache__" in rules


def test_the_image_has_a_folder_for_every_volume_its_services_write() -> None:
    """A new volume takes over the owner of the folder under it; without one it would belong to root."""
    model: Model = read_model()
    volumes = {
        target
        for service in ours(model).values()
        for target, source in mounts_of(service).items()
        if source in model["volumes"]
    }
    made = re.search(r"install -d -o scribe -g scribe -m 0700 ([^&\n]*)", LINES)
    assert made is not None
    assert volumes == set(made[1].split())

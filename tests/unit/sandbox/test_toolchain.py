"""What the set-up needs from the machine: found, installed where allowed, else named in one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from connector_sandbox import toolchain
from connector_sandbox.toolchain import find_jdk


def make_jdk(home: Path, version: str, *, compiler: bool = True) -> Path:
    (home / "bin").mkdir(parents=True)
    for program in ("java", "javac") if compiler else ("java",):
        make_program(home / "bin" / program, "exit 0")
    (home / "release").write_text(f'IMPLEMENTOR="A"\nJAVA_VERSION="{version}"\n')
    return home


def make_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "good"),
    [("17", True), ("17.0.15", True), ("21.0.7", True), ("25-ea", True), ("16.0.2", False), ("1.8.0_452", False)],
)
def test_only_a_jdk_of_17_or_newer_will_do(version: str, good: bool, tmp_path: Path) -> None:
    home = make_jdk(tmp_path / "jdk", version)
    assert find_jdk({"JAVA_HOME": str(home), "PATH": ""}, folders=()) == (home if good else None)


def test_a_java_without_a_compiler_will_not_do(tmp_path: Path) -> None:
    home = make_jdk(tmp_path / "jre", "17.0.1", compiler=False)
    assert find_jdk({"JAVA_HOME": str(home), "PATH": ""}, folders=()) is None


def test_an_old_java_home_does_not_hide_a_good_jdk(tmp_path: Path) -> None:
    old = make_jdk(tmp_path / "old", "11.0.2")
    on_path = make_jdk(tmp_path / "new", "21")
    elsewhere = make_jdk(tmp_path / "jvm" / "java-17", "17")
    environ = {"JAVA_HOME": str(old), "PATH": str(on_path / "bin")}
    assert find_jdk(environ, folders=()) == on_path
    folders = [str(tmp_path / "jvm" / "*")]
    assert find_jdk({"JAVA_HOME": str(old), "PATH": ""}, folders=folders) == elsewhere


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with next to nothing on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("env", "sh", "chmod", "true"):
        found = shutil.which(program)
        assert found is not None
        (folder / program).symlink_to(found)
    return folder


def ensure_maven(programs: Path) -> "subprocess.CompletedProcess[str]":
    """As the set-up runs it: a file of its own, before there is a virtual environment."""
    argv = [sys.executable, "-I", "-S", toolchain.__file__, "maven"]
    return subprocess.run(argv, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)


def test_what_is_there_is_not_installed(programs: Path) -> None:
    make_program(programs / "mvn", "exit 0")
    make_program(programs / "apt-get", "exit 9")
    done = ensure_maven(programs)
    assert (done.returncode, done.stderr) == (0, "")


def test_apt_installs_what_is_missing(programs: Path) -> None:
    make_program(programs / "sudo", 'shift; exec "$@"')
    make_program(programs / "apt-cache", "echo Package: $2")
    mvn = programs / "mvn"
    make_program(
        programs / "apt-get", f'echo "apt $*"; case "$*" in *" install "*maven) echo > {mvn}; chmod 755 {mvn};; esac'
    )
    done = ensure_maven(programs)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "installing Maven\n" in done.stderr
    assert "install -y --no-install-recommends maven\n" in done.stderr


def test_where_apt_fails_one_sentence_names_the_command(programs: Path) -> None:
    make_program(programs / "sudo", 'shift; exec "$@"')
    make_program(programs / "apt-cache", "exit 0")
    make_program(programs / "apt-get", "exit 100")
    done = ensure_maven(programs)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last == "set-up: Maven must be installed first: sudo apt-get install -y maven"


def test_without_the_right_to_install_nothing_is_tried(programs: Path) -> None:
    """For root there is always the right; the failing apt-get then has the same end."""
    make_program(programs / "apt-get", "exit 100")
    make_program(programs / "apt-cache", "exit 0")
    make_program(programs / "sudo", "echo a password is required >&2; exit 1")
    done = ensure_maven(programs)
    assert done.returncode == 2
    assert done.stderr.endswith("set-up: Maven must be installed first: sudo apt-get install -y maven\n")
    assert ("installing" in done.stderr) == (os.geteuid() == 0)


def test_homebrew_installs_what_is_missing(programs: Path) -> None:
    mvn = programs / "mvn"
    make_program(programs / "brew", f'echo "brew $*"; echo > {mvn}; chmod 755 {mvn}')
    done = ensure_maven(programs)
    assert done.returncode == 0, done.stderr
    assert "brew install maven\n" in done.stderr


def test_without_a_known_package_manager_what_is_missing_is_named(programs: Path) -> None:
    done = ensure_maven(programs)
    assert done.returncode == 2
    assert done.stderr == ("set-up: Maven must be installed first, by the package manager of this machine.\n")

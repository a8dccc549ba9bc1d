"""Programs the set-up needs from the machine: a JDK, Maven, the venv module, Chromium for the tests.
In: their names. Out: where they are; what is missing is installed where the package manager lets us.
Needs nothing but the standard library: the set-up runs it before there is a virtual environment."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

JDK_MAJOR = 17
JDK_FOLDERS = (
    "/usr/lib/jvm/*",
    "/opt/homebrew/opt/openjdk*",
    "/usr/local/opt/openjdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROMIUMS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


class Missing(Exception):
    """Something is not on this machine and could not be installed; the text is one sentence with the command."""


@dataclass(frozen=True)
class Tool:
    """`what` completes "… is missing"; `apt` are package names in order of preference."""

    what: str
    find: Callable[[], Path | None]
    apt: tuple[str, ...]
    brew: str


def find_jdk(environ: Mapping[str, str] = os.environ, folders: Sequence[str] = JDK_FOLDERS) -> Path | None:
    """The home of a Java development kit 17 or newer: JAVA_HOME, the one of the javac on PATH, or a usual place."""
    homes = [Path(environ["JAVA_HOME"])] if environ.get("JAVA_HOME") else []
    if javac := shutil.which("javac", path=environ.get("PATH")):
        homes.append(Path(javac).resolve().parent.parent)
    for pattern in folders:
        homes.extend(sorted(Path("/").glob(pattern.lstrip("/")), reverse=True))
    return next((home for home in homes if _jdk_major(home) >= JDK_MAJOR), None)


def find_maven() -> Path | None:
    found = shutil.which("mvn")
    return Path(found) if found else None


def find_chromium() -> Path | None:
    """$CHROMIUM, or a Chromium or Chrome on PATH or in /Applications."""
    if chosen := os.environ.get("CHROMIUM"):
        return Path(chosen)
    on_path = (shutil.which(name) for name in CHROMIUMS)
    known = [Path(found) for found in on_path if found] + [Path(place) for place in MAC_CHROMIUMS]
    return next((place for place in known if place.is_file()), None)


def find_venv_module() -> Path | None:
    """Debian keeps what `python -m venv` needs in a package of its own."""
    found = importlib.util.find_spec("ensurepip")
    return Path(str(found.origin)) if found else None


TOOLS = {
    "jdk": Tool(
        "a Java development kit (17 or newer)", find_jdk, ("openjdk-17-jdk-headless", "default-jdk-headless"), "openjdk"
    ),
    "maven": Tool("Maven", find_maven, ("maven",), "maven"),
    "chromium": Tool("Chromium", find_chromium, ("chromium", "chromium-browser"), "--cask chromium"),
    "venv": Tool(
        "Python's venv module",
        find_venv_module,
        (f"python3.{sys.version_info.minor}-venv", "python3-venv"),
        "python@3.12",
    ),
}


def ensure_tools(names: Sequence[str]) -> None:
    """Installs what is missing of the named tools (keys of TOOLS). Raises Missing."""
    missing = [TOOLS[name] for name in names if TOOLS[name].find() is None]
    if not missing:
        return
    what = " and ".join(tool.what for tool in missing)
    if _may_install():
        print(f"installing {what}", file=sys.stderr)
        _install(missing)
        missing = [tool for tool in missing if tool.find() is None]
    if missing:
        raise Missing(_sentence(missing))


def _jdk_major(home: Path) -> int:
    """0 when `home` holds no compiler, or no `release` file that tells its version (JEP 223)."""
    if not all(os.access(home / "bin" / program, os.X_OK) for program in ("java", "javac")):
        return 0
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return 0
    version = re.search(r'^JAVA_VERSION="(\d+)(?:\.(\d+))?', release, re.MULTILINE)
    if version is None:
        return 0
    return int(version[2] or 0) if version[1] == "1" else int(version[1])


def _may_install() -> bool:
    """apt-get wants root, or sudo that asks for no password; brew wants neither."""
    if not shutil.which("apt-get"):
        return shutil.which("brew") is not None
    if os.geteuid() == 0:
        return True
    sudo = shutil.which("sudo")
    return sudo is not None and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0


def _install(tools: Sequence[Tool]) -> None:
    """Tries; whether it succeeded is seen by looking for the tools again."""
    if not shutil.which("apt-get"):
        for tool in tools:
            _run("brew", "install", *tool.brew.split())
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = (*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=600")
    _run(*apt, "update")  # a fresh machine has no lists, and the choice of package depends on them
    _run(*apt, "install", "-y", "--no-install-recommends", *map(_apt_package, tools))


def _run(*command: str) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def _apt_package(tool: Tool) -> str:
    def is_known(package: str) -> bool:
        return bool(subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).stdout)

    return next((package for package in tool.apt if is_known(package)), tool.apt[0])


def _sentence(tools: Sequence[Tool]) -> str:
    what = " and ".join(tool.what for tool in tools)
    if shutil.which("apt-get"):
        command = "sudo apt-get install -y " + " ".join(map(_apt_package, tools))
    elif shutil.which("brew"):
        command = " && ".join(f"brew install {tool.brew}" for tool in tools)
    else:
        return f"{what} must be installed first, by the package manager of this machine."
    return f"{what} must be installed first: {command}"


def main() -> int:
    """`toolchain.py NAME…`: ensures the named tools; status 2 and one sentence when one is missing."""
    try:
        ensure_tools(sys.argv[1:])
    except Missing as missing:
        print(f"set-up: {missing}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

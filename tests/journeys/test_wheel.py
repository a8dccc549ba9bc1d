"""The wheel carries all the product needs: installed outside the checkout, the service starts and shows its pages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from connector_sandbox.processes import Supervisor, claim_port

from connector.store.database import stop_embedded
from tests.fixtures.folders import short_folder
from tests.house.tree import ROOT, tracked_files

# Where each importable package of the wheel lies in the checkout.
PACKAGES = {
    "connector": Path("connector"),
    "connector_mappings": Path("mappings"),
    "connector_templates": Path("templates"),
    "connector_sandbox": Path("smart-launch/sandbox"),
}
BESIDE = {Path(name) for name in ("pyproject.toml", "README.md", "LICENSE")}
# Whatever stands on PYTHONPATH must not lend its code to what is installed; only the network stays shut.
ALONE = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "fixtures" / "network_guard")}
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what a clone holds, with the leavings of an interpreter beside it."""
    source, target = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheel")
    for path in tracked_files():
        if path in BESIDE or any(path.is_relative_to(folder) for folder in PACKAGES.values()):
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, source / path)
    for folder in ("connector/store/__pycache__", "templates/__pycache__"):
        (source / folder).mkdir()
        (source / folder / "leavings.cpython-311.pyc").write_bytes(b"stale")
    run = subprocess.run([sys.executable, "-c", BUILD, str(target)], cwd=source, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    (built,) = target.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_product_and_nothing_else(wheel: Path) -> None:
    expected = {
        str(Path(package) / path.relative_to(folder))
        for package, folder in PACKAGES.items()
        for path in tracked_files()
        if path.is_relative_to(folder)
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it; `python` runs from anywhere."""

    python: Path
    site: Path

    def ask(self, program: str, folder: Path) -> object:
        """What a program prints as JSON, run in `folder`."""
        command = [str(self.python), "-c", program]
        told = subprocess.run(command, cwd=folder, env=ALONE, capture_output=True, text=True, check=True)
        return json.loads(told.stdout)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel unpacked into an environment of its own, which borrows the libraries of this one and not its code."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    scheme = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=scheme))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Only a path: the .pth files in there, which would bring the checkout back, are not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Installed(folder / "bin" / "python", site)


def test_what_is_installed_is_what_is_imported(installed: Installed, tmp_path: Path) -> None:
    program = f"import json; print(json.dumps([__import__(name).__file__ for name in {list(PACKAGES)}]))"
    files = installed.ask(program, tmp_path)
    assert isinstance(files, list)
    assert [Path(file).is_relative_to(installed.site) for file in files] == [True] * len(PACKAGES)


def test_the_command_line_is_there(installed: Installed, tmp_path: Path) -> None:
    program = (
        "import json; from importlib.metadata import entry_points as e, version as v;"
        "(one,) = e(group='console_scripts', name='connector');"
        "print(json.dumps([one.value, callable(one.load()), v('smart-scribe-connector')]))"
    )
    found = installed.ask(program, tmp_path)
    assert found == ["connector.__main__:main", True, "0.1.0"]


@pytest.fixture
def service(installed: Installed) -> Iterator[str]:
    """`connector serve`, started in a folder that holds nothing; its address."""
    with short_folder() as folder, Supervisor(folder) as supervisor:
        port = claim_port()
        (folder / "registrations").mkdir()
        environment = {
            "PYTHONPATH": ALONE["PYTHONPATH"],
            "CONNECTOR_STATE_FOLDER": str(folder),
            "CONNECTOR_REGISTRATIONS_FOLDER": str(folder / "registrations"),
            "CONNECTOR_PORT": str(port),
            "CONNECTOR_PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        }
        address = f"http://127.0.0.1:{port}"
        try:
            child = supervisor.start(
                "serve", [str(installed.python), "-m", "connector", "serve"], env=environment, cwd=folder
            )
            child.await_http(f"{address}/health/ready", seconds=60)
            yield address
            os.kill(child.pid, signal.SIGTERM)
            assert child.wait() == 0, child.output()
        finally:
            stop_embedded(folder)


def test_installed_outside_the_checkout_the_service_starts_shows_its_pages_and_stops(service: str) -> None:
    with httpx.Client(base_url=service, trust_env=False) as client:
        assert client.get("/health/ready").json() == {"status": "ready"}
        page = client.get("/launch", headers={"Accept": "text/html"})
        assert page.status_code == 400 and "<h1>" in page.text
        linked = [part.split('"')[0] for part in page.text.split('href="')[1:] if part.startswith("/static/")]
        assert linked
        assert [client.get(path).status_code for path in linked] == [200] * len(linked)

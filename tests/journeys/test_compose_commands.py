"""What docker-compose.yml starts, started here without containers: its commands, environments, files and probes.

Only addresses, ports and folders differ: names of containers become loopback, volumes become folders of the test.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from connector_sandbox.clinician import launch_visit, open_browser
from connector_sandbox.processes import Child, Supervisor, claim_port
from sqlalchemy.engine import make_url

from connector.settings import Settings
from connector.store.database import DatabaseAddress
from tests.builders import recording_bytes
from tests.fixtures.peers import ONE_OF_EACH, Chart
from tests.unit.compose.model import COMPOSE_FOLDER, ROOT, mounts_of, probe_of, read_model

READY_SECONDS = 60.0
STATES = ("/var/lib/smart-scribe", "/tmp/speech")
LASTING = ("sandbox-assemblyai", "sandbox-ehr", "connector-web", "connector-worker")
"""In an order their dependencies allow."""


@dataclass(frozen=True)
class Translation:
    """From the containers' world to this machine: pieces of text, the longest first, and whole port numbers."""

    pairs: dict[str, str]
    ports: dict[str, str]

    def of(self, text: str) -> str:
        there = "|".join(re.escape(one) for one in sorted(self.pairs, key=len, reverse=True))
        ports = "|".join(self.ports)
        found = self.pairs | self.ports
        return re.sub(rf"{there}|\b(?:{ports})\b", lambda match: found[match[0]], text)


class Outside:
    """The services of the file as processes of this machine."""

    def __init__(self, supervisor: Supervisor, translation: Translation, database: DatabaseAddress) -> None:
        self.services: dict[str, dict[str, Any]] = read_model()["services"]
        self._supervisor = supervisor
        self.translation = translation
        self._database = database

    def environment(self, name: str) -> dict[str, str]:
        """The service's environment; the database's address keeps the options the file gives it."""
        found = {key: self.translation.of(value) for key, value in self.services[name].get("environment", {}).items()}
        if "CONNECTOR_DATABASE_URL" in found:
            wanted, ours = make_url(found["CONNECTOR_DATABASE_URL"]), self._database.url
            url = ours.set(drivername=wanted.drivername, query={**wanted.query, **ours.query})
            assert "passfile" in url.query
            found["CONNECTOR_DATABASE_URL"] = url.render_as_string(hide_password=False)
        return found

    def _command(self, words: list[str]) -> list[str]:
        program, *arguments = [self.translation.of(word) for word in words]
        # The image's own programs: its interpreter, and the entry point of the wheel.
        here = {"python": [sys.executable], "connector": [sys.executable, "-m", "connector"]}[program]
        return [*here, *arguments]

    def start(self, name: str) -> Child:
        """Starts a service's command with its environment."""
        return self._supervisor.start(
            name, self._command(self.services[name]["command"]), env=self.environment(name), cwd=ROOT
        )

    def run(self, name: str) -> None:
        """Runs a one-shot service to its end."""
        child = self.start(name)
        assert child.wait() == 0, child.output()

    def stop_all(self) -> None:
        """Stops what was started, last first."""
        for child in reversed(self._supervisor.children):
            child.stop()

    def probe(self, name: str) -> subprocess.CompletedProcess[str]:
        """Runs the service's health probe once, as an engine would inside its container."""
        words = probe_of(self.services[name])
        assert words is not None
        return subprocess.run(
            self._command(words),
            env={**os.environ, **self.environment(name)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30.0,
            check=False,
        )

    def await_green(self, name: str, child: Child) -> None:
        """Probes until the probe is green; fails once the process has ended."""
        until = time.monotonic() + READY_SECONDS
        while (done := self.probe(name)).returncode:
            assert child.is_running(), child.output()
            assert time.monotonic() < until, done.stderr
            time.sleep(0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compose")


@pytest.fixture(scope="module")
def database(postgres: DatabaseAddress) -> DatabaseAddress:
    """A database without a table, for `migrate` to fill."""
    with psycopg.connect(postgres.libpq, autocommit=True) as connection:
        connection.execute("CREATE DATABASE compose TEMPLATE template1")
    return DatabaseAddress(postgres.url.set(database="compose"))


@pytest.fixture(scope="module")
def outside(place: Path, hapi_base: str, database: DatabaseAddress) -> Iterator[Outside]:
    """The services, their files in place, none of them started."""
    ports = {port: str(claim_port()) for port in ("8000", "8081", "8083")}
    pairs = {there: str(place / there.strip("/").replace("/", "-")) for there in STATES} | {
        "/etc/smart-scribe/registrations": str(place / "compose" / "registrations"),
        "/compose/": f"{place / 'compose'}/",
        "/patients": str(ROOT / "smart-launch" / "patients"),
        "http://hapi:8080/fhir": hapi_base,
        "ehr.localhost": "localhost",
        "sandbox-assemblyai": "127.0.0.1",
        "0.0.0.0": "127.0.0.1",
    }
    translation = Translation(pairs, ports)
    _copy_files(place / "compose", translation)
    with Supervisor(place) as supervisor:
        services = Outside(supervisor, translation, database)
        volumes = {
            target for one in services.services.values() for target in mounts_of(one) if target.startswith(STATES)
        }
        for target in volumes:
            Path(translation.of(target)).mkdir(parents=True, mode=0o700, exist_ok=True)
        yield services


def _copy_files(folder: Path, translation: Translation) -> None:
    """smart-launch/compose, with addresses and folders of this machine in its data files."""
    for file in COMPOSE_FOLDER.rglob("*"):
        copy = folder / file.relative_to(COMPOSE_FOLDER)
        if file.suffix in (".yaml", ".json"):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(translation.of(file.read_text(encoding="utf-8")), encoding="utf-8")
        elif file.suffix == ".py":
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


@pytest.fixture(scope="module")
def running(outside: Outside) -> Outside:
    """Everything, started in the order the file's dependencies allow."""
    outside.run("prepare")
    outside.run("patients")
    outside.run("migrate")
    for name in LASTING:
        outside.await_green(name, outside.start(name))
    return outside


def test_every_service_of_ours_is_started_and_probed(running: Outside) -> None:
    lasting = {name for name, one in running.services.items() if probe_of(one) and "command" in one}
    assert lasting == set(LASTING)
    for name in lasting:
        assert running.probe(name).returncode == 0


def test_a_visit_is_filed_by_what_the_file_starts(running: Outside, hapi_base: str) -> None:
    chart = Chart(hapi_base)
    patient = chart.admit()
    ehr = running.translation.of("http://ehr.localhost:8081")
    with open_browser() as browser:
        visit = launch_visit(ehr, patient, client=browser)
        visit.await_state("PRIMED")
        visit.consent()
        visit.upload(recording_bytes("billie"))
        visit.await_state("DRAFTED")
        visit.sign()
        visit.await_state("FILED")
        assert visit.await_deletion()["read_back"] == "identical"
    assert chart.counts(patient) == ONE_OF_EACH


def test_starting_again_draws_no_new_passwords_and_loads_nothing_twice(running: Outside, place: Path) -> None:
    folder = Path(running.translation.of("/var/lib/smart-scribe/sandbox"))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    running.run("prepare")
    running.run("migrate")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_probe_turns_red_when_its_service_is_gone(running: Outside) -> None:
    """The last test of this module: nothing is started again."""
    running.stop_all()
    time.sleep(float(Settings.model_fields["executor_lease"].default))
    for name in LASTING:
        assert running.probe(name).returncode != 0, name

"""The HAPI FHIR server of the demo and the tests: built, started, filled with the bundled patients.
In: smart-launch/hapi and smart-launch/patients of a checkout. Out: the base address of a running FHIR R4 server.
Never prints what a patient's bundle holds."""

import argparse
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from connector_sandbox import hapi_build
from connector_sandbox.hapi_build import READY_LINE, START_SECONDS, Unbuildable
from connector_sandbox.processes import LOOPBACK, Child, StartFailed, Supervisor

PATIENTS = Path(__file__).resolve().parent.parent / "patients"
EVERY_ADDRESS = ("0.0.0.0", "::")
LOAD_SECONDS = 60.0
UNCHANGED = "SUCCESSFUL_UPDATE_NO_CHANGE"


class LoadFailed(Exception):
    """The server did not take a bundle of patients."""


@dataclass(frozen=True)
class Loaded:
    """What a load did: resources made or changed, and resources that were there already, just so."""

    written: int
    unchanged: int


def build() -> None:
    """Builds the server where that has not been done; progress goes to stderr. Raises Unbuildable."""
    hapi_build.build(exercise=load_patients, say=_say)


def launch(supervisor: Supervisor, *, port: int = 0, host: str = LOOPBACK, jdbc: str | None = None) -> Child:
    """Starts the built server and does not wait for it. `port` 0 is any free one; `jdbc` is an H2 address
    (`jdbc:h2:file:/…` outlives the server; the default lies in memory). Raises Unbuildable, StartFailed."""
    return supervisor.start("hapi", hapi_build.java_command(*_arguments(port, host, jdbc)))


def await_base_url(child: Child, *, host: str = LOOPBACK, seconds: float = START_SECONDS) -> str:
    """The FHIR base address, without a slash at its end, once the server has answered a search. Raises StartFailed."""
    port = int(child.await_line(READY_LINE, seconds=seconds)[1])
    return _base_url(host, port)


def start(supervisor: Supervisor, *, port: int = 0, host: str = LOOPBACK, jdbc: str | None = None) -> str:
    """Launches the built server, waits until it answers and returns its FHIR base address."""
    return await_base_url(launch(supervisor, port=port, host=host, jdbc=jdbc), host=host)


def load_patients(base_url: str, folder: Path = PATIENTS) -> Loaded:
    """Posts every transaction Bundle of the folder. Each entry is a PUT under its own id, so that a second load
    changes nothing. Raises LoadFailed, which names the file and the status alone."""
    bundles = sorted(folder.glob("*.json"))
    if not bundles:
        raise LoadFailed(f"there are no bundles in {folder}")
    written = unchanged = 0
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
    with httpx.Client(trust_env=False, timeout=LOAD_SECONDS, headers=headers) as client:
        for bundle in bundles:
            try:
                answer = client.post(base_url, content=bundle.read_bytes())
            except httpx.TransportError as error:
                raise LoadFailed(f"{bundle.name} could not be posted: {type(error).__name__}") from error
            if answer.status_code != httpx.codes.OK:
                raise LoadFailed(f"{bundle.name} was answered {answer.status_code}")
            outcomes = [_outcome_code(entry) for entry in answer.json()["entry"]]
            unchanged += outcomes.count(UNCHANGED)
            written += len(outcomes) - outcomes.count(UNCHANGED)
    return Loaded(written, unchanged)


def _outcome_code(entry: dict[str, Any]) -> str:
    """HAPI's own word for what became of one entry; empty from a server that says nothing."""
    try:
        return str(entry["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"])
    except (KeyError, IndexError):
        return ""


def _base_url(host: str, port: int) -> str:
    reachable = LOOPBACK if host in EVERY_ADDRESS else host
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}/fhir"


def _arguments(port: int, host: str, jdbc: str | None) -> list[str]:
    return ["--port", str(port), "--host", host, *(["--jdbc", jdbc] if jdbc else [])]


def _say(line: str) -> None:
    print(f"hapi: {line}", file=sys.stderr, flush=True)


def _run(port: int, host: str, jdbc: str | None, *, load: bool) -> int:
    """In the foreground until the server ends, or until SIGINT or SIGTERM. Returns the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory() as folder, Supervisor(Path(folder)) as supervisor:
            child = launch(supervisor, port=port, host=host, jdbc=jdbc)
            base_url = await_base_url(child, host=host)
            if load:
                loaded = load_patients(base_url)
                _say(f"patients: {loaded.written} resources written, {loaded.unchanged} unchanged")
            _say(f"{base_url}, log in {child.log}")
            print(f"ready on {httpx.URL(base_url).port}", flush=True)
            return child.wait()
    except KeyboardInterrupt:
        return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m connector_sandbox.hapi", description=__doc__.splitlines()[0])
    parser.add_argument("--build", action="store_true", help="build the server and leave it at that")
    parser.add_argument("--port", type=int, default=0, help="0, the default, is any free port")
    parser.add_argument("--host", default=LOOPBACK, help=f"address to listen on (default {LOOPBACK})")
    parser.add_argument("--jdbc", help="H2 address, such as jdbc:h2:file:/folder/hapi (default: in memory)")
    parser.add_argument("--load", action="store_true", help="post the bundled patients before `ready on PORT`")
    chosen = parser.parse_args()
    try:
        build()
        if chosen.build:
            return 0
        return _run(chosen.port, chosen.host, chosen.jdbc, load=chosen.load)
    except (Unbuildable, StartFailed, LoadFailed) as error:
        _say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())

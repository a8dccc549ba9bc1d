"""Fills a FHIR server with the bundled patients once it answers. In: its base address, a folder. Out: exit status.

Loading twice changes nothing. Never prints what a patient's bundle holds.
"""

import sys
import time
from pathlib import Path

import httpx
from connector_sandbox.hapi import LoadFailed, load_patients

PATIENCE_SECONDS = 300.0


def await_server(base: str, *, seconds: float = PATIENCE_SECONDS) -> bool:
    """True at the first search that is answered, False after `seconds`."""
    until = time.monotonic() + seconds
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        while time.monotonic() < until:
            try:
                if client.get(f"{base}/Patient", params={"_count": 1}).status_code == httpx.codes.OK:
                    return True
            except httpx.TransportError:
                pass
            time.sleep(1.0)
    return False


def main(base: str, folder: str) -> int:
    """0 when every bundle is there."""
    if not await_server(base):
        print(f"patients: {base} does not answer", file=sys.stderr)
        return 1
    try:
        loaded = load_patients(base, Path(folder))
    except LoadFailed as error:
        print(f"patients: {error}", file=sys.stderr)
        return 1
    print(f"patients: {loaded.written} resources written, {loaded.unchanged} unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A recording on its way from an address when the worker is killed: begun again, and whole in the end."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.builders import recording_bytes
from tests.fixtures.peers import Chart, SandboxVendor
from tests.fixtures.sound_host import HOST, head, sound_host, wait_until, whole
from tests.fixtures.stack import OpenStack
from tests.fixtures.visits import PAGE, Clinic

TOKEN = "Qzsigned"


def test_a_fetch_survives_kill_9_and_leaves_no_half_a_recording(
    open_stack: OpenStack, hapi_base: str, tmp_path: Path
) -> None:
    sound = recording_bytes("billie") + bytes(3 * 2**20)
    with sound_host(tmp_path, lambda _: (head(200, f"Content-Length: {len(sound)}"), sound[: 2**21 + 9], 60.0)) as host:
        environment = {"CONNECTOR_SANDBOX_AUDIO_CA_FILE": str(host.authority)}
        with open_stack(environment=environment, audio_hosts=(f"{HOST}:{host.port}",)) as stack:
            clinic, vendor = Clinic(stack), SandboxVendor(stack)
            visit = clinic.open(Chart(hapi_base).admit())
            visit.consent()
            address = f"https://{HOST}:{host.port}/visit?sig={TOKEN}"
            assert visit.post("/recordings/from-address", form={"address": address}).status_code == 200
            wait_until(lambda: (visit.status()["fetch"] or {}).get("text", "").startswith("2.1 MB of "), seconds=60)
            stack.children["worker"].kill()
            assert visit.status()["state"] == "CAPTURING"
            page = visit.client.get(visit.base, headers=PAGE).text
            assert "2.1 MB of " in page and TOKEN not in page

            host.script = whole(sound)
            stack.start_worker()
            wait_until(lambda: bool(vendor.uploads()), seconds=90)
            assert [one["sha256"] for one in vendor.uploads()] == [hashlib.sha256(sound).hexdigest()]
            status = visit.status()
            assert status["state"] != "CAPTURING" and status["fetch"] is None
            logs = "".join(stack.children[name].output() for name in ("web", "worker"))
            assert "step.done" in logs and TOKEN not in logs and HOST not in logs
            clinic.close()

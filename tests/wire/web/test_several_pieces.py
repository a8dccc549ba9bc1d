"""Several pieces and their marks: the example of the handbook for integrators is sent as it stands there."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from connector.records import Recording
from tests.builders import recording_bytes
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, Seat, Site

_HANDBOOK = Path(__file__).parents[3] / "docs" / "integrator.md"
_LINE = re.compile(r"    (POST|PUT) (/(?:v|recordings)/\S+)(?: (\{.*\}))? → (\d{3})(?: ([A-Z]+))?")


def read_example() -> list[tuple[str, str, dict[str, object] | None, int, str | None]]:
    text = _HANDBOOK.read_text(encoding="utf-8")
    example = text[text.index("A visit's sound may come in several pieces") : text.index("- Marks are numbered")]
    lines = [_LINE.fullmatch(line) for line in example.splitlines() if line.startswith("    ")]
    return [(one[1], one[2], json.loads(one[3]) if one[3] else None, int(one[4]), one[5]) for one in lines if one]


class Recorder:
    """Sends the lines of the example; the pieces it opens are A, then B."""

    def __init__(self, site: Site, seat: Seat) -> None:
        self.site, self.seat = site, seat
        self.ids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        whole = recording_bytes("billie")
        third = len(whole) // 3 + 1
        self.chunks = {"A": [whole[place : place + third] for place in range(0, len(whole), third)], "B": [whole]}

    async def send(self, method: str, path: str, body: dict[str, object] | None) -> tuple[int, dict[str, object]]:
        if path.startswith("/v/"):
            headers = {**JSON, **self.seat.changing}
            answer = await self.site.client.post(f"{self.seat.path}/recordings", json=body, headers=headers)
            name = "AB"[len(self.ids)]
            self.ids[name], self.tokens[name] = answer.json()["recording_id"], answer.json()["upload_token"]
            return answer.status_code, answer.json()
        name, rest = path.removeprefix("/recordings/").split("/", 1)
        headers = {**JSON, "Authorization": f"Upload {self.tokens[name]}"}
        address = f"/recordings/{self.ids[name]}/{rest}"
        if rest.startswith("chunks/"):
            data = self.chunks[name][int(rest.removeprefix("chunks/"))]
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
            answer = await self.site.client.put(address, content=data, headers=headers)
        else:
            answer = await self.site.client.request(method, address, json=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else {}


async def test_the_example_of_the_handbook_gives_the_recording_it_tells_of(site: Site) -> None:
    seat = await site.seat(samples.consent())
    recorder, lines = Recorder(site, seat), read_example()
    assert len(lines) == 12
    for method, path, body, status, state in lines:
        answered, told = await recorder.send(method, path, body)
        assert (answered, told.get("state")) == (status, state), (path, told)
    made = await site.parts.visits.need(seat.visit_id, Recording)
    assert [one.recording_id for one in made.segments] == [recorder.ids["A"], recorder.ids["B"]]
    second = made.segments[1].offset_ms
    assert [(one.kind, one.at_ms, one.missing_ms) for one in made.marks] == [
        ("paused", 2000, 42_000),
        ("off-record", 5000, 90_000),
        ("gap", second, 8000),
        ("gap", second + 3000, 700),
    ]
    late = await recorder.send("PUT", "/recordings/A/marks/2", {"kind": "gap", "at_ms": 1, "missing_ms": 1})
    assert late[0] == 409

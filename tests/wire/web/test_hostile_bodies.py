"""Bodies made to break whoever reads them, sent to every route that takes one (B13), and names of files (B11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.clients.http import read_json
from connector.uploading import show_name
from tests.house.test_routes import ROUTES
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, Seat, Site

FORM = "application/x-www-form-urlencoded"
PARTS = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(15_000)) + b"--x--\r\n"
UNREADABLE: dict[str, bytes] = {
    "depth": b"[" * 100_000,
    "depth in objects": b'{"a":' * 100_000,
    "closed depth": b"[" * 100_000 + b"]" * 100_000,
    "a number of 5,000 digits": b'{"revision": ' + b"9" * 5000 + b"}",
    "a name twice": b'{"revision": 1, "revision": 2, "chunks": 1, "chunks": 2, "kind": "gap", "kind": "paused"}',
    "a name twice within": b'{"sections": {"plan": [{"id": null, "id": "s1", "text": "x"}]}}',
    "no number": b'{"revision": NaN}',
    "endless": b'{"revision": -Infinity}',
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "nothing but a mark": b"\xef\xbb\xbf",
}
OTHERS: dict[str, tuple[str, bytes]] = {
    "100,000 fields": (FORM, b"a=1&" * 100_000),
    "100,000 times the same": (FORM, b"answer=given&" * 80_000),
    "fields that are no text": (FORM, b"answer=%ff%00&method=%zz&text=%00"),
    "many parts": ("multipart/form-data; boundary=x", PARTS),
    "parts without an end": ("multipart/form-data; boundary=x", PARTS[:-7]),
    "parts without a boundary": ("multipart/form-data", PARTS),
    "parts under another name": ("multipart/mixed; boundary=x", PARTS),
    "packed": (FORM, b"\x1f\x8b\x08" + bytes(1000)),
}


# Renews the EHR's access first, and a visit of these tests has none that could be.
NEEDS_AN_EHR = {"/v/{launch_id}/unlock"}


@dataclass(frozen=True)
class Target:
    """One route, and whether it reads JSON."""

    method: str
    template: str


def targets() -> Iterator[Target]:
    for route in ROUTES:
        if route.path not in NEEDS_AN_EHR:
            changing = sorted(route.methods & {"POST", "PUT", "PATCH", "DELETE"})
            yield from (Target(method, route.path) for method in changing)


async def prepare(site: Site) -> tuple[Seat, dict[str, str]]:
    """A visit with everything there is to change, and what stands for the names in paths."""
    seat = await site.seat(
        samples.consent(), samples.transcript(), samples.draft(), samples.shown().findings, state="DRAFTED"
    )
    recording = site.parts.new_id()
    await site.parts.chunks.open_recording(recording, seat.visit_id, token="t", at=site.parts.clock())
    return seat, {"launch_id": seat.launch_id, "recording_id": recording, "seq": "0", "number": "0", "tenant": "clinic"}


Place = tuple[Seat, dict[str, str]]


async def send(site: Site, target: Target, kind: str, body: bytes, *, place: Place | None = None) -> httpx.Response:
    seat, names = place or await prepare(site)
    path = target.template
    for name in [one.partition("}")[0] for one in path.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", names.get(name, "unknown"))
    headers = {**JSON, **seat.changing, "Content-Type": kind}
    if not path.startswith("/v/"):
        headers["Authorization"] = "Upload t"
    return await site.client.request(target.method, path, content=body, headers=headers)


async def readers_of_json(site: Site) -> list[Target]:
    """Routes that look into a JSON body: they say so of a name nobody asked for."""
    found = []
    for target in targets():
        answer = await send(site, target, "application/json", b'{"qzunknown": 1}')
        if answer.status_code == 422 and "may hold only" in answer.text:
            found.append(target)
    return found


async def test_b13_json_made_to_break_its_reader_is_refused_by_every_route_that_reads_it(site: Site) -> None:
    reading = await readers_of_json(site)
    known = {one.template.replace("/v/{launch_id}", "") for one in reading}
    assert {"/note", "/sign", "/recordings", "/recordings/{recording_id}/close"} <= known
    for target in reading:
        place = await prepare(site)
        for name, body in UNREADABLE.items():
            answer = await send(site, target, "application/json", body, place=place)
            assert 400 <= answer.status_code < 500, (target, name, answer.text)
            assert "readable JSON" in answer.text, (target, name, answer.text)


async def test_b13_no_body_of_any_kind_is_an_error_of_ours_on_any_route(site: Site) -> None:
    bodies = {name: ("application/json", body) for name, body in UNREADABLE.items()} | OTHERS
    tried = 0
    for target in targets():
        place = await prepare(site)
        for name, (kind, body) in bodies.items():
            answer = await send(site, target, kind, body, place=place)
            assert answer.status_code < 500, (target, name, answer.text)
            tried += 1
    assert tried > 300


@pytest.mark.parametrize("name", [one for one in OTHERS if "part" in one])
async def test_b13_a_body_in_parts_is_refused_unread(site: Site, name: str) -> None:
    kind, body = OTHERS[name]
    for path in ("/consent", "/text", "/recordings/from-address"):
        answer = await send(site, Target("POST", "/v/{launch_id}" + path), kind, body)
        assert answer.status_code == 422 and "without parts" in answer.text


@pytest.mark.parametrize("body", [UNREADABLE[one] for one in ("depth", "depth in objects", "a number of 5,000 digits")])
def test_b13_an_answer_made_to_break_its_reader_is_only_unreadable(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(httpx.Response(200, content=body))


NAMES = (
    "../../../etc/passwd",
    "..\\..\\boot.ini",
    "visit\0.mp3",
    "\u202e3pm.exe",
    "CON",
    "NUL.mp3",
    "a/b",
    "a" * 5000,
    "-rf",
    "visit.mp3; rm -rf ~",
    "<img src=x onerror=alert(1)>",
    "\r\nSet-Cookie: a=b",
    "\u2066\u2069",
)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES)
async def test_b11_no_name_of_a_file_becomes_a_path(site: Site, product_folder: Path, name: str) -> None:
    """A name nobody asks for is not heard, and one that stands for a recording opens nothing."""
    _, names = await prepare(site)
    before = files_below(product_folder)
    quoted = name.replace("\r", "").replace("\n", "").replace("\0", "").encode()
    headers = {
        **JSON,
        "Authorization": "Upload t",
        "Content-Digest": "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
    }
    named = {
        **{key: value.encode() for key, value in headers.items()},
        "Content-Disposition": b'filename="%s"' % quoted,
    }
    path = f"/recordings/{names['recording_id']}/chunks/0"
    answer = await site.client.put(path, content=b"hello", headers=named)
    assert answer.status_code == 204, answer.text
    fresh = files_below(product_folder) - before
    assert all(one.startswith("audio") for one in fresh), fresh
    assert len(fresh) <= 3 and any(one.endswith(".sealed") for one in fresh)
    for place in (name, name.encode("utf-8").hex()):
        url = f"/recordings/{quote(place[:1000], safe='')}/chunks/0"
        refused = await site.client.put(url, content=b"hello", headers=headers)
        assert 400 <= refused.status_code < 500, refused.text
    assert files_below(product_folder) - before == fresh


@given(st.text(max_size=40))
def test_b11_a_name_on_a_terminal_is_text_and_nothing_else(name: str) -> None:
    shown = show_name(f"{name}\u202e\x1b[2J\r")
    assert shown.isprintable() and "\u202e" not in shown and shown.endswith("\\u202e\\u001b[2J\\u000d")


async def test_b11_a_number_that_is_none_is_no_path_either(site: Site, product_folder: Path) -> None:
    _, names = await prepare(site)
    before = files_below(product_folder)
    for seq in ("..", "%2e%2e%2f", "-1", "1e3", "0x1", "٣", "9" * 30, "0%00", "1.0"):
        url = f"/recordings/{names['recording_id']}/chunks/{seq}"
        answer = await site.client.put(url, content=b"hello", headers={**JSON, "Authorization": "Upload t"})
        assert 400 <= answer.status_code < 500, (seq, answer.text)
    assert files_below(product_folder) == before

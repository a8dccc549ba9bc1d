"""The recording for the player, by byte range (RFC 9110, section 14)."""

from __future__ import annotations

import re
import time
from importlib.metadata import version

import httpx
import pytest

from connector.records import Recording
from tests.house.tree import ROOT
from tests.unit.web import samples
from tests.wire.web.conftest import SOUND, Seat, Site


@pytest.fixture(scope="module")
async def seat(site: Site) -> Seat:
    return await site.recorded()


async def fetch(site: Site, seat: Seat, wanted: str | None) -> httpx.Response:
    headers = {**seat.cookie, **({"Range": wanted} if wanted else {})}
    return await site.client.get(f"{seat.path}/audio", headers=headers)


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-", 0, len(SOUND) - 1),
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=5990-6009", 5990, 6009),
        ("bytes=6000-", 6000, len(SOUND) - 1),
        ("bytes=-1", len(SOUND) - 1, len(SOUND) - 1),
        ("bytes=-500", len(SOUND) - 500, len(SOUND) - 1),
        (f"bytes=-{len(SOUND) * 2}", 0, len(SOUND) - 1),
        (f"bytes=10000-{len(SOUND) * 9}", 10000, len(SOUND) - 1),
    ],
)
async def test_a_range_is_answered_with_just_that_range(
    site: Site, seat: Seat, wanted: str, first: int, last: int
) -> None:
    answer = await fetch(site, seat, wanted)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(SOUND)}"
    assert answer.headers["content-type"] == "audio/ogg"
    assert answer.content == SOUND[first : last + 1]
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize("wanted", [f"bytes={len(SOUND)}-", f"bytes={len(SOUND) + 1}-{len(SOUND) + 9}", "bytes=-0"])
async def test_a_range_beyond_the_end_cannot_be_satisfied(site: Site, seat: Seat, wanted: str) -> None:
    answer = await fetch(site, seat, wanted)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"
    assert answer.content == b""


@pytest.mark.parametrize("wanted", [None, "bytes=9-3", "seconds=1-2", "bytes=a-b", "bytes=-", "bytes=0-9,20-29", "x"])
async def test_without_a_range_that_can_be_read_the_whole_is_sent(site: Site, seat: Seat, wanted: str | None) -> None:
    """A server may ignore a Range it does not take (RFC 9110, section 14.2): several at once are one of those."""
    answer = await fetch(site, seat, wanted)
    assert answer.status_code == 200
    assert "content-range" not in answer.headers
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.content == SOUND


@pytest.mark.parametrize("digits", [20, 5000])
async def test_a_range_of_absurd_numbers_is_no_error_of_ours(site: Site, seat: Seat, digits: int) -> None:
    answer = await fetch(site, seat, f"bytes={'9' * digits}-")
    assert answer.status_code in (200, 416)


async def test_a_visit_without_a_recording_has_nothing_to_play(site: Site) -> None:
    seat = await site.seat()
    assert (await fetch(site, seat, None)).status_code == 404


MANY = {
    "many": "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 9000, 2)),
    "overlapping": "bytes=" + ",".join("0-" for _ in range(20_000)),
    "growing": "bytes=" + ",".join(f"0-{at}" for at in range(1, 9000)),
    "blanks": "bytes=" + " , " * 20_000,
    "digits": "bytes=" + "1" * 60_000 + "-",
    "dashes": "bytes=" + "-" * 60_000,
}


@pytest.mark.parametrize("name", MANY)
async def test_b15_many_ranges_cost_no_more_than_one(site: Site, seat: Seat, name: str) -> None:
    """Several ranges at once are not taken; nothing is multiplied, and nobody computes for seconds (CVE-2025-62727)."""
    begun = time.process_time()
    answer = await fetch(site, seat, MANY[name])
    assert answer.status_code in (200, 416) and "multipart" not in answer.headers.get("content-type", "")
    assert len(answer.content) <= len(SOUND)
    static = await site.client.get("/static/css/base.css", headers={"Range": MANY[name]})
    assert static.status_code in (200, 206, 400, 416)
    assert len(static.content) <= 4 * len((await site.client.get("/static/css/base.css")).content)
    assert time.process_time() - begun < 2.0


async def test_b15_one_range_is_of_bounded_length(site: Site) -> None:
    """A long recording is never opened into memory whole, however much of it is asked for."""
    seat = await site.seat(samples.consent(), samples.transcript(), state="TRANSCRIBED")
    long = 6 * 1024 * 1024
    made = Recording(site.parts.new_id(), "ogg", long, "0" * 64, 6, 1000, samples.stamp())
    await site.parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t", at=site.parts.clock())
    row = await site.parts.chunks.find(made.recording_id)
    for seq in range(6):
        await site.parts.chunks.put(row, seq, bytes([seq]) * 2**20, at=site.parts.clock())
    async with site.parts.visits.engine.begin() as connection:
        await site.parts.visits.append_record(connection, seat.visit_id, made, at=site.parts.clock())
    for wanted in ("bytes=0-", "bytes=0-99999999", "bytes=-6291456"):
        answer = await fetch(site, seat, wanted)
        assert answer.status_code == 206 and len(answer.content) == 4 * 1024 * 1024


def test_b15_the_web_framework_is_newer_than_the_flaw() -> None:
    installed = tuple(int(one) for one in version("starlette").split(".")[:3])
    assert installed >= (0, 49, 1)
    floor = re.search(r'"starlette>=(\d+)\.(\d+)', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert floor and (int(floor[1]), int(floor[2])) >= (0, 50)

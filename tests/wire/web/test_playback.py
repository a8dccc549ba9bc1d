"""The recording for the player, by byte range (RFC 9110, section 14)."""

from __future__ import annotations

import httpx
import pytest

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

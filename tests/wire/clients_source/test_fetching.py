"""A recording fetched over a real TLS socket, from hosts that are honest and hosts that are not."""

from __future__ import annotations

import gzip
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.clients.fetching import Fetcher, FetchLimits, Ways
from connector.clients.web_address import WebAddress, is_public
from connector.errors import AddressRefused, ConnectorError, SourceRefused, SourceUnavailable
from tests.fixtures.sound_host import HOST, Script, SoundHost, head, sound_host, whole
from tests.unit.clients.test_web_address import DISGUISED, INWARD

SOUND = bytes(range(256)) * 4000
TOKEN = "Qzsigned"
QUICK = FetchLimits(largest=2_000_000, total_s=5.0, connect_s=1.0, silence_s=0.4, window_s=0.3, slowest=2000.0)


class Names:
    """A resolver that gives one list of numbers after another, and the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def is_here(number: str) -> bool:
    return number == "127.0.0.1"


def fetcher(host: SoundHost, names: Names | None = None, *, limits: FetchLimits = QUICK) -> Fetcher:
    return Fetcher(Ways(names or Names(["127.0.0.1"]), host.trust, is_here), limits=limits)


def address(host: SoundHost, *, name: str = HOST) -> WebAddress:
    return WebAddress(name, host.port, f"/visit.mp3?sig={TOKEN}")


async def take(fetching: Fetcher, where: WebAddress) -> bytes:
    async with fetching.open(where) as source:
        return b"".join([piece async for piece in source.pieces])


async def refuse(folder: Path, script: Script, kind: type[ConnectorError] = SourceRefused) -> str:
    """Fetches from a host of this script, which has to fail; the sentence it fails with."""
    with sound_host(folder, script) as host:
        with pytest.raises(kind) as failure:
            await take(fetcher(host), address(host))
        assert failure.type is kind
    text = f"{failure.value} {failure.value.__cause__} {failure.value.__suppress_context__}"
    assert TOKEN not in text and HOST not in text and "127.0.0.1" not in text
    assert failure.value.detail.endswith(".")
    return failure.value.detail


async def test_a_recording_arrives_byte_for_byte_and_its_length_is_known(tmp_path: Path) -> None:
    with sound_host(tmp_path, whole(SOUND)) as host:
        async with fetcher(host).open(address(host)) as source:
            assert source.size == len(SOUND)
            assert b"".join([piece async for piece in source.pieces]) == SOUND
        (asked,) = host.heard
    assert asked.startswith(f"GET /visit.mp3?sig={TOKEN} HTTP/1.1\r\nHost: {HOST}:{host.port}\r\n")
    told = {line.partition(":")[0].lower() for line in asked.splitlines()[1:] if line}
    assert told <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert "Accept-Encoding: identity\r\n" in asked


async def test_a_recording_in_chunks_arrives_as_well(tmp_path: Path) -> None:
    parts = [b"%x\r\n%b\r\n" % (1000, SOUND[at : at + 1000]) for at in range(0, 5000, 1000)]
    script = lambda _: (head(200, "Transfer-Encoding: chunked"), *parts, b"0\r\n\r\n")  # noqa: E731
    with sound_host(tmp_path, script) as host:
        async with fetcher(host).open(address(host)) as source:
            assert source.size is None
            assert b"".join([piece async for piece in source.pieces]) == SOUND[:5000]


@pytest.mark.parametrize("group", [*INWARD, *DISGUISED])
async def test_b01_a_host_that_stands_for_an_inward_number_is_refused_before_anybody_is_met(
    tmp_path: Path, group: str
) -> None:
    with sound_host(tmp_path, whole(SOUND)) as host:
        for number in (INWARD | DISGUISED)[group]:
            names = Names([number])
            with pytest.raises(AddressRefused) as refusal:
                await take(Fetcher(Ways(names, host.trust), limits=QUICK), address(host))
            assert "inside" in refusal.value.detail or "private" in refusal.value.detail
            assert len(names.asked) == 1
        assert host.met == 0


async def test_b01_the_host_of_these_tests_would_be_met(tmp_path: Path) -> None:
    """The same host, if its number were allowed: so that nobody met means refused."""
    with sound_host(tmp_path, whole(SOUND)) as host:
        assert await take(fetcher(host), address(host)) == SOUND
        assert host.met == 1


async def test_b02_one_inward_answer_among_public_ones_refuses_all(tmp_path: Path) -> None:
    with sound_host(tmp_path, whole(SOUND)) as host:
        for answers in (["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::1"]):
            with pytest.raises(AddressRefused):
                await take(fetcher(host, Names(answers)), address(host))
        with pytest.raises(AddressRefused):
            await take(Fetcher(Ways(Names(["8.8.8.8", "169.254.169.254"]), host.trust, is_public)), address(host))
        assert host.met == 0


async def test_b02_a_name_is_looked_up_once_and_its_number_is_met(tmp_path: Path) -> None:
    """A resolver that turns inward after the first look, as in rebinding, is not asked a second time."""
    with sound_host(tmp_path, whole(SOUND)) as host:
        names = Names(["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"])
        assert await take(fetcher(host, names), address(host)) == SOUND
        assert names.asked == [(HOST, host.port)]
        assert host.met == 1


async def test_b02_the_host_proves_the_name_of_the_address_not_the_number(tmp_path: Path) -> None:
    with sound_host(tmp_path, whole(SOUND), names=("other.example.org", "127.0.0.1")) as host:
        with pytest.raises(SourceRefused, match="prove") as failure:
            await take(fetcher(host), address(host))
        assert HOST not in failure.value.detail
        assert host.heard == [], "nothing was asked of a host that is not the one"
        assert await take(fetcher(host), address(host, name="other.example.org")) == SOUND


async def test_b02_an_authority_nobody_trusts_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with sound_host(tmp_path, whole(SOUND)) as host, sound_host(tmp_path / "other", whole(SOUND)) as stranger:
        with pytest.raises(SourceRefused, match="prove"):
            await take(Fetcher(Ways(Names(["127.0.0.1"]), stranger.trust, is_here), limits=QUICK), address(host))
        assert host.heard == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_b03_a_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    met: list[str] = []

    def script(target: str) -> tuple[bytes, ...]:
        met.append(target)
        return (head(status, "Location: http://169.254.169.254/latest", "Content-Length: 0"),)

    detail = await refuse(tmp_path, script)
    assert "leads on" in detail and "169.254" not in detail
    assert len(met) == 1


async def test_b05_no_variable_of_the_environment_puts_a_proxy_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy, sound_host(tmp_path, whole(SOUND)) as host:
        proxy.settimeout(0.1)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")
        assert await take(fetcher(host), address(host)) == SOUND
        with pytest.raises(TimeoutError):
            proxy.accept()


async def test_b07_a_body_that_never_ends_is_cut_at_the_largest_size(tmp_path: Path) -> None:
    def endless(target: str):
        yield head(200, "Transfer-Encoding: chunked")
        while True:
            yield b"10000\r\n" + b"\0" * 65536 + b"\r\n"

    assert "larger than 0.002 GB" in await refuse(tmp_path, endless)


@pytest.mark.parametrize("length", ["2000001", "5000000001", "9" * 20])
async def test_b07_a_length_beyond_the_largest_size_is_refused_before_a_byte_is_read(
    tmp_path: Path, length: str
) -> None:
    assert "larger" in await refuse(tmp_path, lambda _: (head(200, f"Content-Length: {length}"), 30.0))


async def test_b07_a_body_shorter_than_told_has_broken_off(tmp_path: Path) -> None:
    script = lambda _: (head(200, "Content-Length: 5000"), b"x" * 4000)  # noqa: E731
    assert "broke off" in await refuse(tmp_path, script, SourceUnavailable)


async def test_b07_a_body_longer_than_told_is_taken_as_told(tmp_path: Path) -> None:
    with sound_host(tmp_path, lambda _: (head(200, "Content-Length: 4000"), SOUND)) as host:
        assert await take(fetcher(host), address(host)) == SOUND[:4000]


@pytest.mark.parametrize(
    "lines", [("Content-Length: 5", "Content-Length: 9"), ("Content-Length: -1",), ("Content-Length: x",)]
)
async def test_b07_lengths_that_contradict_each_other_or_are_none_are_refused(
    tmp_path: Path, lines: tuple[str, ...]
) -> None:
    await refuse(tmp_path, lambda _: (head(200, *lines), b"x" * 9), SourceUnavailable)


async def test_b07_a_body_of_which_nobody_knows_where_it_ends_is_refused(tmp_path: Path) -> None:
    assert "how long" in await refuse(tmp_path, lambda _: (head(200), SOUND))


async def test_b07_a_drip_is_ended(tmp_path: Path) -> None:
    def drip(target: str):
        yield head(200, "Content-Length: 100000")
        while True:
            yield b"x" * 20
            yield 0.05

    assert "slowly" in await refuse(tmp_path, drip, SourceUnavailable)


async def test_b07_a_drip_of_headers_is_ended(tmp_path: Path) -> None:
    def drip(target: str):
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield b"X-A: 1\r\n"
            yield 0.2

    with sound_host(tmp_path, drip) as host, pytest.raises(SourceUnavailable, match="in time"):
        await take(fetcher(host, limits=FetchLimits(total_s=1.0)), address(host))


async def test_b07_a_body_that_takes_too_long_in_all_is_ended(tmp_path: Path) -> None:
    def steady(target: str):
        yield head(200, "Content-Length: 1900000")
        while True:
            yield b"x" * 4000
            yield 0.1

    limits = FetchLimits(largest=2_000_000, total_s=1.0, silence_s=0.5, window_s=0.3, slowest=1000.0)
    with sound_host(tmp_path, steady) as host, pytest.raises(SourceUnavailable, match="in time"):
        await take(fetcher(host, limits=limits), address(host))


@pytest.mark.parametrize("told", [True, False])
async def test_b07_silence_is_ended(tmp_path: Path, told: bool) -> None:
    script = lambda _: (head(200, "Content-Length: 9"), b"x", 30.0) if told else (30.0,)  # noqa: E731
    assert "in time" in await refuse(tmp_path, script, SourceUnavailable)


@pytest.mark.parametrize("kind", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_b07_a_packed_body_is_never_unpacked(tmp_path: Path, kind: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    script = lambda _: (head(200, f"Content-Encoding: {kind}", f"Content-Length: {len(bomb)}"), bomb)  # noqa: E731
    assert "packs" in await refuse(tmp_path, script)


async def test_b07_packed_bytes_nobody_spoke_of_stay_as_they_are(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    with sound_host(tmp_path, whole(bomb)) as host:
        assert await take(fetcher(host), address(host)) == bomb


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (204, SourceRefused, "does not give"),
        (206, SourceRefused, "does not give"),
        (400, SourceRefused, "does not give"),
        (401, SourceRefused, "expired"),
        (403, SourceRefused, "expired"),
        (404, SourceRefused, "no recording"),
        (410, SourceRefused, "no recording"),
        (429, SourceUnavailable, "busy"),
        (500, SourceUnavailable, "failing"),
        (503, SourceUnavailable, "failing"),
    ],
)
async def test_what_is_no_recording_is_told_with_what_mends_it(
    tmp_path: Path, status: int, kind: type[ConnectorError], word: str
) -> None:
    assert word in await refuse(tmp_path, lambda _: (head(status, "Content-Length: 0"),), kind)


async def test_a_page_is_no_recording(tmp_path: Path) -> None:
    assert "sign in" in await refuse(tmp_path, whole(b"<html>Sign in</html>", kind="Text/HTML; charset=utf-8"))


async def test_a_name_nobody_knows_and_a_host_that_is_away_are_told_apart(tmp_path: Path) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, f"unknown {host}")

    async def later(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, f"again {host}")

    with sound_host(tmp_path, whole(SOUND)) as host:
        where = address(host)
        for resolve, kind in ((unknown, SourceRefused), (Names([]), SourceRefused), (later, SourceUnavailable)):
            with pytest.raises(kind) as failure:
                await take(Fetcher(Ways(resolve, host.trust, is_here)), where)
            assert failure.type is kind and HOST not in str(failure.value)
        trust = host.trust
    with pytest.raises(SourceUnavailable, match="reached"):
        await take(Fetcher(Ways(Names(["127.0.0.1"]), trust, is_here), limits=QUICK), where)


async def test_where_a_number_does_not_answer_the_next_one_is_tried(tmp_path: Path) -> None:
    with sound_host(tmp_path, whole(SOUND)) as host:
        ways = Ways(Names(["127.0.0.2", "127.0.0.1"]), host.trust, lambda number: number.startswith("127."))
        assert await take(Fetcher(ways, limits=QUICK), address(host)) == SOUND


async def test_no_logger_is_told_the_address(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), sound_host(tmp_path, whole(SOUND)) as host:
        for name in ("httpx", "httpcore", "asyncio", "anyio"):
            logging.getLogger(name).disabled = False
        await take(fetcher(host), address(host))
    assert caplog.records, "nobody logs anything at all"
    assert TOKEN not in caplog.text and "visit.mp3" not in caplog.text

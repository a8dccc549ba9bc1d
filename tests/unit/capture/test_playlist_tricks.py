"""B8: a recording that is, or holds, directions to other files and addresses makes no reader go there."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from connector.capture import demuxer
from connector.capture.joining import join_sounds
from connector.capture.process import Source, run_confined
from connector.errors import AudioUnusable

ROOT = Path(__file__).parents[3]
# What each demuxer would need to be told to follow directions anywhere.
LENIENT = {
    "hls": {"allowed_extensions": "ALL", "extension_picky": "0", "protocol_whitelist": "file,http,tcp"},
    "concat": {"safe": "0", "protocol_whitelist": "file,http,tcp"},
}
FOLLOW = """
import io, sys
sys.path.append(sys.argv[1])
import av
from connector.capture.confinement import confine, load_all
load_all(av)
form, text, options, confined = sys.argv[2], sys.argv[3], eval(sys.argv[4]), sys.argv[5] == "confined"
if confined:
    confine(10)
try:
    with av.open(io.BytesIO(text.encode()), format=form, options=options, timeout=3) as opened:
        print(sum(frame.samples for frame in opened.decode(audio=0)))
except (av.error.FFmpegError, OSError, IndexError) as error:
    print(type(error).__name__)
"""


@pytest.fixture
def planted(tmp_path: Path, sounds: dict[str, bytes]) -> Path:
    """A sound on disk that a playlist names."""
    path = tmp_path / "planted.ts"
    path.write_bytes(sounds["ts"])
    return path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that a playlist names; it never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def connections(listener: socket.socket) -> int:
    found = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def _hls(target: str) -> str:
    return f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{target}\n#EXT-X-ENDLIST\n"


def _texts(planted: Path, listener: socket.socket) -> dict[str, str]:
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/planted.ts"
    return {
        "hls-file": _hls(str(planted)),
        "hls-uri": _hls(planted.as_uri()),
        "hls-url": _hls(url),
        "hls-key": _hls(str(planted)).replace("#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF'),
        "concat-file": f"ffconcat version 1.0\nfile '{planted}'\n",
        "concat-url": f"ffconcat version 1.0\nfile '{url}'\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
        "pls": f"[playlist]\nFile1={planted}\nNumberOfEntries=1\n",
        "xspf": f'<?xml version="1.0"?><playlist><trackList><location>{url}</location></trackList></playlist>',
        "smil": f"<smil><body><audio src='{url}'/></body></smil>",
        "asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
        "dash": f"<?xml version='1.0'?><MPD><Period><BaseURL>{url}</BaseURL></Period></MPD>",
        "link": url,
    }


async def test_b08_no_playlist_is_taken_or_followed(probe, planted, listener):
    for name, text in _texts(planted, listener).items():
        with pytest.raises(AudioUnusable, match="playlist"):
            await probe(text.encode())
        assert connections(listener) == 0, name


async def test_b08_a_playlist_behind_the_beginning_of_a_sound_is_read_as_that_sound(probe, planted, listener, sounds):
    """Told by content as MP3, WAV, Ogg or WebM: the demuxer of that container has no use for directions."""
    tag = b"ID3\x03\x00\x00\x00\x04\x20\x00" + bytes(4 * 2**14 + 32 * 2**7)
    for name, text in _texts(planted, listener).items():
        for beginning in (tag, sounds["wav"][:44], sounds["ogg"][:200], sounds["webm"][:300]):
            try:
                assert (await probe(beginning + text.encode() * 20)).duration_ms < 1000
            except AudioUnusable:
                pass
        assert connections(listener) == 0, name


@pytest.mark.parametrize("name", ["hls", "concat", "sdp", "dash", "rtsp", "lavfi", "image2", "tee", "/etc/passwd", ""])
async def test_b08_the_confined_process_has_no_demuxer_but_those_of_recordings(name, planted, listener):
    """As if the sniffing had been fooled: the process is asked for that demuxer itself."""
    data = _hls(str(planted)).encode()

    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    facts = await run_confined(demuxer.__file__, (name, str(len(data)), "10"), sources=[Source(read, len(data), name)])
    assert facts == {"unusable": "unreadable"}
    assert connections(listener) == 0


@pytest.mark.parametrize("name", ["hls-file", "hls-uri", "hls-url", "hls-key", "concat-file", "concat-url"])
def test_b08_even_a_reader_that_follows_directions_gets_nowhere_when_confined(name, planted, listener):
    """The same reader, unconfined, reads the file or calls the address: so the directions are good ones."""
    form = name.partition("-")[0]
    told = {}
    for way in ("free", "confined"):
        arguments = [str(ROOT), form, _texts(planted, listener)[name], repr(LENIENT[form]), way]
        run = subprocess.run(
            [sys.executable, "-I", "-c", FOLLOW, *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        told[way] = (run.stdout.strip(), connections(listener))
    reached = told["free"][1] > 0 if name in ("hls-url", "hls-key", "concat-url") else int(told["free"][0]) > 200_000
    assert reached, told
    assert told["confined"][1] == 0
    assert not told["confined"][0].isdigit() or told["confined"][0] == "0"


def _refer(movie: bytes, target: Path) -> bytes:
    """A QuickTime film whose sound lies in another file, by an alias record with an absolute path."""
    path = os.fsencode(target)
    path += b"\0" * (len(path) % 2)
    alias = bytes(10) + b"\0" + bytes(27) + bytes(12) + b"\0" + bytes(63) + bytes(36)
    alias += b"\0\2" + len(path).to_bytes(2, "big") + path + b"\xff\xff\0\0"
    entry = (len(alias) + 12).to_bytes(4, "big") + b"alis" + bytes(4) + alias
    at = movie.index(b"dref") + 12
    old = int.from_bytes(movie[at : at + 4], "big")
    grown = bytearray(movie[:at] + entry + movie[at + old :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = grown.index(box, 0 if box == b"moov" else grown.index(b"moov")) - 4
        size = int.from_bytes(grown[start : start + 4], "big") + len(entry) - old
        grown[start : start + 4] = size.to_bytes(4, "big")
    return bytes(grown)


async def test_b08_a_film_whose_sound_lies_in_another_file_has_none(probe, write, tmp_path):
    """A reader that may follow the reference finds the tone there."""
    movie = write("mov", "pcm_s16le", 16000)
    target = tmp_path / "planted.mov"
    target.write_bytes(movie)
    start = movie.index(b"mdat") + 4
    film = _refer(movie[:start] + bytes(5 * 16000 * 2) + movie[start + 5 * 16000 * 2 :], target)
    assert _peak(film, "mov", {"enable_drefs": "1", "use_absolute_path": "1"}) > 7000
    with pytest.raises(AudioUnusable):
        await probe(film)

    async def read(offset: int, length: int) -> bytes:
        return film[offset : offset + length]

    async def write_head(piece: bytes) -> None:
        assert len(piece) < 1000, "more than the head of a file came from somewhere"

    with pytest.raises(AudioUnusable):
        await join_sounds([Source(read, len(film), "mov")], write=write_head, timeout_s=30)


def _peak(data: bytes, container: str, options: dict[str, str]) -> int:
    """The largest sample of a file, read without confinement."""
    most = 0
    with av.open(io.BytesIO(data), format=container, options=options) as opened:
        for frame in opened.decode(audio=0):
            most = max(most, *memoryview(bytes(frame.planes[0])[: frame.samples * 2]).cast("h"))
    return most

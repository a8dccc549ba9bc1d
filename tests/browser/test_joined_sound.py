"""What is joined of real browser recordings plays in Chromium: its length is known, and any place in it is reached."""

from __future__ import annotations

import asyncio
import base64
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from connector.capture.joining import Joined, join_sounds
from connector.capture.process import Source

RECORD = """async ({hertz, milliseconds}) => {
  const context = new AudioContext();
  await context.resume();
  const tone = new OscillatorNode(context, {frequency: hertz});
  const end = new MediaStreamAudioDestinationNode(context);
  tone.connect(end);
  tone.start();
  const recorder = new MediaRecorder(end.stream, {mimeType: "audio/webm;codecs=opus"});
  const slices = [];
  recorder.ondataavailable = (event) => slices.push(event.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start(500);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  recorder.stop();
  await stopped;
  await context.close();
  const bytes = new Uint8Array(await new Blob(slices).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""

PLAY = """async (places) => {
  const audio = new Audio("/sound");
  const next = (name) => new Promise((resolve, reject) => {
    audio.addEventListener(name, resolve, {once: true});
    audio.addEventListener("error", () => reject(new Error(audio.error.message)), {once: true});
  });
  const known = next("loadedmetadata");
  audio.preload = "auto";
  await known;
  const reached = [];
  for (const place of places) {
    const seeked = next("seeked");
    audio.currentTime = place;
    await seeked;
    const playing = next("timeupdate");
    await audio.play();
    await playing;
    audio.pause();
    reached.push(audio.currentTime);
  }
  return {duration: audio.duration, reached};
}"""

HEAR = """async (places) => {
  const data = await (await fetch("/sound")).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(data);
  const samples = sound.getChannelData(0);
  const pitch = (start) => {
    let changes = 0;
    for (let n = start; n < start + 48000; n += 1) changes += (samples[n] < 0) !== (samples[n + 1] < 0);
    return changes / 2;
  };
  return {duration: sound.duration, pitches: places.map((place) => pitch(Math.round(place * 48000)))};
}"""


class Shelf(ThreadingHTTPServer):
    """Serves one sound, whole or a range of it, and an empty page to play it from."""

    sound = b""


class ShelfPage(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        if self.path != "/sound":
            return self._send(200, b"<!doctype html><title>Shelf</title>", {"Content-Type": "text/html"})
        data, headers = self.server.sound, {"Content-Type": "audio/ogg", "Accept-Ranges": "bytes"}
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start = int(asked[1])
            end = min(int(asked[2] or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            return self._send(206, data[start : end + 1], headers)
        return self._send(200, data, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    server = Shelf(("127.0.0.1", 0), ShelfPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium: Browser, shelf: Shelf) -> Iterator[Page]:
    opened = chromium.new_page()
    opened.goto(f"http://127.0.0.1:{shelf.server_address[1]}/")
    yield opened
    opened.close()


def join(*files: tuple[bytes, str]) -> tuple[Joined, bytes]:
    """Joins in a thread of its own, since the browser's driver has this one's event loop."""
    written: list[bytes] = []

    def source(data: bytes, container: str) -> Source:
        async def read(offset: int, length: int) -> bytes:
            return data[offset : offset + length]

        return Source(read, len(data), container)

    async def write(piece: bytes) -> None:
        written.append(piece)

    async def both() -> Joined:
        return await join_sounds([source(*one) for one in files], write=write, timeout_s=60)

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, both()).result(), b"".join(written)


def record(page: Page, *, hertz: int, milliseconds: int) -> bytes:
    return base64.b64decode(page.evaluate(RECORD, {"hertz": hertz, "milliseconds": milliseconds}))


def test_two_recordings_of_the_browser_become_one_that_it_can_seek_in(page: Page, shelf: Shelf) -> None:
    """A recorder's own file states no length: joined, it does."""
    first = record(page, hertz=440, milliseconds=4000)
    second = record(page, hertz=880, milliseconds=3000)
    joined, shelf.sound = join((first, "webm"), (second, "webm"))
    assert joined.copied
    boundary = joined.offsets_ms[1] / 1000
    assert boundary == pytest.approx(4.0, abs=0.5)
    played = page.evaluate(PLAY, [5.5, 0.5, boundary, 3])
    assert played["duration"] == pytest.approx(joined.duration_ms / 1000, abs=0.1)
    assert played["reached"] == pytest.approx([5.5, 0.5, boundary, 3], abs=0.5)
    heard = page.evaluate(HEAR, [1, boundary + 0.5])
    assert heard["duration"] == pytest.approx(joined.duration_ms / 1000, abs=0.1)
    assert heard["pitches"] == pytest.approx([440, 880], rel=0.02)


def test_a_recording_and_an_uploaded_file_become_one_that_the_browser_can_seek_in(page: Page, shelf: Shelf) -> None:
    """FLAC in Ogg, here of a WAV and a browser's own recording."""
    recorded = record(page, hertz=440, milliseconds=3000)
    joined, shelf.sound = join((recorded, "webm"), (wav(seconds=60), "wav"))
    assert not joined.copied
    played = page.evaluate(PLAY, [50, 1, 20])
    assert played["duration"] == pytest.approx(joined.duration_ms / 1000, abs=0.1)
    assert played["reached"] == pytest.approx([50, 1, 20], abs=0.5)
    heard = page.evaluate(HEAR, [1, 30])
    assert heard["pitches"] == pytest.approx([440, 500], rel=0.02)


def wav(*, seconds: int, rate: int = 16000) -> bytes:
    """A square tone of 500 Hz."""
    wave = (b"\x00\x20" * 16 + b"\x00\xe0" * 16) * (seconds * rate // 32)
    layout = b"".join(number.to_bytes(size, "little") for number, size in ((1, 2), (1, 2), (rate, 4), (rate * 2, 4)))
    head = b"WAVEfmt " + (16).to_bytes(4, "little") + layout + b"\x02\x00\x10\x00"
    data = b"data" + len(wave).to_bytes(4, "little") + wave
    return b"RIFF" + (len(head) + len(data)).to_bytes(4, "little") + head + data

"""In: a piece of a bundled visit. Out: the file Chromium's MediaRecorder makes of it through a fake microphone.

Run by hand when the recording changes: `python -m tests.wire.sandbox_assemblyai.microphone.take TARGET.webm`. The piece
is played from its start again each time it ends; echo cancellation, noise suppression and gain control are on.
"""

from __future__ import annotations

import argparse
import base64
import http.server
import tempfile
import threading
import wave
from pathlib import Path

import av
from connector_sandbox.recordings import load_recording
from connector_sandbox.toolchain import find_chromium
from playwright.sync_api import sync_playwright

RATE = 48_000
RECORD = """async (seconds) => {
  const processing = {echoCancellation: true, noiseSuppression: true, autoGainControl: true};
  const stream = await navigator.mediaDevices.getUserMedia({audio: processing});
  const recorder = new MediaRecorder(stream, {mimeType: "audio/webm;codecs=opus", audioBitsPerSecond: 32000});
  const slices = [];
  recorder.ondataavailable = (event) => slices.push(event.data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start(1000);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  recorder.stop();
  await stopped;
  const reader = new FileReader();
  const read = new Promise((resolve) => { reader.onload = resolve; });
  reader.readAsDataURL(new Blob(slices));
  await read;
  return reader.result.split(",")[1];
}"""


def main() -> None:
    """Record one file."""
    parser = argparse.ArgumentParser(description="Record a piece of a bundled visit through Chromium's microphone.")
    parser.add_argument("target", type=Path)
    parser.add_argument("--visit", default="billie")
    parser.add_argument("--first", type=float, default=0.0, help="where the piece begins, in seconds")
    parser.add_argument("--last", type=float, default=91.4, help="where it ends and is begun again")
    parser.add_argument("--seconds", type=float, default=65.0, help="how long to record")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "piece.wav"
        _write_piece(source, visit=wanted.visit, first=wanted.first, last=wanted.last)
        wanted.target.write_bytes(_record(source, seconds=wanted.seconds))


def _write_piece(target: Path, *, visit: str, first: float, last: float) -> None:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    samples = bytearray()
    with av.open(str(load_recording(visit).audio)) as sound:
        for frame in [*sound.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                samples += bytes(resampled.planes[0])[: resampled.samples * 2]
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples[int(first * RATE) * 2 : int(last * RATE) * 2])


def _record(source: Path, *, seconds: float) -> bytes:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={source}",
    ]
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
            page = browser.new_context(permissions=["microphone"]).new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            content = base64.b64decode(page.evaluate(RECORD, seconds))
            browser.close()
    finally:
        server.shutdown()
        server.server_close()
    return content


class _EmptyPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Microphone</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()

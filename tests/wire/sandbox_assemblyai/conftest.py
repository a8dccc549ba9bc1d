"""A sandbox AssemblyAI on a real socket, and the short way to talk to it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from av.filter import Graph
from connector_sandbox.recordings import load_recording

from tests.fixtures.assemblyai import KEY, assemblyai_base

__all__ = ["assemblyai_base"]

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).parents[4] / "shared"))


class Vendor:
    """The vendor's API as a client with one key sees it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def upload(self, content: bytes) -> str:
        answer = self.client.post("/v2/upload", content=content)
        assert answer.status_code == 200, answer.text
        url: str = answer.json()["upload_url"]
        return url

    def submit(self, **body: Any) -> httpx.Response:
        return self.client.post("/v2/transcript", json=body)

    def read(self, job_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/v2/transcript/{job_id}")
        assert answer.status_code == 200, answer.text
        printed: dict[str, Any] = answer.json()
        return printed

    def wait(self, job_id: str, *, seconds: float = 60.0) -> dict[str, Any]:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            printed = self.read(job_id)
            if printed["status"] in ("completed", "error"):
                return printed
            time.sleep(0.05)
        raise AssertionError("the job did not end")

    def transcribe(self, content: bytes, **body: Any) -> dict[str, Any]:
        answer = self.submit(audio_url=self.upload(content), **body)
        assert answer.status_code == 200, answer.text
        return self.wait(answer.json()["id"])


def open_vendor(base: str, *, key: str = KEY) -> Vendor:
    client = httpx.Client(base_url=base, headers={"authorization": key}, timeout=30, trust_env=False)
    return Vendor(client)


@pytest.fixture
def vendor(assemblyai_base: str) -> Iterator[Vendor]:
    """A client of the session's sandbox, with no faults in force and an empty journal."""
    one = open_vendor(assemblyai_base)
    with one.client:
        one.client.delete("/sandbox/faults")
        one.client.delete("/sandbox/requests")
        yield one
        one.client.delete("/sandbox/faults")


@pytest.fixture
def another_project(assemblyai_base: str) -> Iterator[Vendor]:
    """A client with another API key."""
    one = open_vendor(assemblyai_base, key="key-of-somebody-else")
    with one.client:
        yield one


@pytest.fixture
def visit() -> bytes:
    """The bytes of one bundled recording."""
    return load_recording("chasidy").audio.read_bytes()


@pytest.fixture
def shared() -> Path:
    """The folder of shared data."""
    assert (SHARED / "data").is_dir(), "set CONNECTOR_SHARED to the folder of shared data"
    return SHARED


Reencode = Callable[..., Path]


@pytest.fixture
def reencode(tmp_path: Path) -> Reencode:
    """Write a sound file anew: `reencode(source, "x.mp3", codec="libmp3lame", rate=22050, bit_rate=32000)`.

    `filters` are libavfilter steps, such as ("atrim", "end=40") or ("adelay", "2300:all=1").
    """

    def write(source: Path, name: str, **how: Any) -> Path:
        target = tmp_path / name
        _write(source, target, **how)
        return target

    return write


def _write(
    source: Path,
    target: Path,
    *,
    codec: str,
    rate: int,
    bit_rate: int | None = None,
    layout: str = "mono",
    filters: tuple[tuple[str, str], ...] = (),
) -> None:
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream(codec, rate=rate, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        sample_format = stream.codec.audio_formats[0].name
        steps = (
            *filters,
            ("aresample", str(rate)),
            ("aformat", f"sample_fmts={sample_format}:channel_layouts={layout}:sample_rates={rate}"),
            ("asetnsamples", f"n={1152 if 'mp3' in codec else 960}:p=0"),
        )
        graph = Graph()
        source_node = last = graph.add_abuffer(template=read.streams.audio[0])
        for step, arguments in steps:
            node = graph.add(step, arguments)
            last.link_to(node)
            last = node
        sink = graph.add("abuffersink")
        last.link_to(sink)
        graph.configure()

        def drain() -> None:
            while True:
                try:
                    frame = sink.pull()
                except (av.BlockingIOError, av.EOFError):
                    return
                frame.pts = None
                written.mux(stream.encode(frame))

        try:
            for frame in read.decode(audio=0):
                source_node.push(frame)
                drain()
            source_node.push(None)
        except av.EOFError:
            pass  # the trim step has all it wants
        drain()
        written.mux(stream.encode(None))

"""A sandbox AssemblyAI on a real socket, and the short way to talk to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from av.filter import Graph
from connector_sandbox.recordings import load_recording

from tests.fixtures.assemblyai import KEY, assemblyai_base
from tests.fixtures.shared_data import shared_data

__all__ = ["assemblyai_base"]


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

    def wait(self, job_id: str, *, seconds: float = 120.0) -> dict[str, Any]:
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
    return shared_data()


@dataclass(frozen=True)
class Encoding:
    """How to write a sound file; `filters` are libavfilter steps such as ("atrim", "end=40")."""

    codec: str
    rate: int
    bit_rate: int | None = None
    layout: str = "mono"
    filters: tuple[tuple[str, str], ...] = ()


@pytest.fixture
def reencode(tmp_path: Path) -> Callable[..., Path]:
    """Write a sound file anew: `reencode(source, "x.mp3", codec="libmp3lame", rate=22050)`, the rest as Encoding."""

    def write(source: Path, name: str, **how: Any) -> Path:
        target = tmp_path / name
        with av.open(str(source)) as read, av.open(str(target), "w") as written:
            _convert(read, written, how=Encoding(**how))
        return target

    return write


def _convert(read: av.container.InputContainer, written: av.container.OutputContainer, *, how: Encoding) -> None:
    stream = written.add_stream(how.codec, rate=how.rate, layout=how.layout)
    if how.bit_rate:
        stream.bit_rate = how.bit_rate
    graph = Graph()  # held here: its nodes do not keep it alive
    source, sink = _connect(graph, read.streams.audio[0], sample_format=stream.codec.audio_formats[0].name, how=how)

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
            source.push(frame)
            drain()
        source.push(None)
    except av.EOFError:
        pass  # the trim step has all it wants
    drain()
    written.mux(stream.encode(None))


def _connect(graph: Graph, template: av.AudioStream, *, sample_format: str, how: Encoding) -> tuple[Any, Any]:
    source = last = graph.add_abuffer(template=template)
    for step, arguments in (
        *how.filters,
        ("aresample", str(how.rate)),
        ("aformat", f"sample_fmts={sample_format}:channel_layouts={how.layout}:sample_rates={how.rate}"),
        ("asetnsamples", f"n={1152 if 'mp3' in how.codec else 960}:p=0"),
    ):
        node = graph.add(step, arguments)
        last.link_to(node)
        last = node
    sink = graph.add("abuffersink")
    last.link_to(sink)
    graph.configure()
    return source, sink

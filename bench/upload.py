"""A 4-hour WAV by the chunk protocol, beside a bare endpoint that syncs the same chunks; then with kill -9 in between.

In: how many rounds. Out: a ratio of throughputs, growth of memory, and whether what came back is what was sent. Chunks
of 1 MiB go one at a time. Never counts a kill that did not end the process, or a file that did not come back whole.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from connector_sandbox import hapi
from connector_sandbox.clinician import OpenVisit, digest_header, launch_visit
from connector_sandbox.processes import Supervisor, claim_port
from connector_sandbox.recordings.library import load_recordings
from connector_sandbox.stack import Choices, Stack, running_stack
from connector_sandbox.state import claim_state_folder

from bench.memory import Memory
from bench.report import NotMeasured, Report, say
from bench.visit import bundled_patient

REPETITIONS = 5
TARGETS = {
    "throughput_ratio": ">= 0.5",
    "rss_growth_mb": "<= 64",
    "kills": ">= 6",
    "chunks_resent": "<= {kills}",
    "hash_equal": "== 1",
}
HOURS, RATE = 4, 16_000
CHUNK = 1024 * 1024
KILLS = 6
_WARMING = 20


@dataclass(frozen=True)
class Sound:
    """A WAV of noise, made chunk by chunk and never held: `size` in bytes."""

    size: int = 44 + HOURS * 3600 * RATE * 2

    @property
    def count(self) -> int:
        """Chunks of 1 MiB, the last one shorter."""
        return -(-self.size // CHUNK)

    def chunk(self, seq: int) -> bytes:
        """Chunk number `seq`, the same bytes every time; quiet noise, so that there is sound to be found."""
        wanted = min(CHUNK, self.size - seq * CHUNK)
        noise = random.Random(seq).randbytes(wanted // 64 + 1) * 64
        data = noise[:wanted]
        return _header(self.size) + data[44:] if seq == 0 else data

    def sha256(self) -> str:
        """Of the whole file, in hex."""
        total = hashlib.sha256()
        for seq in range(self.count):
            total.update(self.chunk(seq))
        return total.hexdigest()


def _header(size: int) -> bytes:
    """A RIFF header of 44 bytes: one channel of 16 bits."""
    small, large = (lambda n: n.to_bytes(2, "little")), (lambda n: n.to_bytes(4, "little"))
    form = small(1) + small(1) + large(RATE) + large(RATE * 2) + small(2) + small(16)
    return b"RIFF" + large(size - 8) + b"WAVEfmt " + large(16) + form + b"data" + large(size - 44)


def run(repetitions: int) -> Report:
    """Starts a stack in a state folder of its own, uploads by turns, and stops it. Raises NotMeasured."""
    hapi.build()
    state = claim_state_folder()
    try:
        with running_stack(state.path, Choices(), say=say) as stack:
            return measure(stack, state.path / "bare", repetitions=repetitions)
    finally:
        state.release()


def measure(stack: Stack, folder: Path, *, repetitions: int) -> Report:
    """Rounds by turns, memory meanwhile, then one upload that is killed again and again. Raises NotMeasured."""
    sound, patient = Sound(), bundled_patient(load_recordings()[0])
    say(f"{HOURS} hours at {RATE} Hz: {sound.size / 1e6:.0f} MB in {sound.count} chunks.")
    ours, bare = [], []
    with bare_endpoint(folder) as put_bare:
        Sending.begin(stack, patient).send(sound, range(_WARMING))
        memory = Memory(stack.children["web"].pid)
        for number in range(repetitions):
            for mine in (True, False) if number % 2 == 0 else (False, True):
                if mine:
                    with memory.watched():
                        ours.append(_rate(sound, Sending.begin(stack, patient).send(sound, range(sound.count))))
                else:
                    bare.append(_rate(sound, _send_bare(put_bare, sound, folder)))
            say(f"Round {number + 1}: ours {ours[-1]:.1f} MB/s, bare {bare[-1]:.1f} MB/s.")
    killed = _Killed(stack, patient, sound)
    killed.run()
    grown = max(memory.growth_mb, killed.growth_mb)
    return summarise(ours, bare, growth_mb=grown, killed=killed)


def summarise(ours: list[float], bare: list[float], *, growth_mb: float, killed: "_Killed") -> Report:
    """Medians of both, their ratio, and what the killed upload came to."""
    figures = {
        "throughput_ratio": round(median(ours) / median(bare), 3),
        "rss_growth_mb": round(growth_mb, 1),
        "kills": killed.kills,
        "chunks_resent": killed.resent,
        "hash_equal": int(killed.equal),
        "ours_mb_per_s": round(median(ours), 1),
        "bare_mb_per_s": round(median(bare), 1),
        "rounds": len(ours),
        "bytes": killed.sound.size,
        "close_seconds": round(killed.close_seconds, 1),
    }
    targets = {name: bound.format(kills=killed.kills) for name, bound in TARGETS.items()}
    return Report("upload", figures, targets)


def _rate(sound: Sound, seconds: float) -> float:
    return sound.size / 1e6 / seconds


@dataclass
class Sending:
    """One recording of a visit of its own on its way in."""

    visit: OpenVisit
    recording_id: str
    token: str
    root: str

    @classmethod
    def begin(cls, stack: Stack, patient: str) -> "Sending":
        """Launches, records the consent and opens a recording."""
        visit = launch_visit(stack.addresses.ehr, patient)
        visit.await_state("PRIMED", "CAPTURING")
        visit.consent()
        opened = visit.post("/recordings").raise_for_status().json()
        return cls(visit, opened["recording_id"], opened["upload_token"], visit.base.split("/v/")[0])

    def send(self, sound: Sound, seqs: range) -> float:
        """Sends chunks one at a time; the seconds the requests took, without the making of the chunks."""
        return sum(self.put(seq, sound.chunk(seq)) for seq in seqs)

    def put(self, seq: int, data: bytes) -> float:
        """One chunk; seconds until it was acknowledged."""
        headers = {"Authorization": f"Upload {self.token}", "Content-Digest": digest_header(data)}
        url = f"{self.root}/recordings/{self.recording_id}/chunks/{seq}"
        begun = time.perf_counter()
        answer = self.visit.client.put(url, content=data, headers=headers)
        taken = time.perf_counter() - begun
        if answer.status_code != 204:
            raise NotMeasured(f"a chunk was answered with {answer.status_code}")
        return taken

    def held(self) -> set[int]:
        """Numbers of the chunks that are safe."""
        headers = {"Authorization": f"Upload {self.token}"}
        answer = self.visit.client.get(f"{self.root}/recordings/{self.recording_id}", headers=headers)
        return {chunk["seq"] for chunk in answer.raise_for_status().json()["chunks"]}


@contextmanager
def bare_endpoint(folder: Path) -> Iterator[Any]:
    """The endpoint of bare_disk in a process of its own; gives a function that sends one chunk to it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = claim_port()
    argv = [sys.executable, "-m", "bench.bare_disk", str(folder), str(port)]
    with Supervisor(folder.parent / "bare-state") as supervisor, httpx.Client(trust_env=False, timeout=60.0) as client:
        child = supervisor.start("bare-disk", argv, env=dict(os.environ))
        child.await_http(f"http://127.0.0.1:{port}/live", seconds=30)

        def put(seq: int, data: bytes) -> None:
            client.put(f"http://127.0.0.1:{port}/{seq}", content=data).raise_for_status()

        yield put


def _send_bare(put: Any, sound: Sound, folder: Path) -> float:
    seconds = 0.0
    for seq in range(sound.count):
        data = sound.chunk(seq)
        begun = time.perf_counter()
        put(seq, data)
        seconds += time.perf_counter() - begun
    for file in folder.iterdir():
        file.unlink()
    return seconds


@dataclass
class _Killed:
    """One upload whose web process is killed in the middle of a chunk, again and again, and started again."""

    stack: Stack
    patient: str
    sound: Sound
    kills: int = 0
    resent: int = 0
    equal: bool = False
    close_seconds: float = 0.0
    growth_mb: float = 0.0
    sent: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """Uploads, finishes, and reads back what is kept."""
        sending = Sending.begin(self.stack, self.patient)
        step = self.sound.count // (KILLS + 1)
        fatal = {step * (number + 1) for number in range(KILLS)}
        for seq in range(self.sound.count):
            if seq in fatal:
                self._put_and_kill(sending, seq)
                missing = set(range(seq + 1)) - sending.held()
            else:
                missing = {seq}
            for one in sorted(missing):
                self.sent[one] = self.sent.get(one, 0) + 1
                sending.put(one, self.sound.chunk(one))
        self.resent = sum(count - 1 for count in self.sent.values())
        if self.kills < KILLS:
            raise NotMeasured(f"only {self.kills} of {KILLS} kills took place")
        self._finish(sending)

    def _put_and_kill(self, sending: Sending, seq: int) -> None:
        """Kills the web process while a chunk is on its way, and starts another one."""
        web = self.stack.children["web"]
        killer = threading.Timer(0.001 * (1 + seq % 7), os.kill, (web.pid, signal.SIGKILL))
        self.sent[seq] = 1
        data = self.sound.chunk(seq)
        killer.start()
        try:
            sending.put(seq, data)
        except httpx.HTTPError:
            say(f"Killed in the middle of chunk {seq}.")
        killer.join()
        if web.wait() != -signal.SIGKILL:
            raise NotMeasured("the web process was not ended by the kill")
        self.kills += 1
        self.stack.start_web()

    def _finish(self, sending: Sending) -> None:
        memory = Memory(self.stack.children["web"].pid)
        whole = {"chunks": self.sound.count, "sha256": self.sound.sha256()}
        begun = time.perf_counter()
        with memory.watched():
            answer = sending.visit.post(f"/recordings/{sending.recording_id}/close", json=whole)
        self.close_seconds = time.perf_counter() - begun
        if answer.status_code != 200:
            raise NotMeasured(f"the recording was answered with {answer.status_code} at its end")
        self.growth_mb = memory.growth_mb
        self.equal = _read_back(sending.visit) == whole["sha256"]


def _read_back(visit: OpenVisit) -> str:
    """SHA-256 of what the player would be given, by ranges."""
    total, at, size = hashlib.sha256(), 0, 1
    while at < size:
        answer = visit.client.get(f"{visit.base}/audio", headers={"Range": f"bytes={at}-"})
        if answer.status_code != 206:
            raise NotMeasured(f"the recording could not be read back: {answer.status_code}")
        size = int(answer.headers["content-range"].rpartition("/")[2])
        total.update(answer.content)
        at += len(answer.content)
    return total.hexdigest()

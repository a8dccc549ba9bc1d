"""An hour's recording to its sealed transcript, beside a bare script that looks at the same moments; then 200 at once.

In: how often. Out: a ratio and seconds, jobs at once, growth. The sandbox's job takes 20 seconds; both
clocks run from the first byte that leaves, to us or to the vendor, until the words are kept, sealed here, a file there.
Memory is what worker and web process grew by, their confined readers counted with them, each at its own highest.
"""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from connector_sandbox import hapi
from connector_sandbox.clinician import launch_visit
from connector_sandbox.recordings.library import load_recordings
from connector_sandbox.stack import Choices, Stack, running_stack
from connector_sandbox.state import claim_state_folder

from bench.bare_transcription import BareScript
from bench.crowd import VISITS, Crowd, Outcome
from bench.long_sound import make_long_sound
from bench.memory import Memory
from bench.report import NotMeasured, Report, say
from bench.visit import bundled_patient

REPETITIONS = 3
TARGETS = {
    "overhead_ratio": "<= 1.10",
    "jobs_at_once": ">= 200",
    "rss_growth_mb": "<= 128",
    "threads": "<= 32",
}
SECONDS, JOB_SECONDS, CHUNK = 3600, 20.0, 1024 * 1024
# The product's own interval; the stack of demo and tests asks more often.
_OFTEN = {"CONNECTOR_TRANSCRIPTION_POLL_INTERVAL": "3.0"}
_JOB = re.compile(r"^/v2/transcript/[^/]+$")
_PATIENCE_S = 180.0
_LATE_S = 0.02  # a script may look a little later than we did, never earlier


@dataclass(frozen=True)
class Ours:
    """One transcription by the connector, in seconds: all of it, from the first byte to the vendor's upload, from the
    last look to the end; and the looks, after the submission."""

    total: float
    before: float
    after: float
    looks: list[float]


def run(repetitions: int) -> Report:
    """Starts a stack in a state folder of its own, measures and stops it. Raises NotMeasured."""
    hapi.build()
    state = claim_state_folder()
    choices = Choices(queue_seconds=0.0, process_seconds=JOB_SECONDS, speech_places=VISITS, extra=_OFTEN)
    try:
        with running_stack(state.path, choices, say=say) as stack:
            return measure(stack, state.path / "bare", repetitions=repetitions)
    finally:
        state.release()


def measure(stack: Stack, folder: Path, *, repetitions: int, visits: int = VISITS) -> Report:
    """Both parts one after the other. Raises NotMeasured."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sound = folder / "long.ogg"
    make_long_sound(load_recordings()[0].audio, sound, seconds=SECONDS)
    script = BareScript(stack.addresses.speech, stack.key, folder)
    say(f"{SECONDS // 60} minutes of sound, {sound.stat().st_size / 1e6:.1f} MB; the sandbox has to hear it once.")
    _warm(stack, script, [sound, *(one.audio for one in load_recordings())])
    ours, bare = [], []
    for number in range(repetitions):
        ours.append(_transcribe_ours(stack, sound))
        bare.append(script.transcribe(sound, ours[-1].looks))
        say(f"Round {number + 1}: ours {ours[-1].total:.2f} s, bare {bare[-1]:.2f} s, {len(ours[-1].looks)} looks.")
    worker, web = (stack.children[name].pid for name in ("worker", "web"))
    memories = [Memory(pid, every_s=0.5) for pid in (worker, web)]
    with (
        memories[0].watched(),
        memories[1].watched(),
        _threads_counted(worker) as of_worker,
        _threads_counted(web) as of_web,
    ):
        crowd = Crowd(stack)
        outcome = crowd.finish(crowd.gather(visits))
    growth_mb, web_growth_mb = (one.growth_mb for one in memories)
    both = growth_mb + web_growth_mb
    report = summarise(ours, bare, outcome=outcome, growth_mb=both, threads=max(*of_worker, *of_web))
    return replace(report, figures={**report.figures, "worker_rss_growth_mb": round(growth_mb, 1)})


def summarise(ours: list[Ours], bare: list[float], *, outcome: Outcome, growth_mb: float, threads: int) -> Report:
    """Medians of both and what came of the crowd; a job counts where its visit's words are right as well."""
    mine, theirs = median(one.total for one in ours), median(bare)
    figures = {
        "overhead_ratio": round(mine / theirs, 3),
        "overhead_seconds": round(mine - theirs, 2),
        "ours_seconds": round(mine, 2),
        "bare_seconds": round(theirs, 2),
        "before_vendor_seconds": round(median(one.before for one in ours), 2),
        "after_vendor_seconds": round(median(one.after for one in ours), 2),
        "jobs_at_once": min(outcome.at_once, outcome.right),
        "crowd_gathering_seconds": round(outcome.gathering_seconds, 1),
        "crowd_seconds": round(outcome.seconds, 1),
        "rss_growth_mb": round(growth_mb, 1),
        "threads": threads,
        "recording_seconds": SECONDS,
        "rounds": len(ours),
    }
    say(
        f"An hour of sound is transcribed and sealed in {mine:.1f} s, by a bare script in {theirs:.1f} s (medians of "
        f"{len(ours)}; the job itself takes {JOB_SECONDS:.0f} s). {figures['jobs_at_once']} jobs at once ended right; "
        f"worker and web process grew by {growth_mb:.0f} MB, and neither had more than {threads} threads."
    )
    return Report("transcription", figures, TARGETS)


def _warm(stack: Stack, script: BareScript, sounds: list[Path]) -> None:
    """Lets the sandbox listen to each file, which it knows by its hash from then on."""
    _set_seconds(stack, 0.0)
    for sound in sounds:
        taken = script.transcribe(sound, [0.5 * number for number in range(1200)])
        say(f"  {sound.name}: {taken:.1f} s")
    _set_seconds(stack, JOB_SECONDS)


def _transcribe_ours(stack: Stack, sound: Path) -> Ours:
    """One visit, from the first byte to the state that says its words are kept."""
    recording = load_recordings()[0]
    visit = launch_visit(stack.addresses.ehr, bundled_patient(recording))
    visit.await_state("PRIMED")
    visit.consent()
    before = _journal(stack)
    content = sound.read_bytes()
    begun, begun_at = time.monotonic(), datetime.now(UTC)
    visit.upload(content, chunk=CHUNK)
    state = ""
    while state not in ("TRANSCRIBED", "DRAFTED"):
        if time.monotonic() > begun + _PATIENCE_S:
            raise NotMeasured(f"the visit is {state} after {_PATIENCE_S:.0f} s")
        time.sleep(0.05)
        state = str(visit.status()["state"])
    ended_at = datetime.now(UTC)
    looks, since = find_looks(_journal(stack)[len(before) :], known={one["path"] for one in before})
    uploaded = next(one for one in _journal(stack)[len(before) :] if one["path"] == "/v2/upload")
    return Ours(
        total=(ended_at - begun_at).total_seconds(),
        before=(datetime.fromisoformat(uploaded["at"]) - begun_at).total_seconds(),
        after=(ended_at - since).total_seconds() - looks[-1],
        looks=looks,
    )


def find_looks(entries: list[dict[str, Any]], *, known: set[str]) -> tuple[list[float], datetime]:
    """From the vendor's journal: seconds after the submission at which the job was looked at, and when that was made.

    `known` are the paths of other jobs. Raises NotMeasured unless one job was made.
    """
    made = [one for one in entries if (one["method"], one["path"]) == ("POST", "/v2/transcript")]
    if len(made) != 1:
        raise NotMeasured(f"{len(made)} jobs were made for one recording")
    begun = datetime.fromisoformat(made[0]["at"])
    looks = [one for one in entries if _JOB.match(one["path"]) and one["path"] not in known]
    return [(datetime.fromisoformat(one["at"]) - begun).total_seconds() + _LATE_S for one in looks], begun


def _journal(stack: Stack) -> list[dict[str, Any]]:
    answer = httpx.get(f"{stack.addresses.speech}/sandbox/requests", trust_env=False, timeout=60.0)
    entries: list[dict[str, Any]] = answer.raise_for_status().json()["requests"]
    return entries


def _set_seconds(stack: Stack, seconds: float) -> None:
    address = f"{stack.addresses.speech}/sandbox/controls"
    httpx.patch(address, json={"process_seconds": seconds}, trust_env=False, timeout=30.0).raise_for_status()


@contextmanager
def _threads_counted(pid: int) -> Iterator[list[int]]:
    """How many threads a process has, looked at five times a second until the block ends."""
    found: list[int] = [_threads(pid)]
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.2):
            found.append(_threads(pid))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _threads(pid: int) -> int:
    told = (Path("/proc") / str(pid) / "status").read_text()
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Threads:"))

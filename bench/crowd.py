"""Two hundred visits whose recordings end together. In: a started stack. Out: how many jobs ran at once, and right.

Never counts a visit whose page does not show the words of its own recording.
"""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from bs4 import BeautifulSoup
from connector_sandbox.clinician import OpenVisit, digest_header, first_clinician, launch_visit
from connector_sandbox.recordings.library import BundledRecording, load_recordings
from connector_sandbox.stack import Stack

from bench.report import NotMeasured, say
from bench.visit import bundled_patient

VISITS = 200
PATIENCE_S = 600.0
_HANDS = 6
_WORD = re.compile(r"[a-z0-9]+")
_THERE = ("TRANSCRIBED", "DRAFTED")


@dataclass
class Ready:
    """A visit whose recording is all there and not yet finished."""

    visit: OpenVisit
    recording: BundledRecording
    path: str
    whole: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of it: visits whose words are right, the most jobs alive at one time, and the seconds from the end of
    the first recording to the last job's start, and from when the jobs may end to the last visit's words."""

    right: int
    at_once: int
    gathering_seconds: float
    seconds: float


class Crowd:
    """The visits, made one after another and finished together."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def gather(self, visits: int) -> list[Ready]:
        """Launches, consent and chunks of so many visits, of each bundled recording in turn."""
        recordings = load_recordings()
        chosen = [recordings[number % len(recordings)] for number in range(visits)]
        clinician = first_clinician(self._stack.addresses.ehr)
        return _by_hands(
            lambda one: self._open(one, clinician), chosen, said="visits are open, their recordings uploaded"
        )

    def finish(self, ready: Sequence[Ready]) -> Outcome:
        """Ends all recordings while the vendor ends no job, lets it, waits for every visit's words and looks them over.

        Raises NotMeasured unless there is a job under way for each of them by then.
        """
        begun = time.monotonic()
        self._hold(True)
        try:
            _by_hands(_close, ready, said="recordings are finished")
            self._await_jobs(len(ready), until=begun + PATIENCE_S)
        finally:
            self._hold(False)
        let_go = time.monotonic()
        say(f"{len(ready)} jobs are under way after {let_go - begun:.0f} s, and may end now.")
        waiting = list(ready)
        while waiting and time.monotonic() < let_go + PATIENCE_S:
            waiting = [one for one in waiting if one.visit.status()["state"] not in _THERE]
            time.sleep(0.5)
        seconds = time.monotonic() - let_go
        say(f"{len(ready) - len(waiting)} of {len(ready)} visits have their words after {seconds:.0f} s.")
        right = sum(_by_hands(_is_right, [one for one in ready if one not in waiting], said="pages were read"))
        return Outcome(right, find_most_at_once(self._jobs(len(ready))), let_go - begun, seconds)

    def _hold(self, held: bool) -> None:
        controls = f"{self._stack.addresses.speech}/sandbox/controls"
        httpx.patch(controls, json={"jobs_held": held}, trust_env=False, timeout=60.0).raise_for_status()

    def _await_jobs(self, count: int, *, until: float) -> None:
        while sum(one["status"] == "processing" for one in self._jobs(count)) < count:
            if time.monotonic() > until:
                raise NotMeasured(f"not every one of {count} recordings has a job after {PATIENCE_S:.0f} s")
            time.sleep(0.5)

    def _open(self, recording: BundledRecording, clinician: str) -> Ready:
        visit = launch_visit(self._stack.addresses.ehr, bundled_patient(recording), practitioner=clinician)
        visit.await_state("PRIMED")
        visit.consent()
        opened = visit.post("/recordings").raise_for_status().json()
        sound = recording.audio.read_bytes()
        root = visit.base.split("/v/")[0]
        answer = visit.client.put(
            f"{root}/recordings/{opened['recording_id']}/chunks/0",
            content=sound,
            headers={"Authorization": f"Upload {opened['upload_token']}", "Content-Digest": digest_header(sound)},
        )
        answer.raise_for_status()
        whole = {"chunks": 1, "sha256": hashlib.sha256(sound).hexdigest()}
        return Ready(visit, recording, f"/recordings/{opened['recording_id']}/close", whole)

    def _jobs(self, count: int) -> list[dict[str, Any]]:
        """The newest jobs by the vendor's own list, which keeps those that were deleted."""
        headers = {"authorization": self._stack.key}
        found = httpx.get(
            f"{self._stack.addresses.speech}/v2/transcript",
            params={"limit": count},
            headers=headers,
            trust_env=False,
            timeout=60.0,
        )
        jobs: list[dict[str, Any]] = found.raise_for_status().json()["transcripts"]
        return jobs


def _close(one: Ready) -> None:
    answer = one.visit.post(one.path, json=one.whole)
    if answer.status_code != 200:
        raise NotMeasured(f"a recording was answered with {answer.status_code} at its end")


def _is_right(one: Ready) -> bool:
    return shows_script(one.visit.client.get(one.visit.base).text, one.recording)


def shows_script(html: str, recording: BundledRecording) -> bool:
    """Whether a visit's page shows every turn of a recording's script, in order."""
    page = BeautifulSoup(html, "html.parser")
    for told in page.select(".unseen"):
        told.decompose()
    shown = " ".join(" ".join(_words(turn.get_text(" "))) for turn in page.select("[data-turn]"))
    at = 0
    for turn in recording.turns:
        at = shown.find(" ".join(_words(turn.text)), at)
        if at < 0:
            return False
    return True


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def find_most_at_once(jobs: Sequence[dict[str, Any]]) -> int:
    """The most completed jobs that were alive at the same moment, by when they were made and completed."""
    alive = [one for one in jobs if one["status"] == "completed"]
    spans = [(datetime.fromisoformat(one["created"]), datetime.fromisoformat(one["completed"])) for one in alive]
    return max((sum(begun <= at < ended for begun, ended in spans) for at, _ in spans), default=0)


def _by_hands(do: Callable[[Any], Any], what: Sequence[Any], *, said: str) -> list[Any]:
    begun = time.monotonic()
    with ThreadPoolExecutor(_HANDS) as hands:
        done = list(hands.map(do, what))
    say(f"{len(done)} {said} ({time.monotonic() - begun:.0f} s).")
    return done

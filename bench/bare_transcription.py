"""The same transcription by a bare httpx script: upload, submit, look at given moments, write what came to disk.

In: a sound file and the moments, in seconds after the job was submitted. Out: seconds from the first byte to the file.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.report import NotMeasured

ASKED = {"speech_models": ["universal-3-5-pro", "universal-2"], "domain": "medical-v1", "speaker_labels": True}
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class BareScript:
    """The vendor's address and key, and where the script may write."""

    base: str
    key: str
    folder: Path

    def transcribe(self, sound: Path, moments: Sequence[float]) -> float:
        """Seconds. Raises NotMeasured where the job was not completed at the last of the moments."""
        headers = {"authorization": self.key}
        with httpx.Client(base_url=self.base, headers=headers, trust_env=False, timeout=120.0) as client:
            begun = time.monotonic()
            with sound.open("rb") as file:
                size = {"content-length": str(sound.stat().st_size)}
                sent = client.post("/v2/upload", content=iter(lambda: file.read(_BLOCK), b""), headers=size)
            asked = {**ASKED, "audio_url": sent.raise_for_status().json()["upload_url"]}
            submitted = time.monotonic()
            job = client.post("/v2/transcript", json=asked).raise_for_status().json()["id"]
            answer = self._look(client, job, [submitted + one for one in moments])
            self._keep(answer)
            taken = time.monotonic() - begun
            client.delete(f"/v2/transcript/{job}").raise_for_status()
        return taken

    def _look(self, client: httpx.Client, job: str, moments: Sequence[float]) -> bytes:
        for moment in moments:
            time.sleep(max(0.0, moment - time.monotonic()))
            answer = client.get(f"/v2/transcript/{job}").raise_for_status()
            if answer.json()["status"] == "error":
                raise NotMeasured(f"the bare script's job failed: {answer.json()['error']}")
            if answer.json()["status"] == "completed":
                return answer.content
        raise NotMeasured("the bare script's job was not completed when ours was")

    def _keep(self, answer: bytes) -> None:
        """What ours seals, the script only writes and syncs."""
        with (self.folder / "transcript.json").open("wb") as file:
            file.write(answer)
            file.flush()
            os.fsync(file.fileno())

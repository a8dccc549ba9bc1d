"""In: the authored scripts and the flite synthesiser. Out: each visit's Opus file and its timing file.

Run as `python -m connector_sandbox.recordings.make`; needs flite, PyAV and PocketSphinx. Never run by demo or tests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from array import array
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import yaml
from connector_sandbox.assemblyai.recognising import recognise
from connector_sandbox.recordings.alignment import place_words, time_words
from connector_sandbox.recordings.library import VISITS, ScriptTurn, Turn, read_script, script_turns

RATE = 16_000
BIT_RATE = 24_000
SPEED = {"rms": 0.80, "slt": 0.85, "awb": 0.88}  # flite's duration_stretch: its own pace is slower than a consultation
LOUDNESS = 2_600  # root mean square of a turn's samples: about -22 dBFS for every voice
SILENT_BELOW = 160  # flite's padding stays under this; so the measured times are those of the voice
PRONUNCIATION = Path(__file__).parent / "pronunciation.yaml"
EDGE_MS = 30
TAIL_MS = 600


def main(arguments: list[str] | None = None) -> int:
    """Make all visits, or those named."""
    parser = argparse.ArgumentParser(description="Speak the bundled scripts with flite and measure their timing.")
    parser.add_argument("ids", nargs="*", help="visits to make; all when none is named")
    named = parser.parse_args(arguments).ids
    if shutil.which("flite") is None:
        print("flite is not installed; on Debian: apt-get install flite", file=sys.stderr)
        return 1
    for path in sorted(VISITS.glob("*.yaml")):
        if not named or path.stem in named:
            duration_ms = make_visit(path)
            print(f"{path.stem}: {duration_ms / 1000:.1f} s")
    return 0


def make_visit(path: Path) -> int:
    """Speak one script and write `<id>.opus` and `<id>.json` beside it; the length in milliseconds."""
    script = read_script(path)
    samples, turns = speak_script(script_turns(script), voices=script["voices"])
    audio = path.with_suffix(".opus")
    write_opus(audio, samples)
    heard = [word for turn in recognise(audio) for word in turn.words]
    turns = [replace(turn, words=place_words(turn, heard)) for turn in turns]
    timing = {
        "id": script["id"],
        "playback": "Spoken by the flite synthesiser from a script of this project: not a recording of people.",
        "audio_sha256": hashlib.sha256(audio.read_bytes()).hexdigest(),
        "duration_ms": milliseconds(len(samples)),
        "turns": [_written(turn) for turn in turns],
    }
    path.with_suffix(".json").write_text(json.dumps(timing, indent=1) + "\n", encoding="utf-8")
    return milliseconds(len(samples))


def speak_script(script: tuple[ScriptTurn, ...], *, voices: dict[str, str]) -> tuple[array[int], list[Turn]]:
    """All turns one after another as 16 kHz mono samples, and when each is heard."""
    samples: array[int] = array("h")
    turns = []
    pronunciation = yaml.safe_load(PRONUNCIATION.read_text(encoding="utf-8"))
    for turn in script:
        samples.extend(silence(turn.pause_ms))
        start = milliseconds(len(samples))
        samples.extend(speak(pronounce(turn.say, pronunciation), voice=voices[turn.role]))
        end = milliseconds(len(samples))
        words = time_words(turn.text, start=start, end=end)
        turns.append(Turn(role=turn.role, text=turn.text, start=start, end=end, words=words))
    samples.extend(silence(TAIL_MS))
    return samples, turns


def pronounce(text: str, pronunciation: dict[str, str]) -> str:
    """The text with every listed word replaced by what the synthesiser reads aloud correctly."""
    for printed, spoken in pronunciation.items():
        text = re.sub(
            rf"(?<!\w){re.escape(printed)}(?!\w)" if printed[0].isalnum() else re.escape(printed),
            spoken,
            text,
            flags=re.I,
        )
    return text


def speak(text: str, *, voice: str) -> array[int]:
    """One turn in one voice, without flite's silence around it and at the common loudness."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "turn.wav"
        stretch = f"duration_stretch={SPEED[voice]}"
        subprocess.run(["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", str(target)], check=True)
        with wave.open(str(target)) as sound:
            if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (RATE, 1, 2):
                raise ValueError(f"voice {voice} is not 16 kHz mono 16 bit")
            samples = array("h", sound.readframes(sound.getnframes()))
    return level(trim(samples))


def trim(samples: array[int]) -> array[int]:
    """The samples from the first audible one to the last, with a short edge on both sides."""
    audible = [index for index, sample in enumerate(samples) if abs(sample) >= SILENT_BELOW]
    if not audible:
        raise ValueError("flite said nothing")
    edge = EDGE_MS * RATE // 1000
    return samples[max(0, audible[0] - edge) : audible[-1] + edge]


def level(samples: array[int]) -> array[int]:
    """The samples at the common loudness, never beyond full scale."""
    loudness = (sum(sample * sample for sample in samples) / len(samples)) ** 0.5
    gain = min(LOUDNESS / loudness, 32_000 / max(abs(sample) for sample in samples))
    return array("h", (round(sample * gain) for sample in samples))


def write_opus(path: Path, samples: array[int]) -> None:
    """Mono Opus in Ogg, the same bytes each time for the same samples."""
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact", "serial_offset": "1"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def silence(length_ms: int) -> array[int]:
    """That many milliseconds of digital silence."""
    return array("h", bytes(2 * (length_ms * RATE // 1000)))


def milliseconds(samples: int) -> int:
    """The length of that many samples, in whole milliseconds."""
    return samples * 1000 // RATE


def _written(turn: Turn) -> dict[str, Any]:
    return {
        "speaker": turn.role,
        "text": turn.text,
        "start": turn.start,
        "end": turn.end,
        "words": [asdict(word) for word in turn.words],
    }


if __name__ == "__main__":
    raise SystemExit(main())

"""What the sandbox hears: bundled visits in any encoding, silence where nobody speaks, and honesty about all else."""

from __future__ import annotations

import math
import random
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from connector_sandbox.assemblyai.hearing import OTHER_SPEECH, Listener, NotTranscribed
from connector_sandbox.assemblyai.sound import read_sound
from connector_sandbox.assemblyai.voice import Voice, judge_voice
from connector_sandbox.recordings import BundledRecording, load_recording

Reencode = Callable[..., Path]
RATE = 16_000

ENCODINGS = {
    "mp3": ("v.mp3", {"codec": "libmp3lame", "rate": 22_050, "bit_rate": 32_000}),
    "stereo mp3": ("v.mp3", {"codec": "libmp3lame", "rate": 44_100, "bit_rate": 128_000, "layout": "stereo"}),
    "webm": ("v.webm", {"codec": "libopus", "rate": 48_000, "bit_rate": 12_000}),
    "telephone wav": ("v.wav", {"codec": "pcm_mulaw", "rate": 8_000}),
    "studio wav": ("v.wav", {"codec": "pcm_s16le", "rate": 44_100}),
    "m4a": ("v.m4a", {"codec": "aac", "rate": 44_100, "bit_rate": 48_000}),
    "quiet flac": ("v.flac", {"codec": "flac", "rate": 16_000, "filters": (("volume", "-26dB"),)}),
}


@pytest.fixture(scope="module")
def listener() -> Listener:
    one = Listener()
    one.learn()
    return one


def said(recording: BundledRecording) -> list[str]:
    return [word.text for turn in recording.turns for word in turn.words]


def write_wave(path: Path, samples: list[float]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(array("h", (max(-32768, min(32767, int(sample))) for sample in samples)).tobytes())
    return path


def samples_of(path: Path, reencode: Reencode, **how: object) -> list[float]:
    target = reencode(path, "samples.wav", codec="pcm_s16le", rate=RATE, **how)
    with wave.open(str(target)) as file:
        return list(array("h", file.readframes(file.getnframes())))


@pytest.mark.parametrize(
    ("visit_id", "encoding"), list(zip(["billie", "chasidy", "edmundo", "jacquelyne"] * 2, ENCODINGS, strict=False))
)
def test_a_visit_is_known_in_every_encoding(
    listener: Listener, reencode: Reencode, visit_id: str, encoding: str
) -> None:
    name, how = ENCODINGS[encoding]
    recording = load_recording(visit_id)
    copy = reencode(recording.audio, name, **how)
    heard = listener.hear(copy)
    assert heard.warnings == ()
    assert [" ".join(word.text for word in turn.words) for turn in heard.turns] == [
        turn.text for turn in recording.turns
    ]


def test_a_lead_in_of_silence_moves_all_times(listener: Listener, reencode: Reencode) -> None:
    recording = load_recording("chasidy")
    late = reencode(recording.audio, "late.webm", codec="libopus", rate=48_000, filters=(("adelay", "2337:all=1"),))
    heard = listener.hear(late)
    assert len(heard.turns) == len(recording.turns)
    for turn, scripted in zip(heard.turns, recording.turns, strict=True):
        assert abs(turn.words[0].start - scripted.start - 2337) <= 50
        assert abs(turn.words[-1].end - scripted.end - 2337) <= 50


@pytest.mark.parametrize("seconds", [4, 8, 40])
def test_a_recording_that_breaks_off_gives_the_words_up_to_there(
    listener: Listener, reencode: Reencode, seconds: int
) -> None:
    recording = load_recording("edmundo")
    cut = reencode(recording.audio, "cut.mp3", codec="libmp3lame", rate=44_100, filters=(("atrim", f"end={seconds}"),))
    heard = listener.hear(cut)
    scripted = [word for turn in recording.turns for word in turn.words]
    least = [word.text for word in scripted if word.end <= seconds * 1000 - 150]
    most = [word.text for word in scripted if word.start <= seconds * 1000]
    words = [word.text for turn in heard.turns for word in turn.words]
    assert least == words[: len(least)]
    assert words == most[: len(words)]
    assert abs(heard.duration_ms - seconds * 1000) < 100


def test_silence_after_a_break_does_not_hide_the_visit(listener: Listener, reencode: Reencode, tmp_path: Path) -> None:
    samples = samples_of(load_recording("billie").audio, reencode, filters=(("atrim", "end=30"),))
    heard = listener.hear(write_wave(tmp_path / "padded.wav", samples + [0] * (60 * RATE)))
    assert heard.turns
    assert max(turn.words[-1].end for turn in heard.turns) <= 30_200


def test_room_noise_does_not_hide_the_visit(listener: Listener, reencode: Reencode, tmp_path: Path) -> None:
    chance = random.Random(4)
    samples = samples_of(load_recording("billie").audio, reencode, filters=(("atrim", "end=40"),))
    noisy = write_wave(tmp_path / "noisy.wav", [sample + chance.gauss(0, 120) for sample in samples])
    assert listener.hear(noisy).turns


@pytest.mark.parametrize("extra", ["before", "after"])
def test_a_little_other_speech_beside_a_visit_is_left_out_and_said(
    listener: Listener, reencode: Reencode, tmp_path: Path, extra: str
) -> None:
    recording = load_recording("billie")
    visit = samples_of(recording.audio, reencode)
    other = samples_of(load_recording("chasidy").audio, reencode, filters=(("atrim", "end=12"), ("areverse", "")))
    joined = other + visit if extra == "before" else visit + other
    heard = listener.hear(write_wave(tmp_path / "joined.wav", joined))
    assert [word.text for turn in heard.turns for word in turn.words] == said(recording)
    (warning,) = heard.warnings
    seconds = int(warning.removeprefix("Sandbox: ").split(" s of other speech were left out")[0])
    assert 6 <= seconds <= 12


def test_more_other_speech_than_visit_is_an_honest_error(
    listener: Listener, reencode: Reencode, tmp_path: Path
) -> None:
    visit = samples_of(load_recording("billie").audio, reencode, filters=(("atrim", "end=8"),))
    other = samples_of(load_recording("chasidy").audio, reencode, filters=(("atrim", "end=30"), ("areverse", "")))
    with pytest.raises(NotTranscribed, match="not one of the bundled ones"):
        listener.hear(write_wave(tmp_path / "joined.wav", other + visit))


def test_other_speech_is_an_honest_error(listener: Listener, reencode: Reencode) -> None:
    backwards = reencode(
        load_recording("edmundo").audio,
        "backwards.mp3",
        codec="libmp3lame",
        rate=22_050,
        filters=(("areverse", ""),),
    )
    sound = read_sound(backwards, limit_s=900)
    assert judge_voice(sound).voice is Voice.SPEECH
    assert listener.find(sound) == ()
    with pytest.raises(NotTranscribed) as refused:
        listener.hear(backwards)
    assert str(refused.value) == OTHER_SPEECH


def tone(seconds: float, *, hertz: float, beeps: bool = False) -> list[float]:
    on = [not beeps or (index // 4000) % 2 == 0 for index in range(int(seconds * RATE))]
    return [8000 * math.sin(2 * math.pi * hertz * index / RATE) * on[index] for index in range(len(on))]


def noise(seconds: float, *, loudness: float) -> list[float]:
    chance = random.Random(7)
    return [chance.gauss(0, loudness) for _ in range(int(seconds * RATE))]


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param([0.0] * (6 * RATE), id="silence"),
        pytest.param(noise(6, loudness=20), id="a quiet room"),
        pytest.param(noise(6, loudness=2500), id="loud noise"),
        pytest.param(tone(6, hertz=440), id="a tone"),
        pytest.param(tone(6, hertz=180), id="a low hum"),
        pytest.param(tone(6, hertz=1000, beeps=True), id="beeps"),
        pytest.param(tone(6, hertz=200, beeps=True), id="low beeps"),
        pytest.param([0.0] * RATE + noise(0.1, loudness=9000) + [0.0] * (3 * RATE), id="one knock"),
    ],
)
def test_sound_without_speech_has_no_words(listener: Listener, tmp_path: Path, samples: list[float]) -> None:
    heard = listener.hear(write_wave(tmp_path / "sound.wav", samples))
    assert heard.turns == ()
    assert heard.duration_ms == len(samples) * 1000 // RATE


def test_the_clip_without_a_voice_has_no_words(listener: Listener, shared: Path) -> None:
    assert listener.hear(shared / "clips" / "no-voice.mp3").turns == ()


def test_mumbling_gives_a_handful_of_words_of_low_confidence(listener: Listener, shared: Path) -> None:
    heard = listener.hear(shared / "clips" / "mumbling.mp3")
    words = [word for turn in heard.turns for word in turn.words]
    assert 1 <= len(words) <= 6
    assert all(word.confidence < 0.5 for word in words)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "application/x-empty"),
        (b"Hello, this is no sound.", "text/plain"),
        (bytes(range(256)) * 40, "application/octet-stream"),
    ],
)
def test_what_is_no_sound_fails_in_the_vendors_words(
    listener: Listener, tmp_path: Path, content: bytes, error: str
) -> None:
    path = tmp_path / "visit.mp3"
    path.write_bytes(content)
    with pytest.raises(NotTranscribed, match=r"File does not appear to contain audio\. File type is") as refused:
        listener.hear(path)
    assert error in str(refused.value)


def test_a_tenth_of_a_second_is_too_short(listener: Listener, tmp_path: Path) -> None:
    with pytest.raises(NotTranscribed, match=r"^Audio duration is too short\.$"):
        listener.hear(write_wave(tmp_path / "short.wav", noise(0.1, loudness=500)))


def test_confidence_is_high_but_for_the_words_a_recogniser_mishears(listener: Listener) -> None:
    recording = load_recording("chasidy")
    words = [word for turn in listener.hear(recording.audio).turns for word in turn.words]
    unsure = [word for word in words if word.text.strip(".,?!").lower() in recording.unsure]
    assert len(unsure) >= 4
    assert all(0.5 < word.confidence < 0.86 for word in unsure)
    assert all(0.86 <= word.confidence <= 0.99 for word in words if word not in unsure)
    assert len({word.confidence for word in words}) > len(words) / 2


def test_the_same_recording_is_heard_the_same_each_time(listener: Listener) -> None:
    recording = load_recording("billie")
    assert listener.hear(recording.audio) == listener.hear(recording.audio)

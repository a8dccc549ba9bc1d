"""What the clinician is told of a recording that is taken, and which recordings are rewritten before they are sent."""

from __future__ import annotations

import io
from typing import Any

import av
import pytest

from connector.capture.probe import Sound, needs_rewriting, warn_of
from tests.unit.capture.conftest import tone

CLEAR = Sound("wav", 60_000, 16000, 1, codec="pcm_s16le", bit_rate=256_000)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sample_rate": 8000}, "8 kHz"),
        ({"sample_rate": 11025}, "11.025 kHz"),
        ({"codec": "mp3", "bit_rate": 32_000}, "32 kbit/s"),
        ({"codec": "mp3", "bit_rate": 63_999}, "63 kbit/s"),
        ({"channels": 6}, "6 channels: they are mixed into one"),
        ({"streams": 2}, "2 sound tracks: only the first is used"),
        ({"truncated": True}, "its end is missing"),
    ],
)
def test_each_weakness_is_one_sentence(changes, told):
    facts = {"sample_rate": 16000, "channels": 1, "codec": "opus", "bit_rate": 30_000} | changes
    (sentence,) = warn_of(Sound("wav", 60_000, **facts))
    assert told in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "sound",
    [
        CLEAR,
        Sound("mp3", 60_000, 44100, 2, codec="mp3", bit_rate=64_000),
        Sound("webm", 60_000, 48000, 2, codec="opus", bit_rate=16_000),
        Sound("wav", 0, 0, 0),
    ],
)
def test_a_good_recording_and_an_unmeasured_one_are_taken_without_a_word(sound):
    assert warn_of(sound) == ()


def test_several_weaknesses_are_all_told():
    assert len(warn_of(Sound("mp3", 60_000, 8000, 3, 2, truncated=True, codec="mp3", bit_rate=8000))) == 5


async def test_a_poor_mp3_is_told_by_measuring_it(probe, write):
    poor = await probe(write("mp3", "libmp3lame", 16000, bit_rate=32_000))
    good = await probe(write("mp3", "libmp3lame", 16000, bit_rate=64_000))
    assert (poor.codec, poor.bit_rate) == ("mp3", pytest.approx(32_000, rel=0.02))
    assert "kbit/s" in "".join(warn_of(poor))
    assert warn_of(good) == ()


async def test_a_second_sound_track_is_seen(probe):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        streams: list[Any] = [container.add_stream("pcm_s16le", rate=16000, layout="mono") for _ in range(2)]
        for stream in streams:
            container.mux(stream.encode(tone(16000, 16000, "mono")))
    sound = await probe(buffer.getvalue())
    assert sound.streams == 2
    assert "only the first" in "".join(warn_of(sound))
    assert needs_rewriting(sound, 1000)


@pytest.mark.parametrize(
    ("sound", "size", "rewritten"),
    [
        (CLEAR, 2_200_000_000, False),
        (CLEAR, 2_200_000_001, True),
        (Sound("webm", 60_000, 48000, 1), 1000, True),
        (Sound("mkv", 60_000, 48000, 1), 1000, True),
        (Sound("ogg", 60_000, 48000, 2), 1000, False),
        (Sound("flac", 60_000, 48000, 3), 1000, True),
        (Sound("mp4", 60_000, 48000, 1, 2), 1000, True),
    ],
)
def test_what_cannot_be_sent_or_sought_in_is_rewritten(sound, size, rewritten):
    assert needs_rewriting(sound, size) is rewritten
